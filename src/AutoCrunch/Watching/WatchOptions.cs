using AutoCrunch.Core;
using AutoCrunch.Linux;
using FileSystemInfo = AutoCrunch.Linux.FileSystemInfo;

namespace AutoCrunch.Watching;

/// <summary>Sees every event of the kernel that belongs to a watched directory, before the tracker does.</summary>
/// <param name="directory">The directory the name is in.</param>
/// <param name="name">The name's bytes, valid during the call; empty when the directory itself is meant.</param>
/// <param name="mask">The event's bits as inotify(7) has them.</param>
/// <param name="cookie">Pairs the two halves of a rename.</param>
/// <param name="time">When the event was read.</param>
internal delegate void EventObserver(
    WatchedDirectory directory, ReadOnlySpan<byte> name, uint mask, uint cookie, Moment time);

/// <summary>Tells what kind of file system a path is on; returns 0 or the errno.</summary>
internal delegate int FileSystemReader(BytePath path, out FileSystemFacts facts);

/// <summary>How the watch loop does its work; none of it is a setting for operators.</summary>
internal sealed record WatchOptions
{
    /// <summary>Event bits to watch for beyond those the rules need: for an observer.</summary>
    public uint MaskExtra { get; init; }

    /// <summary>Called on the watch thread.</summary>
    public EventObserver? Observer { get; init; }

    /// <summary>The watchdog's canary; none when nobody watches over the service.</summary>
    public CanaryOptions? Canary { get; init; }

    /// <summary>Called on the watch thread after each turn of its loop.</summary>
    public Action<Moment>? OnTurn { get; init; }

    /// <summary>How file systems are told apart; called on the scan threads.</summary>
    public FileSystemReader FileSystemOf { get; init; } = FileSystemInfo.TryRead;

    /// <summary>
    /// Time between two looks at whether a local root is back, or still the directory that is watched where its path
    /// cannot be watched itself (<see cref="PathWatch"/>). A root may come back in the very moment it is lost, and its
    /// return is to be noticed within two seconds.
    /// </summary>
    public TimeSpan RootCheck { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The same where every change of the path is told: for what a file system may not tell, and permissions.
    /// </summary>
    public TimeSpan CoveredRootCheck { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The same for a root on a network file system, where a look costs the server something.</summary>
    public TimeSpan RemoteRootCheck { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long the second half of a directory's rename may be late. inotify(7) does not promise that it is queued when
    /// the first half is read.
    /// </summary>
    public TimeSpan MoveDelay { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Longest time between two scans of what is not watched.</summary>
    public TimeSpan UncoveredRescan { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// A root whose file system shows no sign of life for this long does not hold up the start any longer.
    /// </summary>
    public TimeSpan StartPatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time between two reports of a long scan.</summary>
    public TimeSpan ProgressReport { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How many reports of the scan threads wait for the watch thread; then they wait.</summary>
    public int InboxCapacity { get; init; } = 4096;

    /// <summary>
    /// How many events of directories that are just being scanned are kept; then those directories are scanned again.
    /// </summary>
    public int StashCapacity { get; init; } = 65_536;
}
