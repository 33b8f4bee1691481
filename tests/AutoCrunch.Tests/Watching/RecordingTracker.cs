using AutoCrunch.Core;
using AutoCrunch.Watching;

namespace AutoCrunch.Tests.Watching;

/// <summary>One published event, with its path as it was then.</summary>
internal sealed record Published(string Rule, string Path, FileEventKind Kind, uint Cookie, FileEvent Event);

/// <summary>One late answer.</summary>
internal sealed record Answered(TrackedDirectory Directory, byte[] Name, ProbeDepth Depth, ProbeAnswer Answer);

/// <summary>Keeps what the loop tells the tracker; decides nothing. Read from any thread.</summary>
internal sealed class RecordingTracker : IRsyncCompletionTracker
{
    private readonly Lock _gate = new();
    private readonly List<Published> _events = [];
    private readonly List<string> _forgotten = [];
    private readonly List<Answered> _answers = [];
    private readonly Queue<TrackedDirectory> _rescans = new();

    /// <summary>Called on the watch thread before an event is kept: to stall it there.</summary>
    public Action<FileEvent>? OnPublish { get; set; }

    public Moment? QueueEmptySince { get; private set; }

    public IReadOnlyList<Published> Events
    {
        get
        {
            lock (_gate)
                return [.. _events];
        }
    }

    public IReadOnlyList<string> Forgotten
    {
        get
        {
            lock (_gate)
                return [.. _forgotten];
        }
    }

    public IReadOnlyList<Answered> Answers
    {
        get
        {
            lock (_gate)
                return [.. _answers];
        }
    }

    public bool Saw(string path, FileEventKind kind, string rule = "raw") =>
        Count(path, kind, rule) > 0;

    public int Count(string path, FileEventKind kind, string rule = "raw")
    {
        lock (_gate)
            return _events.Count(each => each.Path == path && each.Kind == kind && each.Rule == rule);
    }

    /// <summary>Asks at the next turn of the loop.</summary>
    public void AskForRescan(TrackedDirectory directory)
    {
        lock (_gate)
            _rescans.Enqueue(directory);
    }

    /// <summary>The distinct paths that any event or scan told of as there.</summary>
    public HashSet<string> Seen(string rule = "raw")
    {
        lock (_gate)
        {
            return [.. _events.Where(each => each.Rule == rule && each.Kind is not (FileEventKind.Deleted
                or FileEventKind.MovedOut or FileEventKind.Missing)).Select(each => each.Path)];
        }
    }

    public void Publish(FileEvent fileEvent)
    {
        OnPublish?.Invoke(fileEvent);
        string path = fileEvent.Directory.PathOf(fileEvent.Name.Span).ToString();
        lock (_gate)
        {
            _events.Add(new Published(
                fileEvent.Directory.Rule.Name, path, fileEvent.Kind, fileEvent.Cookie,
                fileEvent with { Name = fileEvent.Name.ToArray() }));
        }
    }

    public void Probed(
        TrackedDirectory directory, ReadOnlySpan<byte> name, ProbeDepth depth, ProbeAnswer answer, Moment now)
    {
        lock (_gate)
            _answers.Add(new Answered(directory, name.ToArray(), depth, answer));
    }

    public void Forget(TrackedDirectory directory)
    {
        lock (_gate)
            _forgotten.Add($"{directory.Rule.Name} {directory.RelativePath}");
    }

    public long Advance(Moment now, Moment? queueEmptySince)
    {
        QueueEmptySince = queueEmptySince;
        return long.MaxValue;
    }

    public TrackedDirectory? TakeRescan()
    {
        lock (_gate)
            return _rescans.TryDequeue(out TrackedDirectory? directory) ? directory : null;
    }
}
