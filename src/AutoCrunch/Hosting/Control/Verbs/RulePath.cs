using AutoCrunch.Core;

namespace AutoCrunch.Hosting;

/// <summary>Paths as operators give them.</summary>
internal static class RulePath
{
    /// <summary>Relative to the rule's directory, of a path that is absolute or relative already.</summary>
    public static BytePath Relative(WatchRule rule, BytePath path)
    {
        if (!path.Span.StartsWith("/"u8))
            return path;
        return path.IsAtOrBelow(rule.Path) && path.Length > rule.Path.Length
            ? new BytePath(path.Span[rule.Path.Length..].TrimStart((byte)'/'))
            : path;
    }
}
