using AutoCrunch.Core;

namespace AutoCrunch.Watching;

// What people ask about directories.
internal sealed partial class WatchLoop
{
    /// <summary>
    /// How a directory, relative to its rule's, is watched. Watch thread only: others ask (<see cref="AskAsync"/>).
    /// </summary>
    public Coverage CoverageOf(string rule, BytePath directory)
    {
        WatchedRoot? root = _roots.Find(each => each.Rule.Name == rule);
        if (root?.Directory is not { } top)
            return root is null ? Coverage.Unknown : Coverage.RootMissing;
        WatchedDirectory at = top;
        foreach (Range range in directory.Span.Split((byte)'/'))
        {
            ReadOnlySpan<byte> name = directory.Span[range];
            if (name.IsEmpty)
                continue;
            if (_tree.FindChild(at, name) is not { } child)
                return at.Has(DirectoryTraits.Uncovered) ? CoverageIn(at) : Coverage.Unknown;
            at = child;
        }

        return CoverageIn(at);
    }

    private static Coverage CoverageIn(WatchedDirectory directory)
    {
        if (directory.Has(DirectoryTraits.Reported) && directory.Has(DirectoryTraits.Uncovered))
            return Coverage.Unreadable;
        if (directory.Has(DirectoryTraits.Remote))
            return Coverage.Remote;
        if (directory.Has(DirectoryTraits.Uncovered))
            return Coverage.NotWatched;
        return directory.Wd > 0 ? Coverage.Watched : Coverage.Unknown;
    }
}
