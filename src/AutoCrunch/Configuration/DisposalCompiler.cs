using AutoCrunch.Core;

namespace AutoCrunch.Configuration;

/// <summary>Makes what is done with files of their sections, and tells every mistake in them.</summary>
internal static class DisposalCompiler
{
    /// <summary>The policy; null when there is a mistake, which was told.</summary>
    /// <param name="key">The key of the section.</param>
    /// <param name="kind">Its action.</param>
    /// <param name="to">Its path.</param>
    /// <param name="path">The rule's directory; null when there is a mistake in it.</param>
    /// <param name="rule">Where mistakes are put.</param>
    public static DisposalPolicy? Compile(
        string key, DisposalKind kind, string to, BytePath? path, RuleCompiler rule)
    {
        string toKey = $"{key}:{nameof(DisposalSection.To)}";
        if (kind == DisposalKind.Move && to.Length > 0)
            return CompileMove(toKey, to, path, rule);
        if (kind == DisposalKind.Move)
            rule.Reader.Mistake(toKey, "nothing", "the new path of the file, such as \"done/{relative}\"");
        else if (to.Length > 0)
            rule.Reader.Mistake(toKey, $"no path, or Action \"{DisposalKind.Move}\": the file is not moved");
        else
            return kind == DisposalKind.Keep ? DisposalPolicy.Keep : new DisposalPolicy(kind, null, BytePath.Empty);
        return null;
    }

    private static DisposalPolicy? CompileMove(string key, string to, BytePath? path, RuleCompiler rule)
    {
        if (!CommandTemplate.TryParse(to, out CommandTemplate? template, out string error))
        {
            rule.Reader.Mistake(key, $"a path ({error})");
            return null;
        }

        if (to is "~" || to.StartsWith("~/", StringComparison.Ordinal))
        {
            rule.Reader.Mistake(key, "a path without '~', which only shells know");
            return null;
        }

        var policy = new DisposalPolicy(DisposalKind.Move, template, rule.BaseDirectory);
        BytePath one = BytePath.Parse("d/one.x"), another = BytePath.Parse("e/two.y");
        BytePath root = path ?? new BytePath("/"u8);
        string? expected = null;
        if (to.EndsWith('/') || template.Expand(new CommandValues("r", root, one, 1, 1)) is [.., (byte)'/'])
            expected = $"the new path of the file itself: end it with its name, such as \"{to}{{name}}\"";
        else if (Destination(policy, root, one, 1) == Destination(policy, root, another, 2))
            expected = "a path that differs from file to file, such as \"done/{relative}\": only one could have it";
        else if (path is not null && Destination(policy, root, one, 1) == root.Join(one))
            expected = "another path than the file has already";
        if (expected is null)
            return policy;
        rule.Reader.Mistake(key, expected);
        return null;
    }

    private static BytePath? Destination(DisposalPolicy policy, BytePath path, BytePath relative, long job) =>
        policy.DestinationOf(new CommandValues("r", path, relative, job, 1));
}
