using System;

namespace AutoCrunch.Core;

/// <summary>How a recorded attempt ended. The numbers are kept in the ledger: never renumber.</summary>
public enum AttemptResult : byte
{
    Succeeded = 0,

    /// <summary>The program ended with a bad exit code or by a signal.</summary>
    Failed = 1,

    /// <summary>Ended by us because it ran longer than Timeout.</summary>
    TimedOut = 2,

    /// <summary>The program could not be started.</summary>
    CannotStart = 3,

    /// <summary>
    /// Ended by us because the service stopped or the job was cancelled, or left behind by a crash: says nothing about
    /// the job.
    /// </summary>
    Interrupted = 4,
}

/// <summary>What came of an attempt: the closed set of what a dispatcher can report.</summary>
/// <remarks>What follows is decided by <see cref="JobTransitions"/>.</remarks>
public abstract record AttemptOutcome
{
    private AttemptOutcome()
    {
    }

    /// <summary>What happened, as one sentence for the operator; null for success.</summary>
    public abstract string? Sentence { get; }

    /// <summary>The job is done.</summary>
    public sealed record Succeeded : AttemptOutcome
    {
        private Succeeded()
        {
        }

        /// <inheritdoc/>
        public override string? Sentence => null;

        /// <summary>The one value.</summary>
        public static Succeeded Value { get; } = new();
    }

    /// <summary>
    /// The program failed; tried again unless the policy or <paramref name="IsPermanent"/> speaks against it.
    /// </summary>
    /// <param name="Reason">One sentence for the operator.</param>
    /// <param name="ExitCode">The exit code, if it exited.</param>
    /// <param name="Signal">The signal's number, if one ended it.</param>
    /// <param name="IsPermanent">The dispatcher knows that a repetition cannot succeed.</param>
    public sealed record Failed(string Reason, int? ExitCode = null, int? Signal = null, bool IsPermanent = false)
        : AttemptOutcome
    {
        /// <inheritdoc/>
        public override string Sentence => Reason;
    }

    /// <summary>It ran longer than the rule allows and was ended; counts as a failure.</summary>
    /// <param name="Timeout">What the rule allows.</param>
    /// <param name="ExitCode">The exit code with which it answered SIGTERM, if it did.</param>
    /// <param name="Signal">The signal's number, if one ended it.</param>
    public sealed record TimedOut(TimeSpan Timeout, int? ExitCode, int? Signal) : AttemptOutcome
    {
        /// <inheritdoc/>
        public override string Sentence => $"ran longer than its Timeout of {Timeout:c} and was ended";
    }

    /// <summary>The program could not be started; counts as a failure.</summary>
    /// <param name="Reason">One sentence for the operator, with what mends it.</param>
    public sealed record CannotStart(string Reason) : AttemptOutcome
    {
        /// <inheritdoc/>
        public override string Sentence => Reason;
    }

    /// <summary>
    /// It was ended by the service's stop, or left behind by its crash; runs again, without counting as a failure.
    /// </summary>
    /// <param name="ByCrash">
    /// The service was killed while it ran, or what it ran on: so often in a row, and the job is taken for the cause.
    /// </param>
    /// <param name="Reason">What interrupted it, where that was not the service's own end.</param>
    public sealed record Interrupted(bool ByCrash, string? Reason = null) : AttemptOutcome
    {
        /// <inheritdoc/>
        public override string Sentence => Reason is not null ? Reason : ByCrash
            ? "the service was killed while it ran"
            : "ended because the service stopped";
    }

    /// <summary>
    /// The service stops, and what runs goes on without it: nothing is recorded, and at the next start the attempt is
    /// taken up again (<see cref="Attempt.IsResumed"/>).
    /// </summary>
    public sealed record LeftRunning : AttemptOutcome
    {
        private LeftRunning()
        {
        }

        /// <inheritdoc/>
        public override string Sentence => "goes on while the service is down";

        /// <summary>The one value.</summary>
        public static LeftRunning Value { get; } = new();
    }

    /// <summary>An operator cancelled the job while it ran, and it was ended: it does not run again.</summary>
    /// <param name="ExitCode">The exit code with which it answered SIGTERM, if it did.</param>
    /// <param name="Signal">The signal's number, if one ended it.</param>
    public sealed record EndedByHand(int? ExitCode, int? Signal) : AttemptOutcome
    {
        /// <inheritdoc/>
        public override string Sentence => "ended because the job was cancelled by hand";
    }

    /// <summary>
    /// Nothing was started, for a reason outside the job (no process to be had, the service stops): as if never
    /// claimed.
    /// </summary>
    /// <param name="Reason">One sentence for the operator.</param>
    /// <param name="Delay">How long its slot is kept unused, as the next job would fare no better.</param>
    public sealed record NotStarted(string Reason, TimeSpan Delay) : AttemptOutcome
    {
        /// <inheritdoc/>
        public override string Sentence => Reason;
    }

    /// <summary>
    /// Nothing was started, because the file could not be looked at (permissions, an I/O error, its file system is not
    /// mounted): the job is due again later, without counting as a failure, and others have their turn meanwhile.
    /// </summary>
    /// <param name="Reason">One sentence for the operator, with what mends it.</param>
    /// <param name="Delay">How much later.</param>
    public sealed record PutOff(string Reason, TimeSpan Delay) : AttemptOutcome
    {
        /// <inheritdoc/>
        public override string Sentence => Reason;
    }

    /// <summary>Looked at just before the start, the file was not there. Nothing was started.</summary>
    public sealed record Gone : AttemptOutcome
    {
        private Gone()
        {
        }

        /// <inheritdoc/>
        public override string Sentence => "the file was gone before the job started";

        /// <summary>The one value.</summary>
        public static Gone Value { get; } = new();
    }

    /// <summary>Looked at just before the start, the file was another version. Nothing was started.</summary>
    /// <param name="Observed">The version seen.</param>
    public sealed record Changed(FileVersion Observed) : AttemptOutcome
    {
        /// <inheritdoc/>
        public override string Sentence => "the file had changed before the job started";
    }
}
