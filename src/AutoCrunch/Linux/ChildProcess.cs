using AutoCrunch.Core;

namespace AutoCrunch.Linux;

/// <summary>How a process ended: exactly one of the two is set.</summary>
/// <param name="ExitCode">What it gave to exit(3).</param>
/// <param name="Signal">The signal that ended it (<see cref="Signals.Name"/>).</param>
internal readonly record struct ChildExit(int? ExitCode, int? Signal);

/// <summary>
/// A process that we started, in a session of its own. Implementation notes: the leader stays a zombie (WNOWAIT) until
/// everything that needs its pid is done, because only so does no other process, group or session get that number. A
/// member of the session may leave the leader's group (setpgid) and is then found in /proc; one that starts a session
/// of its own (setsid) is out of reach here, and found by its environment (<see cref="ProcessTable.Survivors"/>).
/// </summary>
internal sealed unsafe partial class ChildProcess
{
    private readonly Lock _gate = new();
    private ChildExit? _exit;
    private bool _reaped;

    private ChildProcess(int pid) => Pid = pid;

    /// <summary>Process id, process group id and session id, which are one number.</summary>
    public int Pid { get; }

    /// <summary>
    /// After <see cref="Wait"/>: somebody of the leader's group was still there after it had ended and SIGTERM had
    /// been sent to the group. <see cref="EndSession"/> sees to it that nobody stays.
    /// </summary>
    public bool LeftoversRemain { get; private set; }

    /// <summary>
    /// Waits on the calling thread until the process has ended, asks what is left of its group to end (SIGTERM), and
    /// takes its exit status. Once; later calls return the same.
    /// </summary>
    /// <exception cref="LinuxException">ECHILD: something else took the status (SIGCHLD ignored when the service
    /// started, see <see cref="RestoreChildSignal"/>, or a library that waits for all children).</exception>
    public ChildExit Wait()
    {
        if (_exit is { } known)
            return known;
        SigInfo info = WaitFor(Libc.WEXITED | Libc.WNOWAIT);
        lock (_gate)
        {
            Libc.kill(-Pid, Signals.SIGTERM);
            Libc.kill(-Pid, Signals.SIGCONT); // a stopped process obeys only then
            info = WaitFor(Libc.WEXITED);
            _reaped = true;
            LeftoversRemain = Libc.kill(-Pid, 0) == 0 || Libc.LastError == Errno.EPERM;
            _exit = info.si_code == Libc.CLD_EXITED
                ? new ChildExit(info.si_status, null)
                : new ChildExit(null, info.si_status);
            return _exit.Value;
        }
    }

    /// <summary>
    /// Sends a signal to the process's group and to all others of its session. SIGKILL returns only when nobody of the
    /// session is left, or ten seconds later if one hangs in the kernel. Any thread. False once the process has been
    /// waited for: then its number may be another's, and <see cref="EndSession"/> is what is left to do.
    /// </summary>
    public bool Signal(int signal)
    {
        lock (_gate)
        {
            if (_reaped)
                return false;
            Libc.kill(-Pid, signal);
            if (signal == Signals.SIGKILL)
            {
                ProcessTable.EndAll(Members, TimeSpan.Zero);
                return true;
            }

            foreach (ProcessFacts member in Members())
            {
                if (member.ProcessGroup != Pid)
                    ProcessTable.Signal(member, signal);
            }

            if (signal == Signals.SIGTERM)
                Libc.kill(-Pid, Signals.SIGCONT);
            return true;
        }
    }

    /// <summary>
    /// Ends everybody of the session: SIGTERM, up to <paramref name="grace"/> to obey, SIGKILL, until nobody is left.
    /// Any thread, before or after <see cref="Wait"/>. Returns who is left nevertheless (hangs in the kernel, or is
    /// another user's): empty when all is well.
    /// </summary>
    public IReadOnlyList<ProcessFacts> EndSession(TimeSpan grace) => ProcessTable.EndAll(Members, grace);

    /// <summary>
    /// Takes the ambient capabilities from the calling thread (capabilities(7)), and so from the jobs that it starts:
    /// the service may read and lease everybody's files, its jobs may not.
    /// </summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static void ClearAmbientCapabilities()
    {
        if (Libc.prctl(Libc.PR_CAP_AMBIENT, Libc.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
            throw new LinuxException("prctl PR_CAP_AMBIENT_CLEAR_ALL", BytePath.Empty, Libc.LastError);
    }

    /// <summary>
    /// Sets SIGCHLD to its default if whoever started this process had it ignored: the kernel would then throw away the
    /// exit status of every child (wait(2)). To be called once, before anything else.
    /// </summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static void RestoreChildSignal()
    {
        ulong* action = stackalloc ulong[Libc.OpaqueBytes / sizeof(ulong)];
        new Span<ulong>(action, Libc.OpaqueBytes / sizeof(ulong)).Clear();
        int result = Libc.sigaction(Signals.SIGCHLD, null, action);
        if (result == 0 && (nint)action[0] == Libc.SIG_IGN)
        {
            new Span<ulong>(action, Libc.OpaqueBytes / sizeof(ulong)).Clear(); // SIG_DFL, no mask, no flags
            result = Libc.sigaction(Signals.SIGCHLD, action, null);
        }

        if (result != 0)
            throw new LinuxException("sigaction SIGCHLD", BytePath.Empty, Libc.LastError);
    }

    // While one member lives its session's number is nobody's pid, and before Wait it is the leader's. So a process
    // with that pid after Wait is a stranger who got the freed number, and the session is empty.
    private List<ProcessFacts> Members()
    {
        bool reaped = Volatile.Read(ref _reaped);
        List<ProcessFacts> all = ProcessTable.All();
        return reaped && all.Exists(process => process.Pid == Pid)
            ? []
            : all.FindAll(process => process.Session == Pid && !process.IsZombie);
    }

    private SigInfo WaitFor(int options)
    {
        SigInfo info = default;
        int errno;
        do
            errno = Libc.waitid(Libc.P_PID, Pid, &info, options) == 0 ? 0 : Libc.LastError;
        while (errno == Errno.EINTR);
        if (errno != 0)
        {
            lock (_gate)
                _reaped = true;
            throw new LinuxException($"waitid {Pid}", BytePath.Empty, errno);
        }

        return info;
    }
}
