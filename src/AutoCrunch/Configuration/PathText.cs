using System.Diagnostics.CodeAnalysis;
using AutoCrunch.Core;

namespace AutoCrunch.Configuration;

/// <summary>Paths as they are written in the configuration.</summary>
internal static class PathText
{
    // PATH_MAX, less the NUL.
    private const int MaxLength = 4095;

    /// <summary>
    /// Makes an absolute path of text: escapes resolved, relative to <paramref name="baseDirectory"/>, without needless
    /// slashes and "." (".." stays: behind a symlink only the kernel knows where it leads).
    /// </summary>
    /// <param name="text">As written.</param>
    /// <param name="baseDirectory">Absolute.</param>
    /// <param name="path">The path; empty when false is returned.</param>
    /// <param name="expected">What belongs there instead; null when true is returned.</param>
    public static bool TryResolve(
        string text, BytePath baseDirectory, out BytePath path, [NotNullWhen(false)] out string? expected)
    {
        path = BytePath.Empty;
        expected = text switch
        {
            "" => "a directory",
            _ when text is "~" || text.StartsWith("~/", StringComparison.Ordinal) =>
                "a directory without '~', which only shells know",
            _ when text.Contains('\uFFFD', StringComparison.Ordinal) =>
                "a directory with bytes that are not UTF-8 written \\xNN",
            _ => null,
        };
        if (expected is not null)
            return false;
        BytePath written;
        try
        {
            written = BytePath.Parse(text);
        }
        catch (FormatException e)
        {
            expected = "a directory (" + (e.InnerException ?? e).Message + ")";
            return false;
        }

        path = (written.Span[0] == '/' ? written : baseDirectory.Join(written)).Normalise();
        if (path.Length <= MaxLength)
            return true;
        expected = $"a path of at most {MaxLength} bytes";
        return false;
    }
}
