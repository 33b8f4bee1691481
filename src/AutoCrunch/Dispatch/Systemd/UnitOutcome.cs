using System.Globalization;
using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Dispatch;

/// <summary>
/// How a unit ended, as systemd told what it ran last: $SERVICE_RESULT, $EXIT_CODE, $EXIT_STATUS (systemd.exec(5)).
/// </summary>
/// <param name="HasBegun">The unit's program has claimed the attempt; else systemd could not set the unit up.</param>
/// <param name="Result">success, exit-code, signal, core-dump, timeout, oom-kill, ...</param>
/// <param name="ExitCode">The exit code, if it exited.</param>
/// <param name="Signal">The signal's number, if one ended it.</param>
/// <param name="IsStopped">Somebody had the unit stopped: systemctl stop, or the end of the service manager.</param>
internal sealed record UnitOutcome(bool HasBegun, string Result, int? ExitCode, int? Signal, bool IsStopped)
{
    /// <summary>What a file of an outcome says that cannot be read.</summary>
    public static readonly UnitOutcome Unreadable = new(HasBegun: true, "unreadable", null, null, IsStopped: false);

    private const int SignalMax = 64;

    /// <summary>Reads the first line of an outcome's file; the rest is what was there before.</summary>
    public static UnitOutcome Parse(ReadOnlySpan<byte> content)
    {
        int end = content.IndexOf((byte)'\n');
        string[] words = Encoding.ASCII.GetString(end < 0 ? [] : content[..end]).Split(' ');
        if (words is not [("begun" or "ready") and var was, var result, var code, var status, var stopped])
            return Unreadable;
        bool hasExited = int.TryParse(status, CultureInfo.InvariantCulture, out int number) && code == "exited";
        return new UnitOutcome(
            was == "begun", result,
            hasExited ? number : null,
            code is "killed" or "dumped" ? SignalOf(status) : null,
            stopped == "stopped");
    }

    /// <summary>What it means for the attempt.</summary>
    /// <param name="isCancelled">An operator has cancelled the job.</param>
    /// <param name="timeout">What the rule allows now; it may have allowed something else then.</param>
    /// <param name="ran">How long it ran.</param>
    public AttemptOutcome OfAttempt(bool isCancelled, TimeSpan? timeout, TimeSpan ran) => this switch
    {
        { IsStopped: true } when isCancelled => new AttemptOutcome.EndedByHand(ExitCode, Signal),
        { IsStopped: true } => new AttemptOutcome.Interrupted(ByCrash: false),
        { HasBegun: false } => new AttemptOutcome.CannotStart(
            $"its unit could not be set up ({Describe()}): look at Properties, WorkingDirectory and the unit's lines "
            + "in the journal; codes from 200 on are explained in systemd.exec(5)"),
        { Result: "timeout" } => new AttemptOutcome.TimedOut(timeout ?? ran, ExitCode, Signal),
        { Result: "success", Signal: null } => AttemptOutcome.Succeeded.Value,
        { Result: "oom-kill" } => new AttemptOutcome.Failed(
            "memory ran out and the kernel killed it: raise MemoryMax in Properties, or lower the rule's Concurrency",
            ExitCode, Signal),
        _ => new AttemptOutcome.Failed(Describe(), ExitCode, Signal),
    };

    private string Describe() => (Result, ExitCode, Signal) switch
    {
        ("core-dump", _, { } signal) => $"ended by {Signals.Name(signal)} with a core dump (see coredumpctl)",
        (_, _, Signals.SIGKILL) =>
            "ended by SIGKILL, which was not ours: if nobody sent it, memory ran out (see journalctl -k)",
        (_, _, { } signal) => $"ended by {Signals.Name(signal)}",
        ("exit-code" or "success", { } code, _) => $"exited with code {code}",
        ("resources", _, _) => "systemd lacked something to start it: see the journal of its unit",
        ("exec-condition", _, _) => "a condition of its unit was not met",
        ("unreadable", _, _) => "its outcome cannot be read: see the journal of its unit",
        (_, { } code, _) => $"exited with code {code}, and systemd calls it '{Result}'",
        _ => $"systemd calls it '{Result}': see the journal of its unit",
    };

    // "KILL".
    private static int? SignalOf(string name)
    {
        for (int signal = 1; signal <= SignalMax; signal++)
            if (Signals.Name(signal) == "SIG" + name)
                return signal;
        return null;
    }
}
