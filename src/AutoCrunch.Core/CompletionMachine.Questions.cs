using System;
using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <content>What people ask about files without a verdict. Reads only; whoever drives the machine calls it.</content>
internal sealed partial class CompletionMachine
{
    /// <summary>
    /// Files without a verdict at or below a directory (empty: the rule's root), those that are not held first, then
    /// the oldest first. Costs a walk over the table; what is returned is bounded by <paramref name="limit"/>.
    /// </summary>
    public IReadOnlyList<InFlight> InFlight(BytePath directory, int limit, Moment now)
    {
        // The queue keeps the best ones: its head, the worst of them, gives way.
        var best = new PriorityQueue<TrackedFile, (bool IsHeld, long ArrivedNs)>(
            Comparer<(bool IsHeld, long ArrivedNs)>.Create(static (x, y) => y.CompareTo(x)));
        var isBelow = new Dictionary<TrackedDirectory, bool>();
        foreach (TrackedFile file in _files.Values)
        {
            if (limit <= 0 || !IsIn(file.Directory, directory, isBelow))
                continue;
            (bool, long) rank = (file.Phase == Phase.Held, file.ArrivedNs);
            if (best.Count < limit)
                best.Enqueue(file, rank);
            else
                best.EnqueueDequeue(file, rank);
        }

        var files = new InFlight[best.Count];
        for (int i = files.Length - 1; i >= 0; i--)
            files[i] = Tell(best.Dequeue(), now);
        return files;
    }

    /// <summary>The file with this path, relative to the rule's directory; null when it is not in flight.</summary>
    public InFlight? FindInFlight(BytePath path, Moment now)
    {
        ReadOnlySpan<byte> name = path.Span[(path.Span.LastIndexOf((byte)'/') + 1)..];
        foreach (TrackedFile file in _files.Values)
        {
            if (name.SequenceEqual(file.Name) && file.Directory.PathOf(file.Name) == path)
                return Tell(file, now);
        }

        return null;
    }

    /// <summary>What had begun to arrive at a moment and has no verdict. One walk, that keeps but a few.</summary>
    /// <param name="since">The moment.</param>
    /// <param name="most">No more names than this.</param>
    /// <param name="now">The present.</param>
    public Unrecorded FindUnrecorded(Moment since, int most, Moment now)
    {
        long waited = 0;
        long arriving = 0;
        TrackedFile? first = null;
        var oldest = new PriorityQueue<TrackedFile, long>(Comparer<long>.Create(static (x, y) => y.CompareTo(x)));
        foreach (TrackedFile file in _files.Values)
        {
            if (file.Phase == Phase.Held || file.ArrivedNs > since.WallNs)
                continue;
            bool isWaited = file.LastSignNs <= since.MonotonicNs && StateOf(file)
                is InFlightState.Asked or InFlightState.WaitsForQuiet or InFlightState.WaitsForScan;
            if (isWaited)
            {
                waited += 1;
                first ??= file;
                continue;
            }

            arriving += 1;
            if (oldest.Count < most)
                oldest.Enqueue(file, file.ArrivedNs);
            else if (most > 0)
                oldest.EnqueueDequeue(file, file.ArrivedNs);
        }

        var names = new InFlight[oldest.Count];
        for (int i = names.Length - 1; i >= 0; i--)
            names[i] = Tell(oldest.Dequeue(), now);
        return new Unrecorded(waited, first is null ? null : Tell(first, now), arriving, names);
    }

    /// <summary>How many files have no verdict.</summary>
    public InFlightCount CountInFlight()
    {
        int held = 0;
        long oldestNs = long.MaxValue;
        foreach (TrackedFile file in _files.Values)
        {
            if (file.Phase == Phase.Held)
                held++;
            else
                oldestNs = Math.Min(oldestNs, file.ArrivedNs);
        }

        int arriving = _files.Count - held;
        return new InFlightCount(_rule.Name, arriving, held, arriving > 0 ? oldestNs : null);
    }

    // Directories are few beside files: the path of each is made once.
    private static bool IsIn(TrackedDirectory directory, BytePath top, Dictionary<TrackedDirectory, bool> known)
    {
        if (!top.IsEmpty && !known.TryGetValue(directory, out bool isBelow))
            known.Add(directory, isBelow = directory.RelativePath.IsAtOrBelow(top));
        else
            isBelow = top.IsEmpty || known[directory];
        return isBelow;
    }

    private InFlight Tell(TrackedFile file, Moment now)
    {
        long offsetNs = now.WallNs - now.MonotonicNs;
        return new InFlight(
            _rule.Name, file.Directory.PathOf(file.Name), StateOf(file), file.ArrivedNs, file.LastSignNs + offsetNs)
        {
            SizeBytes = file.HasStat ? file.Stat.SizeBytes : null,
            UntilNs = file.DeadlineNs == long.MaxValue ? null : file.DeadlineNs + offsetNs,
            Hold = file.Phase == Phase.Held ? file.Hold : null,
        };
    }

    private InFlightState StateOf(TrackedFile file) => file switch
    {
        { Phase: Phase.Held } => InFlightState.Held,
        { UnreadableCount: > 0 } => InFlightState.Unreadable,
        { Writer: WriterState.Writing } => InFlightState.BeingWritten,
        { Phase: Phase.Touched, TouchedInDoubt: true, Directory.IsUncertain: true } => InFlightState.WaitsForScan,
        { ConfirmAfterNs: not TrackedFile.NoTime } => InFlightState.Asked,
        { Phase: Phase.Writing or Phase.Opening, Writer: WriterState.Unknown } => InFlightState.WaitsForWriter,
        { Phase: Phase.Writing } => InFlightState.BeingWritten,
        { Phase: Phase.Closed, Directory.IsUncertain: true } when IsQuiet(file) => InFlightState.WaitsForScan,
        { Phase: Phase.Closed, DeadlineNs: < long.MaxValue } => InFlightState.WaitsForQuiet,
        _ => InFlightState.Asked,
    };

    // It is looked at again later than its quiet period asks for: it waits for a scan.
    private bool IsQuiet(TrackedFile file) => file.DeadlineNs > file.LastSignNs + _quietNs;
}
