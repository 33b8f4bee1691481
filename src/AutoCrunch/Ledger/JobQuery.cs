using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <summary>Which jobs are listed. What is null does not restrict.</summary>
internal sealed record JobQuery
{
    /// <summary>Jobs of this rule.</summary>
    public string? Rule { get; init; }

    /// <summary>Jobs in this state.</summary>
    public JobState? State { get; init; }

    /// <summary>Jobs whose file completed at or after this moment (nanoseconds since 1970).</summary>
    public long? SinceNs { get; init; }

    /// <summary>Jobs whose file has such a path.</summary>
    public JobPaths? Paths { get; init; }

    /// <summary>Jobs with a smaller id: the rest of a list that was read in parts.</summary>
    public long? BeforeId { get; init; }

    /// <summary>No more than this.</summary>
    public int Limit { get; init; } = int.MaxValue;
}
