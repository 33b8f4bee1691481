using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <summary>What the ledger says of one file, as a scan compares it with the directory.</summary>
/// <param name="Version">The version last judged.</param>
/// <param name="Held">Why that version is held; null when it was completed.</param>
public readonly record struct KnownFile(FileVersion Version, HoldReason? Held)
{
    /// <summary>
    /// The device it was seen on, by the number that device has now as far as is known; 0 when that is not known.
    /// </summary>
    public ulong Device { get; init; }

    /// <summary>Birth time of the file that was judged; 0 when it is not known.</summary>
    public long BirthNs { get; init; }

    /// <summary>
    /// True when <paramref name="found"/> is the completed file, written on in place. Inode numbers are given out
    /// again: a file with another birth is another one.
    /// </summary>
    public bool IsUpdatedBy(FileStat found) => Held is null && Version != found.Version && found.Inode != 0
        && Version.Inode == found.Inode && (BirthNs == 0 || found.BirthNs == 0 || found.BirthNs == BirthNs);
}

/// <summary>A directory in which the ledger knows existing files.</summary>
/// <param name="Path">Relative to the rule's directory.</param>
/// <param name="Device">The device of one of these files, as in <see cref="KnownFile.Device"/>.</param>
public readonly record struct KnownDirectory(BytePath Path, ulong Device);

/// <summary>
/// What is known of files beyond their jobs: read by scans, told by the tracker. Telling never waits: facts of one
/// rule are applied in the order in which they and the rule's completions are told.
/// </summary>
public interface IKnownFiles
{
    /// <summary>
    /// Fills <paramref name="files"/> with the existing files the ledger knows directly in a directory, by name. May
    /// wait for the disk: called by scan threads only.
    /// </summary>
    void ReadDirectory(string rule, BytePath directory, Dictionary<BytePath, KnownFile> files);

    /// <summary>
    /// The directories at or below <paramref name="directory"/> in which existing files are known. Scan threads only.
    /// </summary>
    IReadOnlyCollection<KnownDirectory> ReadDirectories(string rule, BytePath directory);

    /// <summary>
    /// How many existing files are known of a rule. Counts them: for a million that takes a moment. Scan threads only.
    /// </summary>
    long CountFiles(string rule);

    /// <summary>True until <see cref="WholeScanFinished"/> has been told for this rule on this ledger.</summary>
    bool IsFirstScan(string rule);

    /// <summary>The rule's whole tree has been scanned; told of every such scan, when it is merged.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="found">How many files were new or changed.</param>
    void WholeScanFinished(string rule, long found);

    /// <summary>Only metadata changed: the ledger follows (same inode and size), no job.</summary>
    void MetadataChanged(string rule, BytePath path, FileStat stat);

    /// <summary>This version is held.</summary>
    /// <param name="rule">The rule's name.</param>
    /// <param name="path">Relative to the rule's directory.</param>
    /// <param name="stat">The file as it was looked at.</param>
    /// <param name="reason">Why it is held.</param>
    /// <param name="isMoved">
    /// True when it was looked at under the name it was renamed from: if it has completed under this one, that is news.
    /// </param>
    void Held(string rule, BytePath path, FileStat stat, HoldReason reason, bool isMoved = false);

    /// <summary>The file is gone (lstat said ENOENT while the root is there).</summary>
    void Gone(string rule, BytePath path);

    /// <summary>The directory and all that was in it is gone.</summary>
    /// <param name="rule">The rule's name.</param>
    /// <param name="directory">Relative to the rule's directory.</param>
    /// <param name="device">
    /// The device that its place in the tree is on: files of another device are not there because that is not mounted,
    /// and are kept. 0: files of whatever device.
    /// </param>
    void DirectoryGone(string rule, BytePath directory, ulong device);

    /// <summary>
    /// A device has another number than before (the numbers are given at boot, or when it is mounted): a file known
    /// under the old number was found under the new one.
    /// </summary>
    void DeviceRenumbered(string rule, ulong from, ulong to);

    /// <summary>The directory was renamed inside the rule's tree: its files move along.</summary>
    void DirectoryMoved(string rule, BytePath from, BytePath to);
}
