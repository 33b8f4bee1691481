using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Cli;

/// <summary>Which rules' directories a path is in.</summary>
internal static class RulePaths
{
    /// <summary>
    /// The rules whose Path the absolute path is at or below, as it is written or, where symlinks lead to a Path or
    /// away from it, as the kernel sees its directory; with the path relative to the rule's.
    /// </summary>
    public static List<(CompiledRule Rule, BytePath Relative)> Of(
        IReadOnlyList<CompiledRule> rules, BytePath path)
    {
        var found = new List<(CompiledRule, BytePath)>();
        BytePath? real = null;
        foreach (CompiledRule rule in rules)
        {
            if (path.IsAtOrBelow(rule.Rule.Path))
            {
                found.Add((rule, Below(path, rule.Rule.Path)));
                continue;
            }

            if (PathOps.TryRealPath(rule.Rule.Path, out BytePath root) != 0)
                continue;
            real ??= RealOf(path);
            if (real.Value.IsAtOrBelow(root))
                found.Add((rule, Below(real.Value, root)));
            else if (PathOps.TryRealPath(path, out BytePath target) == 0 && target == root)
                found.Add((rule, BytePath.Empty));
        }

        return found;
    }

    // The nearest directory above it that is there, without symlinks, and what follows.
    private static BytePath RealOf(BytePath path)
    {
        for (BytePath above = path.Directory; above.Length > 1; above = above.Directory)
        {
            if (PathOps.TryRealPath(above, out BytePath real) == 0)
                return real.Join(path.Span[(above.Length + 1)..]);
        }

        return path;
    }

    private static BytePath Below(BytePath path, BytePath root) =>
        new(path.Span[Math.Min(path.Length, root.Length)..].TrimStart((byte)'/'));
}
