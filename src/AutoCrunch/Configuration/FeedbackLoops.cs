using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Configuration;

/// <summary>Finds rules whose own jobs, or the service's own files, would make new jobs for them without end.</summary>
internal static class FeedbackLoops
{
    /// <summary>What would go round in circles, one sentence each.</summary>
    public static IEnumerable<string> Of(WatchRule rule, DispatcherOptions dispatcher, BytePath stateDirectory)
    {
        BytePath root = Real(rule.Path);
        BytePath state = Real(stateDirectory);
        foreach (string name in (string[])["ledger.db", "ledger.db-wal", "job.log"])
        {
            if (!Takes(rule, root, state.Join(BytePath.Parse(name))))
                continue;
            yield return $"the {nameof(AutoCrunchSection.StateDirectory)} {stateDirectory} lies in {rule.Path}, and "
                + $"the rule takes files like '{name}' in it: move it out, or exclude it";
            break;
        }

        foreach ((string key, DisposalPolicy policy) in Disposals(rule))
        {
            BytePath? to = Sample(rule) is { } file
                ? policy.DestinationOf(new CommandValues(rule.Name, rule.Path, file, 1, 1))
                : null;
            if (to is { } destination && Takes(rule, root, destination))
                yield return $"{key} moves files to {ConfigurationLayers.Quote(policy.To!.Text)}, where the rule takes "
                    + "them itself: the ledger knows them there and they make no job, but with a new ledger all of "
                    + "them would be processed again; move them elsewhere, or exclude that place";
        }

        if (dispatcher is not ProcessOptions process)
            yield break;
        foreach (CommandTemplate argument in process.Command.Skip(1).Where(argument => argument.HasPlaceholders))
        {
            if (Output(rule, process.WorkingDirectory, argument) is { } output && Takes(rule, root, output))
                yield return $"the argument {ConfigurationLayers.Quote(argument.Text)} names files in {rule.Path} "
                    + "that the rule takes itself: what a job writes there makes the next job; write elsewhere, or "
                    + "exclude it";
        }
    }

    /// <summary>Rules that lose files to this one, which moves or deletes them, one sentence each.</summary>
    public static IEnumerable<string> Losers(WatchRule rule, IEnumerable<WatchRule> all)
    {
        string[] keys = [.. Disposals(rule).Select(disposal => disposal.Key)];
        if (keys.Length == 0)
            yield break;
        BytePath root = Real(rule.Path);
        foreach (WatchRule other in all.Where(other => other.Name != rule.Name))
        {
            BytePath otherRoot = Real(other.Path);
            bool isShared = (Sample(rule) is { } mine && Takes(other, otherRoot, root.Join(mine)))
                || (Sample(other) is { } its && Takes(rule, root, otherRoot.Join(its)));
            if (isShared)
                yield return $"{string.Join(" and ", keys)} take{(keys.Length == 1 ? "s" : "")} files away that rule "
                    + $"'{other.Name}' takes too: its jobs that have not started by then are cancelled; let one rule "
                    + "take them, and the other one from where they are moved";
        }
    }

    private static IEnumerable<(string Key, DisposalPolicy Policy)> Disposals(WatchRule rule) =>
        new[] { (nameof(rule.OnSuccess), rule.OnSuccess), (nameof(rule.OnFailure), rule.OnFailure) }
            .Where(disposal => disposal.Item2.Kind != DisposalKind.Keep);

    // What the argument is for a file of the rule, if it can be another file's path.
    private static BytePath? Output(WatchRule rule, BytePath workingDirectory, CommandTemplate argument)
    {
        if (Sample(rule) is not { } sample)
            return null;
        ReadOnlySpan<byte> text = argument.Expand(new CommandValues(rule.Name, rule.Path, sample, 1, 1));
        if (text.StartsWith("-"u8) && text.IndexOf((byte)'=') is > 0 and int equals)
            text = text[(equals + 1)..];
        if (!text.Contains((byte)'/'))
            return null;
        BytePath path = (text[0] == '/' ? new BytePath(text) : workingDirectory.Join(text)).Normalise();
        return rule.Path.Join(sample).IsAtOrBelow(path) ? null : path;
    }

    // A name that the rule takes; null when none is easily thought of.
    private static BytePath? Sample(WatchRule rule)
    {
        foreach (string pattern in rule.Include.Patterns)
        {
            string name = pattern.Replace("**", "d", StringComparison.Ordinal).Replace('*', 'f').Replace('?', 'f');
            try
            {
                BytePath sample = new BytePath("d"u8).Join(BytePath.Parse(name));
                if (rule.Takes(sample.Span))
                    return sample;
                sample = BytePath.Parse(name);
                if (rule.Takes(sample.Span))
                    return sample;
            }
            catch (FormatException)
            {
                // An escape that only patterns know: another pattern may do.
            }
        }

        return null;
    }

    private static bool Takes(WatchRule rule, BytePath root, BytePath path)
    {
        BytePath real = Real(path.Directory).Join(path.Name);
        if (real == root || !real.IsAtOrBelow(root))
            return false;
        ReadOnlySpan<byte> rest = real.Span[root.Length..];
        var relative = new BytePath(rest[0] == '/' ? rest[1..] : rest);
        return !TreeSurvey.IsBeyondReach(rule, relative) && rule.Takes(relative.Span);
    }

    // As far as the path exists, without symlinks; the rest as written.
    private static BytePath Real(BytePath path)
    {
        if (PathOps.TryRealPath(path, out BytePath real) == 0)
            return real;
        return path.Length <= 1 || path.Directory == path ? path : Real(path.Directory).Join(path.Name);
    }
}
