using System.Globalization;
using System.Text;

namespace AutoCrunch.Dispatch;

/// <summary>What Slurm says of one job.</summary>
/// <param name="Id">Its number in Slurm.</param>
/// <param name="State">Its state, long form: "RUNNING" (squeue(1), JOB STATE CODES).</param>
/// <param name="Elapsed">How long it has run.</param>
/// <param name="Nodes">Where; empty while it waits.</param>
/// <param name="Reason">Why it waits, or ended.</param>
/// <param name="Name">Its name.</param>
internal sealed record SlurmRow(long Id, string State, TimeSpan Elapsed, string Nodes, string Reason, string Name)
{
    /// <summary>
    /// The format that <see cref="TryParse"/> reads; the name is last, since others' may have any bytes.
    /// </summary>
    public const string Format = "%A|%T|%M|%N|%r|%j";

    private const int Fields = 6;

    private static readonly string[] s_ended =
    [
        "COMPLETED", "FAILED", "TIMEOUT", "DEADLINE", "OUT_OF_MEMORY", "NODE_FAIL", "BOOT_FAIL", "LAUNCH_FAILED",
        "RECONFIG_FAIL", "PREEMPTED", "CANCELLED", "REVOKED",
    ];

    /// <summary>It has ended; every state that is not known to be an end is taken for life.</summary>
    public bool HasEnded => s_ended.Contains(State);

    /// <summary>It runs.</summary>
    public bool IsRunning => State == "RUNNING";

    /// <summary>It has not begun: nothing of it can be in its directory.</summary>
    public bool IsPending => State == "PENDING";

    /// <summary>Reads one line of squeue's answer; null when it is none of ours.</summary>
    public static SlurmRow? TryParse(ReadOnlySpan<byte> line)
    {
        string[] parts = Encoding.UTF8.GetString(line).Split('|', Fields);
        return parts is [var id, var state, var elapsed, var nodes, var reason, var name]
            && name.Length == SlurmToken.NamePrefix.Length + SlurmToken.Length
            && name.StartsWith(SlurmToken.NamePrefix, StringComparison.Ordinal)
            && long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
                ? new SlurmRow(number, state, TimeOf(elapsed), nodes, reason, name)
                : null;
    }

    // "[days-][hours:]minutes:seconds"; "INVALID" and the like count as nothing.
    private static TimeSpan TimeOf(string text)
    {
        int dash = text.IndexOf('-', StringComparison.Ordinal);
        long seconds = 0;
        foreach (string part in text[(dash + 1)..].Split(':'))
        {
            if (!long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
                return TimeSpan.Zero;
            seconds = (seconds * 60) + number;
        }

        long days = 0;
        if (dash > 0 && !long.TryParse(text[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out days))
            return TimeSpan.Zero;
        return TimeSpan.FromSeconds(seconds + (days * 86_400));
    }
}
