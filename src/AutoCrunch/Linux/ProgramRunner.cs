using AutoCrunch.Core;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>A short program to run to its end. Bytes go to execve(2) as they are.</summary>
/// <param name="Program">Absolute path of the program (<see cref="ProgramFinder"/>).</param>
/// <param name="Arguments">The whole argv, argv[0] included.</param>
/// <param name="Environment">The whole environment, "KEY=value"; nothing is inherited.</param>
internal sealed record ProgramCall(BytePath Program, byte[][] Arguments, byte[][] Environment)
{
    /// <summary>What it reads from stdin.</summary>
    public ReadOnlyMemory<byte> Input { get; init; }

    /// <summary>After this time it is asked to end (SIGTERM), <see cref="KillGrace"/> later it has to.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Time between SIGTERM and SIGKILL, both to its whole session.</summary>
    public TimeSpan KillGrace { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Bytes that stdout, and stderr, take at most: a write beyond fails with EPERM for the program.</summary>
    public int MaxOutputBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Where it starts, absolute.</summary>
    public BytePath WorkingDirectory { get; init; } = new("/"u8);
}

/// <summary>What came of a <see cref="ProgramCall"/>.</summary>
/// <param name="Errno">Not 0: it was not started, and this is why.</param>
/// <param name="Exit">How it ended, when it was started.</param>
/// <param name="IsTimedOut">It took longer than its Timeout and was ended: what it did is not known.</param>
/// <param name="Output">Its stdout.</param>
/// <param name="Error">Its stderr.</param>
internal sealed record ProgramResult(int Errno, ChildExit Exit, bool IsTimedOut, byte[] Output, byte[] Error)
{
    private const int ErrorBytesShown = 500;

    /// <summary>It ran and exited with 0.</summary>
    public bool IsSuccess => Errno == 0 && Exit.ExitCode == 0 && !IsTimedOut;

    /// <summary>It is certain that it did nothing: it was never started.</summary>
    public bool WasNotStarted => Errno != 0;

    /// <summary>
    /// What went wrong, for the operator: "'sbatch' exited with code 1: what it said last on stderr".
    /// </summary>
    public string Explain(ProgramCall call)
    {
        if (Errno != 0)
            return ChildProcess.ExplainStartFailure(ProgramRunner.StartOf(call, null), Errno);
        string how = IsTimedOut ? $"did not answer within {call.Timeout:c} and was ended"
            : Exit.Signal is { } signal ? $"was ended by {Signals.Name(signal)}"
            : $"exited with code {Exit.ExitCode}";
        ReadOnlySpan<byte> said = Error.AsSpan().Trim("\n\r\t "u8);
        if (said.Length > ErrorBytesShown)
            said = said[^ErrorBytesShown..];
        string what = BytePath.Escape(said).Replace(@"\x0A", " / ", StringComparison.Ordinal);
        return $"'{call.Program.Name}' {how}{(what.Length > 0 ? ": " : "")}{what}";
    }
}

/// <summary>
/// Runs short programs (sbatch, systemctl) to their end and gives back all they said. They run in sessions of their
/// own, without the service's ambient capabilities when a thread of ours starts them; what they leave behind in their
/// session is ended with them. An instance runs several at once, each on a thread that ends when nothing is waiting.
/// </summary>
/// <param name="name">What its threads are called.</param>
/// <param name="most">How many programs may run at once.</param>
internal sealed class ProgramRunner(string name, int most)
{
    private static readonly TimeSpan s_forEver = Timeout.InfiniteTimeSpan;

    // Only looked at for being there.
    private static readonly ChildStreams s_none = new(new SafeFileHandle(), new SafeFileHandle(), new SafeFileHandle());

    private readonly Lock _gate = new();
    private readonly Queue<(ProgramCall Call, TaskCompletionSource<ProgramResult> Result)> _waiting = new();
    private int _threads;

    /// <summary>Programs that wait for their turn.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
                return _waiting.Count;
        }
    }

    /// <summary>
    /// Runs a program on a thread of this instance, after those that wait. Who calls sees to it that not too many wait.
    /// </summary>
    public Task<ProgramResult> RunAsync(ProgramCall call)
    {
        var result = new TaskCompletionSource<ProgramResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _waiting.Enqueue((call, result));
            if (_threads == most)
                return result.Task;
            _threads += 1;
        }

        try
        {
            new Thread(Work) { Name = name, IsBackground = true }.Start();
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            // The system has no thread to give: one of the pool takes it.
            ThreadPool.UnsafeQueueUserWorkItem(static runner => runner.Work(), this, preferLocal: false);
        }

        return result.Task;
    }

    /// <summary>Runs a program on the calling thread, and waits for its end.</summary>
    /// <exception cref="LinuxException">How it ended cannot be known (<see cref="ChildProcess.Wait"/>).</exception>
    public static ProgramResult Run(ProgramCall call)
    {
        SafeFileHandle? output = null, error = null;
        int errno = MemoryFile.TryCreateInput(call.Input.Span, out SafeFileHandle? input);
        using (input)
        {
            if (errno == 0)
                errno = MemoryFile.TryCreateOutput(call.MaxOutputBytes, out output);
            using (output)
            {
                if (errno == 0)
                    errno = MemoryFile.TryCreateOutput(call.MaxOutputBytes, out error);
                using (error)
                {
                    return errno == 0
                        ? Run(call, new ChildStreams(input!, output!, error!))
                        : new ProgramResult(errno, default, IsTimedOut: false, [], []);
                }
            }
        }
    }

    internal static ChildStart StartOf(ProgramCall call, ChildStreams? streams) =>
        new(call.Program, call.Arguments, call.Environment, call.WorkingDirectory, BytePath.Empty)
        {
            Streams = streams ?? s_none,
        };

    private static ProgramResult Run(ProgramCall call, ChildStreams streams)
    {
        int errno = ChildProcess.TryStart(StartOf(call, streams), out ChildProcess? child);
        if (child is null)
            return new ProgramResult(errno, default, IsTimedOut: false, [], []);
        bool isTimedOut = false;
        void End(int signal)
        {
            Volatile.Write(ref isTimedOut, true); // first, so that no signal of ours is taken for another's
            child.Signal(signal);
        }

        // Each says that the time was over: while the thread pool is busy, the second may well come first.
        ChildExit exit;
        using (new Timer(_ => End(Signals.SIGTERM), null, call.Timeout, s_forEver))
        using (new Timer(_ => End(Signals.SIGKILL), null, call.Timeout + call.KillGrace, s_forEver))
            exit = child.Wait();
        if (child.LeftoversRemain || Volatile.Read(ref isTimedOut))
            child.EndSession(TimeSpan.Zero);
        return new ProgramResult(
            0, exit, Volatile.Read(ref isTimedOut), MemoryFile.ReadOutput(streams.Output),
            MemoryFile.ReadOutput(streams.Error));
    }

    private void Work()
    {
        try
        {
            ChildProcess.ClearAmbientCapabilities();
        }
        catch (LinuxException)
        {
            // A kernel without them has none to take away.
        }

        while (true)
        {
            (ProgramCall Call, TaskCompletionSource<ProgramResult> Result) next;
            lock (_gate)
            {
                if (!_waiting.TryDequeue(out next))
                {
                    _threads -= 1;
                    return;
                }
            }

            try
            {
                next.Result.SetResult(Run(next.Call));
            }
            catch (Exception e) when (e is not InvariantException)
            {
                next.Result.SetException(e);
            }
        }
    }
}
