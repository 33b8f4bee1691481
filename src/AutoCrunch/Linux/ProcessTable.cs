using System.Buffers.Text;
using System.Runtime.CompilerServices;
using AutoCrunch.Core;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>One process as /proc/PID/stat shows it (proc(5)). Pid and start time together name it for ever.</summary>
/// <param name="Pid">Process id.</param>
/// <param name="Session">Session id: the pid of the process that called setsid(2).</param>
/// <param name="ProcessGroup">Process group id.</param>
/// <param name="State">R, S, D, T, Z and so on.</param>
/// <param name="StartTicks">Start time in clock ticks since boot.</param>
/// <param name="Comm">The program's short name, for printing.</param>
internal readonly record struct ProcessFacts(
    int Pid, int Session, int ProcessGroup, char State, ulong StartTicks, BytePath Comm)
{
    /// <summary>Dead, but not waited for by its parent yet: it runs no code and holds no file.</summary>
    public bool IsZombie => State is 'Z' or 'X' or 'x';
}

/// <summary>Finds processes in /proc, and ends them without ever hitting one that was given a dead one's pid.</summary>
internal static unsafe class ProcessTable
{
    private const int EnvironmentBytesMax = 16 * 1024 * 1024;
    private const long LackPauseNs = 100_000_000;

    // How long a process may take to die of SIGKILL: longer only if it hangs in the kernel, on a dead disk or server.
    private static readonly TimeSpan s_killPatience = TimeSpan.FromSeconds(10);

    private static readonly BytePath s_proc = new("/proc"u8);

    /// <summary>All processes of this pid namespace that this user may see, zombies included.</summary>
    /// <remarks>
    /// As long as there is no descriptor or no memory to look with, this and most other members wait: who cannot be
    /// seen is not gone.
    /// </remarks>
    /// <exception cref="LinuxException">/proc is not mounted.</exception>
    public static List<ProcessFacts> All()
    {
        DirectoryReader? reader;
        int errno;
        do
            errno = DirectoryReader.TryOpen(s_proc, out reader);
        while (WaitsFor(errno));
        if (reader is null)
            throw new LinuxException("open", s_proc, errno);
        var processes = new List<ProcessFacts>();
        using (reader)
        {
            while (reader.Read(out ReadOnlySpan<byte> name, out _))
            {
                if (TryParsePid(name, out int pid) && TryRead(pid, out ProcessFacts facts))
                    processes.Add(facts);
            }
        }

        return processes;
    }

    /// <summary>The facts of one process; false when there is none.</summary>
    public static bool TryRead(int pid, out ProcessFacts facts)
    {
        int errno;
        do
            errno = TryLook(pid, out facts);
        while (WaitsFor(errno));
        return errno == 0;
    }

    /// <summary>The facts of one process. Returns 0 or the errno, and does not wait.</summary>
    [SkipLocalsInit]
    public static int TryLook(int pid, out ProcessFacts facts)
    {
        facts = default;
        Span<byte> stat = stackalloc byte[1024];
        int errno = PathOps.Open(FileOf(pid, "stat"u8), Libc.O_RDONLY, 0, out SafeFileHandle? file);
        if (errno != 0)
            return errno;
        using (file)
        {
            errno = PathOps.Read(file!, stat, out int length);
            return errno != 0 || TryParseStat(stat[..length], out facts) ? errno : Errno.ESRCH;
        }
    }

    /// <summary>The members of a session but zombies: a job's processes, while its leader is not waited for.</summary>
    public static List<ProcessFacts> InSession(int session) =>
        All().FindAll(process => process.Session == session && !process.IsZombie);

    /// <summary>
    /// The processes that were started with every one of these environment entries ("KEY=value", exactly). Those of
    /// other users are found only by root or with CAP_SYS_PTRACE.
    /// </summary>
    public static List<ProcessFacts> WithEnvironment(params IReadOnlyList<byte[]> entries) =>
        All().FindAll(process => !process.IsZombie && HasEntries(ReadEnvironment(process.Pid), entries));

    /// <summary>
    /// The same, and everyone in their sessions: what an earlier life of the service left running. Never this process
    /// and its own session.
    /// </summary>
    public static List<ProcessFacts> Survivors(params IReadOnlyList<byte[]> entries)
    {
        List<ProcessFacts> all = All();
        int ownPid = Environment.ProcessId;
        int ownSession = all.Find(process => process.Pid == ownPid).Session;
        all.RemoveAll(process => process.IsZombie || process.Pid == ownPid || process.Session == ownSession);
        var sessions = new HashSet<int>();
        foreach (ProcessFacts process in all)
        {
            if (!sessions.Contains(process.Session) && HasEntries(ReadEnvironment(process.Pid), entries))
                sessions.Add(process.Session);
        }

        return all.FindAll(process => sessions.Contains(process.Session));
    }

