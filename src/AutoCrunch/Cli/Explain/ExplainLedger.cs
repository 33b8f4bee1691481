using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Ledger;

namespace AutoCrunch.Cli;

/// <summary>What the ledger has of files, in the form that the explanation needs.</summary>
internal sealed class ExplainLedger : IDisposable
{
    /// <summary>So many versions of a file are told.</summary>
    public const int JobsMax = 20;

    private const int AheadMax = 1000;

    private readonly LedgerReader? _reader;
    private IReadOnlyList<Job>? _running;

    private ExplainLedger(LedgerReader? reader, string? problem)
    {
        _reader = reader;
        Problem = problem;
    }

    /// <summary>Null when it cannot be read.</summary>
    public LedgerReader? Reader => _reader;

    /// <summary>Why it cannot be read, as a sentence; null when it can.</summary>
    public string? Problem { get; }

    public static ExplainLedger Open(CompiledConfiguration configuration)
    {
        try
        {
            return new ExplainLedger(LedgerReader.Open(configuration.StateDirectory), null);
        }
        catch (LedgerUnusableException error)
        {
            return new ExplainLedger(null, error.Message);
        }
        catch (SqliteException error)
        {
            return new ExplainLedger(null, $"The ledger cannot be read at present: {error.Message}; {error.Advice}.");
        }
    }

    /// <summary>What it has of a file, relative to the rule's directory.</summary>
    public LedgerFacts FactsOf(string rule, BytePath path)
    {
        if (_reader is null || _reader.Records.GetValueOrDefault(rule) is not { } record)
            return new LedgerFacts { FirstScanDone = false };
        var facts = new LedgerFacts { FirstScanDone = record.FirstScanDone, RulePaused = Why(record.Paused) };
        if (_reader.FindFile(rule, path) is not { } file)
            return facts;
        IReadOnlyList<Job> jobs = _reader.JobsOf(file.LastJobId, JobsMax);
        facts = facts with { Entry = file.Known, Jobs = jobs, IsJobOfOther = !file.IsOwnJob };
        if (jobs is not [{ } latest, ..])
            return facts;
        facts = facts with
        {
            LastAttempt = _reader.LastAttempt(latest.Id), Disposal = _reader.FindDisposal(latest.Id),
        };
        if (_reader.FindPausedPath(rule, path) is not null)
            facts = facts with { PathPaused = "because it completed again and again; most likely its job rewrites it" };
        return latest.State == JobState.Queued ? InQueue(facts, latest) : facts;
    }

    public void Dispose() => _reader?.Dispose();

    private LedgerFacts InQueue(LedgerFacts facts, Job latest)
    {
        _running ??= _reader!.RunningJobs();
        int ahead = _reader!.QueuedBefore(latest, AheadMax + 1);
        return facts with
        {
            Ahead = Math.Min(ahead, AheadMax),
            IsAheadCut = ahead > AheadMax,
            Running = _running.Count(job => job.Rule == latest.Rule),
            RunningOfAll = _running.Count,
            RunningOfPath = _running.FirstOrDefault(job => job.Rule == latest.Rule && job.Path == latest.Path)?.Id,
        };
    }

    private static string? Why(PauseReason? paused) => paused switch
    {
        null => null,
        PauseReason.ByHand => "by hand",
        PauseReason.ManyFiles => "because a scan found more files than MaxExistingFiles",
        PauseReason.Failures => "because its last jobs all failed (PauseAfterFailures)",
        _ => throw new InvariantException($"Unknown reason {paused}"),
    };
}
