using AutoCrunch.Core;

namespace AutoCrunch.Watching;

/// <summary>Looks at files for the tracker.</summary>
internal interface IFileProber
{
    /// <summary>
    /// Answers at once for local file systems. Returns false where looking might make the watch thread wait (a network
    /// file system, a walk over /proc): the answer then comes through <see cref="IRsyncCompletionTracker.Probed"/>.
    /// </summary>
    bool TryProbe(TrackedDirectory directory, ReadOnlySpan<byte> name, ProbeDepth depth, out ProbeAnswer answer);
}
