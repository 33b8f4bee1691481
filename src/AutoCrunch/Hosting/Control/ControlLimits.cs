namespace AutoCrunch.Hosting;

/// <summary>What clients of the control socket may use up. None of it is a setting for operators.</summary>
internal sealed record ControlLimits
{
    /// <summary>So many are answered at once; further ones are told to come again.</summary>
    public int ClientsMax { get; init; } = 64;

    /// <summary>So many of them may be ones that wait for jobs or files.</summary>
    public int WaitingMax => Math.Max(1, ClientsMax / 2);

    /// <summary>The longest request.</summary>
    public int RequestBytesMax { get; init; } = 16 * 1024 * 1024;

    /// <summary>What the requests of all clients may take together while they are read and answered.</summary>
    public int RequestBytesTotal { get; init; } = 20 * 1024 * 1024;

    /// <summary>A request must be complete after this time.</summary>
    public TimeSpan SendTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A client that takes nothing of its answer for this long is left.</summary>
    public TimeSpan TakeTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A client that takes longer than this for its answer, all its pauses together, is left.</summary>
    public TimeSpan TakeTimeTotal { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long clients that are being answered may hold up the end of the service.</summary>
    public TimeSpan StopPatience { get; init; } = TimeSpan.FromSeconds(2);
}
