namespace AutoCrunch.Hosting;

/// <summary>
/// What is asked cannot be done. The message is a sentence for whoever asked: why, and what mends it.
/// </summary>
internal sealed class ControlRefusedException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The command line is wrong (no such rule, no such job): nothing was tried.</summary>
    public bool IsUsage { get; init; }

    /// <summary>The socket is there, but this user may not use it.</summary>
    public bool IsAccess { get; init; }

    /// <summary>It was asked for something that this service does not know: it is of another version.</summary>
    public bool IsUnknownVerb { get; init; }
}
