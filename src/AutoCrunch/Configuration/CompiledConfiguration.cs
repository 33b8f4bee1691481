using AutoCrunch.Core;

namespace AutoCrunch.Configuration;

/// <summary>The section <c>AutoCrunch</c>, compiled: every value valid, every path absolute. Immutable.</summary>
internal sealed record CompiledConfiguration
{
    /// <summary>The file it was read from, as text for people.</summary>
    public required string File { get; init; }

    /// <summary>The folder of that file: relative paths are relative to it.</summary>
    public required BytePath BaseDirectory { get; init; }

    /// <summary>Where the ledger and the logs of jobs live.</summary>
    public required BytePath StateDirectory { get; init; }

    /// <summary>Where the watchdog's canary lives.</summary>
    public required BytePath RuntimeDirectory { get; init; }

    /// <summary>How many jobs may run at once over all rules; 0 = no limit beyond the rules'.</summary>
    public required int MaxRunning { get; init; }

    /// <summary>How long running jobs may go on after SIGTERM to the service.</summary>
    public required TimeSpan ShutdownGrace { get; init; }

    /// <summary>How long finished jobs are remembered.</summary>
    public required TimeSpan KeepHistory { get; init; }

    /// <summary>Where metrics are written for node_exporter; null when they are not.</summary>
    public BytePath? MetricsFile { get; init; }

    /// <summary>The rules, ordered by name; at least one.</summary>
    public required IReadOnlyList<CompiledRule> Rules { get; init; }
}

/// <summary>A rule and what its jobs are run with.</summary>
/// <param name="Rule">What the tracker needs.</param>
/// <param name="Dispatcher">What the dispatcher needs; its type tells which dispatcher it is.</param>
internal sealed record CompiledRule(WatchRule Rule, DispatcherOptions Dispatcher);
