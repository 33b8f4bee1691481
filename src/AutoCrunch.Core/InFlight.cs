using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <summary>What a file without a verdict waits for.</summary>
internal enum InFlightState : byte
{
    /// <summary>It is about to be looked at, which takes milliseconds.</summary>
    Asked,

    /// <summary>Somebody has it open for writing, as far as is known.</summary>
    BeingWritten,

    /// <summary>Nobody writes it; its quiet period runs until <see cref="InFlight.UntilNs"/>.</summary>
    WaitsForQuiet,

    /// <summary>
    /// It was not seen closed, and whether anybody still has it open cannot be told: other users' processes are hidden.
    /// </summary>
    WaitsForWriter,

    /// <summary>It could not be looked at; tried again at <see cref="InFlight.UntilNs"/>.</summary>
    Unreadable,

    /// <summary>Events were lost; the scan that is under way decides.</summary>
    WaitsForScan,

    /// <summary>Held: nobody writes it, and <see cref="InFlight.Hold"/> speaks against it.</summary>
    Held,
}

/// <summary>One file without a verdict, as the watch thread knows it. Times are wall clock, ns since 1970.</summary>
/// <param name="Rule">The rule's name.</param>
/// <param name="Path">Relative to the rule's directory.</param>
/// <param name="State">What it waits for.</param>
/// <param name="ArrivedNs">First sign of this version.</param>
/// <param name="LastSignNs">Last sign of life.</param>
internal sealed record InFlight(string Rule, BytePath Path, InFlightState State, long ArrivedNs, long LastSignNs)
{
    /// <summary>Size at the last look; null before the first one.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>When it is looked at again by itself; null when only an event or a scan leads to that.</summary>
    public long? UntilNs { get; init; }

    /// <summary>Why it is held; null in every other state.</summary>
    public HoldReason? Hold { get; init; }
}

/// <summary>Files that had begun to arrive at some moment, are not held, and have no verdict yet.</summary>
/// <param name="Waited">How many have shown no life since: their verdict comes by itself.</param>
/// <param name="FirstWaited">One of these; null when there is none.</param>
/// <param name="Arriving">How many others there are: somebody has them open, or has changed them since.</param>
/// <param name="FirstArriving">The oldest of these, in the order in which they arrived.</param>
internal sealed record Unrecorded(
    long Waited, InFlight? FirstWaited, long Arriving, IReadOnlyList<InFlight> FirstArriving);

/// <summary>How many files of a rule have no verdict.</summary>
/// <param name="Rule">The rule's name.</param>
/// <param name="Arriving">Files that are not held.</param>
/// <param name="Held">
/// Held files that a late proof could still lift; the ledger knows of all that are held.
/// </param>
/// <param name="OldestNs">First sign of the oldest one that is not held, wall clock; null when there is none.</param>
internal sealed record InFlightCount(string Rule, int Arriving, int Held, long? OldestNs);
