using AutoCrunch.Core;

namespace AutoCrunch.Watching;

/// <summary>
/// Decides which files have finished arriving and hands each rule's completions to that rule's job dispatcher.
/// Called by the watch thread only.
/// </summary>
public interface IRsyncCompletionTracker
{
    /// <summary>Takes one event, in kernel order. <see cref="FileEvent.Name"/> is not kept beyond the call.</summary>
    void Publish(FileEvent fileEvent);

    /// <summary>Takes the late answer to a probe that could not be answered at once.</summary>
    void Probed(TrackedDirectory directory, ReadOnlySpan<byte> name, ProbeDepth depth, ProbeAnswer answer, Moment now);

    /// <summary>
    /// The directory and all below it is no longer watched in this place: forget what was in flight there.
    /// </summary>
    void Forget(TrackedDirectory directory);

    /// <summary>
    /// Lets deadlines pass. Call after each batch of events, and at the latest at the returned time.
    /// </summary>
    /// <param name="now">The present.</param>
    /// <param name="queueEmptySince">
    /// The last moment at which the kernel queue was seen empty with everything before it published; null if never yet.
    /// </param>
    /// <returns>Monotonic nanoseconds of the next deadline; <see cref="long.MaxValue"/> when there is none.</returns>
    long Advance(Moment now, Moment? queueEmptySince);

    /// <summary>A directory the tracker wants scanned again (its tables were full); null when there is none.</summary>
    TrackedDirectory? TakeRescan();
}
