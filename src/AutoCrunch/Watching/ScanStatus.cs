using System.Globalization;
using AutoCrunch.Core;

namespace AutoCrunch.Watching;

/// <summary>How far a scan of a whole root is, for the operator.</summary>
/// <param name="Rule">The rule's name.</param>
/// <param name="Path">The root.</param>
/// <param name="Directories">Directories entered so far.</param>
/// <param name="Files">Files of the rule looked at so far.</param>
/// <param name="KnownFiles">
/// How many the ledger knows there, about as many as there will be; null when not counted.
/// </param>
/// <param name="Elapsed">Since it began.</param>
internal sealed record ScanStatus(
    string Rule, BytePath Path, long Directories, long Files, long? KnownFiles, TimeSpan Elapsed)
{
    /// <summary>Files looked at a second, on average.</summary>
    public double FilesPerSecond => Files / Math.Max(Elapsed.TotalSeconds, 0.001);

    /// <summary>
    /// About how long it will still take; null where that cannot be told: the files are new to the ledger.
    /// </summary>
    public TimeSpan? Remaining => KnownFiles > Files && Files > 0
        ? TimeSpan.FromSeconds(Math.Ceiling((KnownFiles.Value - Files) / FilesPerSecond))
        : null;

    /// <summary>"120000 of about 1000000 files in 3000 directories, 45000 a second, about 00:00:20 left".</summary>
    public override string ToString()
    {
        string of = KnownFiles > Files ? Invariant($" of about {KnownFiles}") : "";
        string left = Remaining is { } time ? Invariant($", about {time:c} left") : "";
        return Invariant($"{Files}{of} files in {Directories} directories, {FilesPerSecond:0} a second{left}");
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
