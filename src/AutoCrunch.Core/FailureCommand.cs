using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <summary>A rule's <c>OnFailureCommand</c>, compiled.</summary>
/// <param name="Command">The command as an argument vector; its first element is the program as it was written.</param>
/// <param name="Program">The program that was found, absolute; null when it differs from file to file.</param>
/// <param name="Directory">Where it starts, absolute.</param>
public sealed record FailureCommand(IReadOnlyList<CommandTemplate> Command, BytePath? Program, BytePath Directory);

/// <summary>Something that OnFailureCommand is to be run for, as the ledger has it. Immutable.</summary>
public sealed record Notice
{
    public required long Id { get; init; }

    /// <summary>The rule's name.</summary>
    public required string Rule { get; init; }

    /// <summary>The job that has failed for good; null for a file that is held.</summary>
    public long? JobId { get; init; }

    /// <summary>The number of its last attempt; 0 for a file that is held.</summary>
    public int Attempt { get; init; }

    /// <summary>The file, relative to the rule's directory.</summary>
    public required BytePath Path { get; init; }

    public required long SizeBytes { get; init; }

    /// <summary>Why it failed, or is held: one sentence.</summary>
    public required string Reason { get; init; }
}
