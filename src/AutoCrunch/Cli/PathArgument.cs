using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Cli;

/// <summary>
/// A path as operators write it on the command line: raw bytes (what the shell completes), or the text AutoCrunch
/// prints (<see cref="BytePath.ToString"/>); absolute, or relative to the current directory.
/// </summary>
internal static class PathArgument
{
    /// <summary>
    /// The absolute path, without ".", ".." and needless slashes. A backslash begins an escape, unless a file of that
    /// very name is there, or no escape follows.
    /// </summary>
    /// <param name="decoded">The argument as .NET shows it.</param>
    public static BytePath Resolve(string decoded) => Resolve(RawArguments.PathOf(decoded));

    /// <inheritdoc cref="Resolve(string)"/>
    public static BytePath Resolve(BytePath raw)
    {
        BytePath path = Absolute(raw);
        if (!raw.Span.Contains((byte)'\\') || FileStatReader.TryRead(path, out _) == 0)
            return path;
        return TryParse(raw) is { } escaped ? Absolute(escaped) : path;
    }

    private static BytePath Absolute(BytePath path)
    {
        if (path.IsEmpty || path.Span[0] != (byte)'/')
            path = PathOps.TryCurrentDirectory(out BytePath current) == 0 ? current.Join(path) : path;
        path = path.Normalise();
        return WithoutParents(path);
    }

    // Behind a symlink only the kernel knows where ".." leads. Where it cannot say, the path stays as it is.
    private static BytePath WithoutParents(BytePath path)
    {
        for (int end = path.Length, start; end > 0; end = start)
        {
            start = path.Span[..end].LastIndexOf((byte)'/');
            if (!path.Span[(start + 1)..end].SequenceEqual(".."u8))
                continue;
            return PathOps.TryRealPath(new BytePath(path.Span[..end]), out BytePath real) == 0
                ? real.Join(path.Span[end..].TrimStart((byte)'/')).Normalise()
                : path;
        }

        return path;
    }

    private static BytePath? TryParse(BytePath raw)
    {
        try
        {
            return BytePath.Parse(new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(raw.Span));
        }
        catch (Exception e) when (e is FormatException or DecoderFallbackException)
        {
            return null;
        }
    }
}
