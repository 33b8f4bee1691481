using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

// What a scan did not find is not gone yet: it may have been renamed, and the rename may still wait in the kernel's
// queue.
// Told too early, the ledger would forget a file that is only elsewhere. So it is kept until the queue was seen empty
// after the look: what is not explained by an event then is gone.
internal sealed partial class WatchLoop
{
    // With more of them nothing is merged until they are settled.
    private const int SuspectsMax = 16_384;

    private readonly List<Suspicion> _suspects = [];

    /// <summary>A scan found a known file missing.</summary>
    private void Suspect(WatchedDirectory directory, byte[] name) =>
        Suspect(directory.Root, directory, name, default, directory.Root.Epoch);

    /// <summary>A scan found a directory missing that the ledger knows files in.</summary>
    private void Suspect(WatchedRoot root, KnownDirectory missing, int epoch) =>
        Suspect(root, null, null, missing, epoch);

    /// <summary>A directory of the tree is not where the tree has it.</summary>
    private void SuspectGone(WatchedDirectory directory) =>
        Suspect(
            directory.Root, directory, null, new KnownDirectory(directory.RelativePath, 0), directory.Root.Epoch);

    private void Suspect(
        WatchedRoot root, WatchedDirectory? directory, byte[]? name, KnownDirectory place, int epoch) =>
        _suspects.Add(new Suspicion(root, directory, name, place.Path, place.Device, epoch, Clock.MonotonicNs()));

    private void SettleSuspects()
    {
        if (_suspects.Count == 0 || _moves.Count > 0)
            return;

        // In the order in which they came, so those that were looked at before the queue was empty come first.
        int settled = 0;
        while (settled < _suspects.Count && _suspects[settled].SinceNs < _queueEmpty.MonotonicNs)
            Settle(_suspects[settled++]);
        _suspects.RemoveRange(0, settled);
    }

    private void Settle(in Suspicion suspect)
    {
        if (suspect.Epoch != suspect.Root.Epoch || suspect.Root.Directory is not { } top)
            return;
        if (suspect.Name is not null)
        {
            if (!suspect.Directory!.Has(DirectoryTraits.Detached))
                PublishMissing(suspect.Directory, suspect.Name);
        }
        else if (suspect.Directory is { } directory)
        {
            if (!directory.IsAdrift && directory.RelativePath == suspect.Path
                && PresenceOf(directory, suspect.Path) == Presence.Gone)
                Vanished(directory);
        }
        else
        {
            // On a remote file system the scan thread's look counts: there is no event that could explain it.
            WatchedDirectory deepest = DeepestKnown(top, suspect.Path.Span, out bool isInTree);
            bool isGone = deepest.Has(DirectoryTraits.Remote)
                || (!isInTree && PresenceOf(deepest, suspect.Path) == Presence.Gone);
            if (isGone)
                _knownFiles.DirectoryGone(suspect.Root.Rule.Name, suspect.Path, suspect.Device);
        }
    }

    private void PublishMissing(WatchedDirectory directory, byte[] name) => _tracker.Publish(
        new FileEvent(directory, name, FileEventKind.Missing, 0, _now, _queueEmpty));

    private WatchedDirectory DeepestKnown(WatchedDirectory top, ReadOnlySpan<byte> path, out bool isInTree)
    {
        WatchedDirectory directory = top;
        while (!path.IsEmpty)
        {
            int slash = path.IndexOf((byte)'/');
            if (_tree.FindChild(directory, slash < 0 ? path : path[..slash]) is not { } child)
                break;
            directory = child;
            path = slash < 0 ? default : path[(slash + 1)..];
        }

        isInTree = path.IsEmpty;
        return directory;
    }

    /// <param name="Root">The root it is about.</param>
    /// <param name="Directory">The directory; null when the tree does not have it.</param>
    /// <param name="Name">The file in it; null when the directory itself is missing.</param>
    /// <param name="Path">The missing directory's path, as it was then.</param>
    /// <param name="Device">Of a directory that only the ledger knows: the device its place is on.</param>
    /// <param name="Epoch">Counts only as long as the root is not lost.</param>
    /// <param name="SinceNs">When it was looked at, at the latest.</param>
    private readonly record struct Suspicion(
        WatchedRoot Root, WatchedDirectory? Directory, byte[]? Name, BytePath Path, ulong Device,
        int Epoch, long SinceNs);
}