    /// <summary>
    /// The value of a variable in the environment a process was started with; null when unset or unreadable.
    /// </summary>
    public static byte[]? EnvironmentValue(int pid, ReadOnlySpan<byte> key)
    {
        ReadOnlySpan<byte> rest = ReadEnvironment(pid);
        while (!rest.IsEmpty)
        {
            ReadOnlySpan<byte> entry = NextEntry(ref rest);
            if (entry.Length > key.Length && entry[key.Length] == '=' && entry.StartsWith(key))
                return entry[(key.Length + 1)..].ToArray();
        }

        return null;
    }

    /// <summary>
    /// Sends a signal to this very process (pidfd_send_signal(2)). Returns 0 or the errno: ESRCH when it is gone,
    /// whoever may have its pid now; EPERM when it is another user's.
    /// </summary>
    public static int Signal(in ProcessFacts process, int signal)
    {
        int errno = OpenPidFd(process, out int fd);
        if (errno != 0)
            return errno;
        errno = Libc.syscall(Libc.SYS_pidfd_send_signal, fd, signal, 0, 0) == 0 ? 0 : Libc.LastError;
        Libc.close(fd);
        return errno;
    }

    /// <summary>
    /// Ends processes: SIGTERM, up to <paramref name="grace"/> to obey, SIGKILL. Returns those that are still there
    /// (they hang in the kernel, or are another user's): empty when all is well. Waits on the calling thread.
    /// </summary>
    public static IReadOnlyList<ProcessFacts> EndProcesses(IReadOnlyList<ProcessFacts> processes, TimeSpan grace)
    {
        List<ProcessFacts> left = SignalAndWait(processes, Signals.SIGTERM, grace);
        return left.Count == 0 ? left : SignalAndWait(left, Signals.SIGKILL, s_killPatience);
    }

    /// <summary>
    /// Ends whatever <paramref name="find"/> finds, again and again until it finds nothing: a process may have forked
    /// between being found and being killed. SIGTERM first, once to each, within <paramref name="grace"/>; none when
    /// that is zero. Returns what is left, like <see cref="EndProcesses"/>.
    /// </summary>
    internal static IReadOnlyList<ProcessFacts> EndAll(Func<List<ProcessFacts>> find, TimeSpan grace)
    {
        long killAtNs = Clock.MonotonicNs() + (long)grace.TotalNanoseconds;
        var asked = new HashSet<(int, ulong)>();
        while (grace > TimeSpan.Zero)
        {
            List<ProcessFacts> found = find();
            long restNs = killAtNs - Clock.MonotonicNs();
            if (found.Count == 0 || restNs <= 0)
                break;
            foreach (ProcessFacts process in found)
            {
                if (asked.Add((process.Pid, process.StartTicks)))
                    Terminate(process);
            }

            WaitForExit(found, Math.Min(restNs, 50_000_000)); // then look for children that were born meanwhile
        }

        long giveUpAtNs = Clock.MonotonicNs() + (long)s_killPatience.TotalNanoseconds;
        while (true)
        {
            List<ProcessFacts> found = find();
            if (found.Count == 0 || Clock.MonotonicNs() > giveUpAtNs)
                return found;
            foreach (ProcessFacts process in found)
                Signal(process, Signals.SIGKILL);
            WaitForExit(found, 50_000_000);
        }
    }

    /// <summary>SIGTERM, and SIGCONT so that a stopped process gets to obey it. Returns the first's errno.</summary>
    internal static int Terminate(in ProcessFacts process)
    {
        int errno = Signal(process, Signals.SIGTERM);
        Signal(process, Signals.SIGCONT);
        return errno;
    }

    internal static bool TryParsePid(ReadOnlySpan<byte> name, out int pid) =>
        Utf8Parser.TryParse(name, out pid, out int used) && used == name.Length && pid > 0;

    /// <summary>/proc/PID/name.</summary>
    internal static BytePath FileOf(int pid, ReadOnlySpan<byte> name)
    {
        Span<byte> path = stackalloc byte[64];
        System.Text.Unicode.Utf8.TryWrite(path, $"/proc/{pid}/", out int length);
        name.CopyTo(path[length..]);
        return new BytePath(path[..(length + name.Length)]);
    }

