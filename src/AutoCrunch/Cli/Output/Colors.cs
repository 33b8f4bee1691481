using AutoCrunch.Core;

namespace AutoCrunch.Cli;

/// <summary>Which colour means what, in every verb.</summary>
internal static class Colors
{
    /// <summary>Red asks for attention, yellow waits, green is well, grey is over.</summary>
    public static Func<string, string>? Of(JobState state, Terminal terminal) => state switch
    {
        JobState.Failed => terminal.Red,
        JobState.Succeeded => terminal.Green,
        JobState.Running => terminal.Yellow,
        JobState.Cancelled => terminal.Grey,
        _ => null,
    };

    /// <summary>A state's word in its colour.</summary>
    public static Cell Cell(JobState state, Terminal terminal) => new(JobText.Of(state), Of(state, terminal));

    /// <summary>A number that asks for attention when it is not 0; grey when it is.</summary>
    public static Cell Alarm(long number, Terminal terminal) =>
        new(Counts.Of(number), number > 0 ? terminal.Red : terminal.Grey);

    /// <summary>A number, in grey when it is 0.</summary>
    public static Cell Number(long number, Terminal terminal) =>
        new(Counts.Of(number), number > 0 ? null : terminal.Grey);
}
