using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <summary>What the ledger says of one file, as a scan compares it with the directory.</summary>
/// <param name="Version">The version last judged.</param>
/// <param name="Held">Why that version is held; null when it was completed.</param>
public readonly record struct KnownFile(FileVersion Version, HoldReason? Held);

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
    IReadOnlyCollection<BytePath> ReadDirectories(string rule, BytePath directory);

    /// <summary>True until <see cref="FirstScanFinished"/> has been told for this rule on this ledger.</summary>
    bool IsFirstScan(string rule);

    /// <summary>The rule's whole tree has been scanned once.</summary>
    void FirstScanFinished(string rule);

    /// <summary>Only metadata changed: the ledger follows (same inode and size), no job.</summary>
    void MetadataChanged(string rule, BytePath path, FileStat stat);

    /// <summary>This version is held.</summary>
    void Held(string rule, BytePath path, FileStat stat, HoldReason reason);

    /// <summary>The file is gone (lstat said ENOENT while the root is there).</summary>
    void Gone(string rule, BytePath path);

    /// <summary>The directory and all that was in it is gone.</summary>
    void DirectoryGone(string rule, BytePath directory);

    /// <summary>The directory was renamed inside the rule's tree: its files move along.</summary>
    void DirectoryMoved(string rule, BytePath from, BytePath to);
}
