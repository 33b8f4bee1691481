using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using AutoCrunch.Core;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>What to start. Bytes go to execve(2) as they are; none may contain NUL.</summary>
/// <param name="Program">Absolute path of the program; PATH is not searched.</param>
/// <param name="Arguments">The whole argv, argv[0] included.</param>
/// <param name="Environment">The whole environment, "KEY=value"; nothing is inherited.</param>
/// <param name="WorkingDirectory">Absolute path of an existing directory.</param>
/// <param name="LogFile">Absolute path of the file that stdout and stderr append to; created 0640 less the
/// umask.</param>
internal readonly record struct ChildStart(
    BytePath Program, byte[][] Arguments, byte[][] Environment, BytePath WorkingDirectory, BytePath LogFile)
{
    /// <summary>When set: its standard streams, and there is no log.</summary>
    public ChildStreams? Streams { get; init; }
}

/// <summary>Open files that become a child's standard streams; it shares their offsets with us.</summary>
/// <param name="Input">Its stdin.</param>
/// <param name="Output">Its stdout.</param>
/// <param name="Error">Its stderr.</param>
internal sealed record ChildStreams(SafeFileHandle Input, SafeFileHandle Output, SafeFileHandle Error);

internal sealed unsafe partial class ChildProcess
{
    private const int FirstInheritable = 3;
    private const uint LogPermissions = 0x1A0; // 0640

    // Only read by posix_spawn, so one serves all threads; never freed.
    private static readonly nint s_attributes = CreateAttributes();

    /// <summary>
    /// Starts a process in a session of its own: stdin is /dev/null, stdout and stderr append to the log (or all three
    /// are the given streams), no other descriptor is passed on, no signal is blocked or ignored. Any thread; the
    /// caller's is where the kernel takes capabilities from. Returns 0 or the errno, which
    /// <see cref="ExplainStartFailure"/> puts into words.
    /// </summary>
    public static int TryStart(in ChildStart start, out ChildProcess? child)
    {
        child = null;
        if (FindNul(start) is not null)
            return Errno.EINVAL;

        // One block: argv's pointers, the environment's pointers, the strings.
        int pointers = start.Arguments.Length + start.Environment.Length + 2;
        int bytes = checked((pointers * sizeof(byte*)) + LengthOf(start.Arguments) + LengthOf(start.Environment));
        byte[] block = ArrayPool<byte>.Shared.Rent(bytes);
        int pid = 0;
        int errno;
        fixed (byte* memory = block)
        {
            byte** argv = (byte**)memory;
            byte** environment = argv + start.Arguments.Length + 1;
            byte* strings = memory + (pointers * sizeof(byte*));
            strings = Write(start.Arguments, argv, strings);
            strings = Write(start.Environment, environment, strings);
            Invariant.That(strings == memory + bytes);
            errno = Spawn(start, argv, environment, &pid);
        }

        ArrayPool<byte>.Shared.Return(block);
        if (errno == 0)
            child = new ChildProcess(pid);
        return errno;
    }

    [SkipLocalsInit]
    private static int Spawn(in ChildStart start, byte** argv, byte** environment, int* pid)
    {
        ulong* actions = stackalloc ulong[Libc.OpaqueBytes / sizeof(ulong)];
        fixed (byte* program = PathBuffer.Terminate(start.Program.Span, stackalloc byte[PathBuffer.Size]))
        fixed (byte* directory = PathBuffer.Terminate(start.WorkingDirectory.Span, stackalloc byte[PathBuffer.Size]))
        {
            int errno = Libc.posix_spawn_file_actions_init(actions);
            if (errno != 0)
                return errno;
            errno = FirstError(
                start.Streams is { } streams ? AddStreams(actions, streams) : AddLog(actions, start.LogFile),
                Libc.posix_spawn_file_actions_addclosefrom_np(actions, FirstInheritable),
                Libc.posix_spawn_file_actions_addchdir_np(actions, directory));
            if (errno == 0)
                errno = Libc.posix_spawn(pid, program, actions, (void*)s_attributes, argv, environment);
            Libc.posix_spawn_file_actions_destroy(actions);
            GC.KeepAlive(start.Streams);
            return errno;
        }
    }

    // glibc copies the paths.
    [SkipLocalsInit]
    private static int AddLog(void* actions, BytePath path)
    {
        fixed (byte* log = PathBuffer.Terminate(path.Span, stackalloc byte[PathBuffer.Size]))
        fixed (byte* devNull = "/dev/null\0"u8)
        {
            const int LogFlags = Libc.O_WRONLY | Libc.O_CREAT | Libc.O_APPEND | Libc.O_NOCTTY;
            return FirstError(
                Libc.posix_spawn_file_actions_addopen(actions, 0, devNull, Libc.O_RDONLY, 0),
                Libc.posix_spawn_file_actions_addopen(actions, 1, log, LogFlags, LogPermissions),
                Libc.posix_spawn_file_actions_adddup2(actions, 1, 2));
        }
    }

    private static int AddStreams(void* actions, ChildStreams streams) => FirstError(
        Libc.posix_spawn_file_actions_adddup2(actions, (int)streams.Input.DangerousGetHandle(), 0),
        Libc.posix_spawn_file_actions_adddup2(actions, (int)streams.Output.DangerousGetHandle(), 1),
        Libc.posix_spawn_file_actions_adddup2(actions, (int)streams.Error.DangerousGetHandle(), 2));

    // A session of its own, so that the whole job can be signalled and no terminal reaches it. All signals at their
    // default, none blocked: .NET ignores SIGPIPE, and whoever started us may have ignored others; execve(2) keeps
    // that.
    private static nint CreateAttributes()
    {
        void* attributes = NativeMemory.AllocZeroed(Libc.OpaqueBytes);
        ulong* signals = stackalloc ulong[Libc.OpaqueBytes / sizeof(ulong)];
        int errno = FirstError(
            Libc.posix_spawnattr_init(attributes),
            Libc.sigemptyset(signals),
            Libc.posix_spawnattr_setsigmask(attributes, signals),
            Libc.sigfillset(signals));
        Invariant.That(errno == 0);
        signals[0] = ulong.MaxValue; // also glibc's own two (32, 33), which it would pass on ignored
        errno = FirstError(
            Libc.posix_spawnattr_setsigdefault(attributes, signals),
            Libc.posix_spawnattr_setflags(
                attributes,
                Libc.POSIX_SPAWN_SETSID | Libc.POSIX_SPAWN_SETSIGMASK | Libc.POSIX_SPAWN_SETSIGDEF));
        Invariant.That(errno == 0);
        return (nint)attributes;
    }

    private static int FirstError(params ReadOnlySpan<int> results)
    {
        int index = results.IndexOfAnyExcept(0);
        return index < 0 ? 0 : results[index];
    }

    private static int LengthOf(byte[][] strings)
    {
        int length = strings.Length;
        foreach (byte[] text in strings)
            length = checked(length + text.Length);
        return length;
    }

    private static byte* Write(byte[][] strings, byte** pointers, byte* target)
    {
        foreach (byte[] text in strings)
        {
            *pointers++ = target;
            text.CopyTo(new Span<byte>(target, text.Length));
            target[text.Length] = 0;
            target += text.Length + 1;
        }

        *pointers = null;
        return target;
    }
}
