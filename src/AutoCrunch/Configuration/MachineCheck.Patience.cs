using System.Diagnostics;

namespace AutoCrunch.Configuration;

// A file system that does not answer keeps whoever asks it waiting, maybe for good. So each rule is looked at on a
// thread of its own, and one that hangs is left behind: its rule is watched as soon as its file system answers, the
// others at once.
internal sealed partial class MachineCheck
{
    // Long enough for a disk that has to start first. Together with what watching waits for, well within the time in
    // which a service manager wants to hear of us.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly HashSet<CompiledRule> _silent = [];

    /// <summary>Looks at all rules at once.</summary>
    /// <param name="before">An earlier check: what did not answer then is not waited for again.</param>
    private List<RuleLook> LookAtRules(MachineCheck? before)
    {
        long start = Stopwatch.GetTimestamp();
        var looks = new List<RuleLook>();
        foreach (CompiledRule rule in _configuration.Rules)
        {
            var own = new MachineCheck(_configuration, _mayCreate);
            Task<bool>? look = before?._silent.Contains(rule) == true ? null : Task.Factory.StartNew(
                () => own.CheckRule(rule), CancellationToken.None, TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
            looks.Add(new RuleLook(rule, own, look, start));
        }

        return looks;
    }

    // True when there is a tree to walk.
    private bool IsThere(RuleLook look)
    {
        TimeSpan left = s_patience - Stopwatch.GetElapsedTime(look.StartTimestamp);
        if (look.Look?.Wait(left > TimeSpan.Zero ? left : TimeSpan.Zero) == true)
        {
            _findings.AddRange(look.Check._findings);
            return look.Look.Result;
        }

        _silent.Add(look.Rule);
        Add(FindingSeverity.Warning, RuleKey(look.Rule.Rule),
            $"a file system that it names does not answer within {s_patience.TotalSeconds:F0} s, that of "
            + $"{look.Rule.Rule.Path} or another one: what lies there waits until it does, all else goes on");
        return false;
    }

    /// <param name="Rule">Which rule.</param>
    /// <param name="Check">Has what was found, once it is done.</param>
    /// <param name="Look">Whether there is a tree to walk; null when nobody looks.</param>
    /// <param name="StartTimestamp">Since when somebody looks.</param>
    private sealed record RuleLook(CompiledRule Rule, MachineCheck Check, Task<bool>? Look, long StartTimestamp);
}