    /// <summary>
    /// Reads "pid (comm) state ppid pgrp session ... starttime ...": comm may hold spaces and parentheses.
    /// </summary>
    internal static bool TryParseStat(ReadOnlySpan<byte> stat, out ProcessFacts facts)
    {
        const int StateField = 3;
        const int GroupField = 5;
        const int SessionField = 6;
        const int StartField = 22;
        facts = default;
        int open = stat.IndexOf((byte)'(');
        int close = stat.LastIndexOf((byte)')');
        if (open < 2 || close < open || !TryParsePid(stat[..(open - 1)], out int pid))
            return false;
        (int group, int session, ulong start, char state) = (0, 0, 0, '?');
        int field = StateField;
        foreach (Range range in stat[(close + 2)..].Split((byte)' '))
        {
            ReadOnlySpan<byte> value = stat[(close + 2)..][range];
            if (field == StateField)
                state = value.IsEmpty ? '?' : (char)value[0];
            else if (field == GroupField)
                Utf8Parser.TryParse(value, out group, out _);
            else if (field == SessionField)
                Utf8Parser.TryParse(value, out session, out _);
            else if (field == StartField)
                Utf8Parser.TryParse(value, out start, out _);
            field++;
        }

        facts = new ProcessFacts(pid, session, group, state, start, new BytePath(stat[(open + 1)..close]));
        return field > StartField;
    }

    private static List<ProcessFacts> SignalAndWait(
        IReadOnlyList<ProcessFacts> processes, int signal, TimeSpan patience)
    {
        var signalled = new List<ProcessFacts>();
        foreach (ProcessFacts process in processes)
        {
            int errno = signal == Signals.SIGTERM ? Terminate(process) : Signal(process, signal);
            if (errno != Errno.ESRCH)
                signalled.Add(process);
        }

        WaitForExit(signalled, (long)patience.TotalNanoseconds);
        return signalled.FindAll(IsAlive);
    }

    private static bool IsAlive(ProcessFacts process) =>
        TryRead(process.Pid, out ProcessFacts now) && now.StartTicks == process.StartTicks && !now.IsZombie;

    // A pidfd becomes readable when its process has ended (pidfd_open(2)).
    private static void WaitForExit(List<ProcessFacts> processes, long timeoutNs)
    {
        long endNs = Clock.MonotonicNs() + timeoutNs;
        foreach (ProcessFacts process in processes)
        {
            long restNs = endNs - Clock.MonotonicNs();
            if (OpenPidFd(process, out int fd) != 0)
                continue;
            PollFd exit = PollFd.ForRead(fd);
            while (restNs > 0 && Poller.Poll(new Span<PollFd>(ref exit), restNs) == 0)
                restNs = endNs - Clock.MonotonicNs();
            Libc.close(fd);
        }
    }

    // The descriptor holds on to the process, so the start time read after opening it tells whether it is the right
    // one.
    private static int OpenPidFd(in ProcessFacts process, out int fd)
    {
        int errno;
        do
        {
            fd = (int)Libc.syscall(Libc.SYS_pidfd_open, process.Pid, 0, 0, 0);
            errno = fd < 0 ? Libc.LastError : 0;
        }
        while (WaitsFor(errno));
        if (errno != 0)
            return errno;
        if (TryRead(process.Pid, out ProcessFacts now) && now.StartTicks == process.StartTicks)
            return 0;
        Libc.close(fd);
        fd = -1;
        return Errno.ESRCH;
    }

    private static ReadOnlySpan<byte> ReadEnvironment(int pid)
    {
        byte[] environment;
        int errno;
        do
            errno = PathOps.TryReadSmallFile(FileOf(pid, "environ"u8), out environment, EnvironmentBytesMax);
        while (WaitsFor(errno));
        return environment;
    }

    // True, a moment later, when what the machine lacked is worth another try.
    private static bool WaitsFor(int errno)
    {
        bool isLack = errno is Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM;
        if (isLack)
            Poller.Poll([], LackPauseNs);
        return isLack;
    }

    private static bool HasEntries(ReadOnlySpan<byte> environment, IReadOnlyList<byte[]> entries)
    {
        foreach (byte[] entry in entries)
        {
            ReadOnlySpan<byte> rest = environment;
            bool found = false;
            while (!found && !rest.IsEmpty)
                found = NextEntry(ref rest).SequenceEqual(entry);
            if (!found)
                return false;
        }

        return entries.Count > 0;
    }

    private static ReadOnlySpan<byte> NextEntry(ref ReadOnlySpan<byte> rest)
    {
        int end = rest.IndexOf((byte)0);
        ReadOnlySpan<byte> entry = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[(end + 1)..];
        return entry;
    }
}
