using System.Text;
using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <summary>What a ledger is opened with.</summary>
internal sealed record LedgerOptions
{
    /// <summary>Where the ledger and the logs of jobs live, absolute; created if missing.</summary>
    public required BytePath StateDirectory { get; init; }

    /// <summary>The rules whose files and jobs it is to record.</summary>
    public required IReadOnlyList<WatchRule> Rules { get; init; }

    /// <summary>How many jobs may run at once over all rules; 0 = no limit beyond the rules'.</summary>
    public int MaxRunning { get; init; }

    /// <summary>Of rules whose running jobs go on without the service, in which engine they do.</summary>
    public IReadOnlyDictionary<string, string> Engines { get; init; } = new Dictionary<string, string>();

    /// <summary>How long finished jobs, and files that are gone, are remembered.</summary>
    public TimeSpan KeepHistory { get; init; } = TimeSpan.FromDays(90);

    /// <summary>
    /// No service: a command that has the ledger to itself for a moment. What an unclean stop has left for the next
    /// start to check is left as it is.
    /// </summary>
    public bool IsByHand { get; init; }

    /// <summary>
    /// Facts and completions that wait to be written, at most: beyond it (the disk is full or slow) they are dropped,
    /// and the rule's tree is to be scanned again (<see cref="JobLedger.RescanNeeded"/>).
    /// </summary>
    public int PendingMax { get; init; } = 262_144;

    /// <summary>
    /// How long what waits is still written once the ledger is closed; then the next start's scan has to bring what it
    /// can bring.
    /// </summary>
    public TimeSpan ClosingMax { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>Where things are in a state directory.</summary>
/// <param name="Root">The state directory.</param>
internal readonly record struct StateLayout(BytePath Root)
{
    /// <summary>The logs of so many jobs lie in one directory.</summary>
    public const long JobsPerLogDirectory = 1000;

    public BytePath Ledger => Root.Join("ledger.db"u8);

    public BytePath Wal => Root.Join("ledger.db-wal"u8);

    /// <summary>The ledger while it is being made.</summary>
    public BytePath NewLedger => Root.Join("ledger.db.new"u8);

    public BytePath NewLedgerJournal => Root.Join("ledger.db.new-journal"u8);

    public BytePath Lock => Root.Join("lock"u8);

    public BytePath Logs => Root.Join("logs"u8);

    /// <summary>The directory that holds the logs of a thousand jobs.</summary>
    public BytePath LogDirectory(long jobId) => Logs.Join(Ascii($"{jobId / JobsPerLogDirectory}"));

    /// <summary>The log of one attempt: what its program wrote to standard output and standard error.</summary>
    public BytePath LogFile(long jobId, int attempt) => LogDirectory(jobId).Join(Ascii($"{jobId}-{attempt}.log"));

    private static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);
}
