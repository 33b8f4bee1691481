using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Watching;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Extensions.Logging;
using ILogger = Microsoft.Extensions.Logging.ILogger;

namespace AutoCrunch.Hosting;

/// <summary>
/// Plays one job at the start, beside everything else, so that the first real one finds all code compiled and loaded:
/// a rename is published to the real tracker, recorded, claimed, looked at again, started, settled and told to the log.
/// Only what could leave a trace is replaced: the ledger is in memory, the log leads nowhere, and the program, its log
/// and its directories cannot exist. It is never a reason not to start: what goes wrong here is only kept in
/// <see cref="Failure"/>.
/// </summary>
internal sealed class Rehearsal
{
    // The kernel lets nobody make anything in /proc.
    private static readonly BytePath s_nowhere = new("/proc/autocrunch-rehearsal"u8);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly BytePath _file;

    private Rehearsal(BytePath file) => _file = file;

    /// <summary>Completes when it is over, however it went.</summary>
    public Task Over => _over.Task;

    /// <summary>Why not everything was played; null when all is well, or it is not over.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Begins, on a thread of its own, with a file that is sure to be there: the running program.</summary>
    public static Rehearsal Begin() => Begin(new BytePath(Encoding.UTF8.GetBytes(Environment.ProcessPath ?? "")));

    /// <summary>Begins, on a thread of its own.</summary>
    /// <param name="file">A file that was not written just now, absolute; it is only looked at.</param>
    public static Rehearsal Begin(BytePath file)
    {
        var rehearsal = new Rehearsal(file);
        try
        {
            new Thread(rehearsal.Run) { Name = "rehearsal", IsBackground = true }.Start();
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            rehearsal.End(e);
        }

        return rehearsal;
    }

    private void Run()
    {
        Exception? failure = null;
        try
        {
            Play();
        }
        catch (Exception e)
        {
            failure = e;
        }

        End(failure);
    }

    private void End(Exception? failure)
    {
        Failure = failure;
        _over.SetResult();
    }

    private void Play()
    {
        var rule = new WatchRule
        {
            Name = "rehearsal",
            Path = _file.Directory,
            Completion = new CompletionPolicy { ZeroMtime = HoldPolicy.Process, OwnerOnly = HoldPolicy.Process },
        };
        using Logger nowhere = new LoggerConfiguration().WriteTo.Sink(new NoSink()).CreateLogger();
        using var loggers = new LoggerFactory([new SerilogLoggerProvider(nowhere)]);
        var options = new LedgerOptions { StateDirectory = s_nowhere, Rules = [rule] };
        using JobLedger ledger = JobLedger.OpenInMemory(options, loggers.CreateLogger<JobLedger>());
        using var settled = new ManualResetEventSlim();
        ledger.Settled = (_, _, _) => settled.Set();
        ledger.Start();
        using var dispatcher = new NoDispatcher(rule, ledger, loggers.CreateLogger<ProcessDispatcher>());
        dispatcher.Start();
        var tracker = new RsyncCompletionTracker(
            [KeyValuePair.Create<WatchRule, IJobDispatcher>(rule, dispatcher)], new NoWriterProber(), ledger.KnownFiles,
            loggers.CreateLogger<RsyncCompletionTracker>());
        bool isComplete = false;
        tracker.Completed = _ => isComplete = true;
        Rename(tracker, rule);
        bool isSettled = isComplete && settled.Wait(s_patience);
        dispatcher.StopAsync().Wait(s_patience);
        if (!isSettled)
            throw new InvalidOperationException($"'{_file}' was not {(isComplete ? "settled" : "completed")}");
    }

    // As rsync does it.
    private void Rename(RsyncCompletionTracker tracker, WatchRule rule)
    {
        var directory = new TrackedDirectory(rule, parent: null, [], isIgnored: false) { IsUncertain = false };
        byte[] name = _file.Name.Span.ToArray();
        byte[] temporary = [.. "."u8, .. name, .. ".Reh3Al"u8];
        Moment now = Clock.Now();
        Publish(temporary, FileEventKind.Created);
        Publish(temporary, FileEventKind.ClosedAfterWrite);
        Publish(temporary, FileEventKind.AttributesChanged);
        Publish(temporary, FileEventKind.MovedOut, cookie: 1);
        Publish(name, FileEventKind.MovedIn, cookie: 1);
        tracker.Advance(Clock.Now(), Clock.Now());

        void Publish(byte[] of, FileEventKind kind, uint cookie = 0) =>
            tracker.Publish(new FileEvent(directory, of, kind, cookie, now, now));
    }

    // What the attempt of a process does, but nothing can be started: neither the program nor the directory of its log
    // can be there.
    private sealed class NoDispatcher : DurableDispatcher
    {
        private readonly JobEnvironment _environment;
        private readonly JobProgram _program;

        public NoDispatcher(WatchRule rule, JobLedger ledger, ILogger logger)
            : base(rule, concurrency: 1, ledger, logger)
        {
            if (!CommandTemplate.TryParse("{path}", out CommandTemplate? path, out string error))
                throw new InvariantException(error);
            var options = new ProcessOptions { Command = [path], Program = s_nowhere, WorkingDirectory = s_nowhere };
            _environment = new JobEnvironment(JobEnvironment.ReadInherited(), options.Environment, rule, ledger.Id);
            _program = new JobProgram(rule, options, ledger.Layout);
        }

        protected override void PrepareThread() => ChildProcess.ClearAmbientCapabilities();

        protected override Task<AttemptOutcome> RunAsync(Attempt attempt, CancellationToken stopping)
        {
            _program.TryPrepare(attempt, _environment.Of(attempt), out ChildStart start);
            int errno = ChildProcess.TryStart(start, out _);
            return Task.FromResult<AttemptOutcome>(
                errno == 0 ? throw new InvariantException("it was started") : AttemptOutcome.Succeeded.Value);
        }
    }

    // The file may be another user's, of which only /proc could tell who writes it.
    private sealed class NoWriterProber : IFileProber
    {
        public bool TryProbe(
            TrackedDirectory directory, ReadOnlySpan<byte> name, ProbeDepth depth, out ProbeAnswer answer)
        {
            byte[] path = [.. directory.Rule.Path.Join(name).Span, 0];
            answer = FileProber.Look(path, depth, DirectoryTraits.None) with { Writer = WriterState.None };
            return true;
        }
    }

    // Renders each event in all ways in which it may be written.
    private sealed class NoSink : ILogEventSink
    {
        private readonly Lock _gate = new();
        private readonly JournalEntry _entry = new();
        private readonly LogLines _lines = new(LogTarget.File, TextWriter.Null);

        public void Emit(LogEvent logEvent)
        {
            lock (_gate)
                _entry.Of(logEvent);
            _lines.Emit(logEvent);
        }
    }
}
