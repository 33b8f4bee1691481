using AutoCrunch.Core;

namespace AutoCrunch.Linux;

internal sealed partial class ChildProcess
{
    /// <summary>
    /// Why <see cref="TryStart"/> failed, for the operator. One errno comes from the log, the working directory, the
    /// program or its interpreter alike, so this looks at each of them again.
    /// </summary>
    public static string ExplainStartFailure(in ChildStart start, int errno)
    {
        string what = $"cannot start '{start.Program}': ";
        return what + (FindNul(start)
            ?? ExplainSurroundings(start)
            ?? ExplainProgram(start.Program)
            ?? ExplainErrno(start, errno));
    }

    /// <summary>
    /// What is wrong with the working directory, the log or its directory: with what no program has to do. Null when
    /// nothing is.
    /// </summary>
    public static string? ExplainSurroundings(in ChildStart start) =>
        ExplainDirectory("working directory", start.WorkingDirectory, AccessMode.Execute)
            ?? (start.Streams is null ? ExplainLog(start.LogFile) : null);

    private static string? FindNul(in ChildStart start)
    {
        for (int i = 0; i < start.Arguments.Length; i++)
        {
            if (start.Arguments[i].AsSpan().Contains((byte)0))
                return $"argument {i} ('{BytePath.Escape(start.Arguments[i])}') contains a NUL byte, which none can";
        }

        foreach (byte[] entry in start.Environment)
        {
            if (entry.AsSpan().Contains((byte)0))
                return $"the environment entry '{BytePath.Escape(entry)}' contains a NUL byte, which none can";
        }

        return null;
    }

    private static string? ExplainDirectory(string role, BytePath path, AccessMode mode)
    {
        int errno = FileStatReader.TryReadTarget(path, out FileStat stat);
        if (errno == 0 && stat.Type != FileType.Directory)
            errno = Errno.ENOTDIR;
        if (errno == 0)
            errno = PathOps.TryAccess(path, mode);
        return errno == 0 ? null : LinuxException.Explain(role, path, errno);
    }

    private static string? ExplainLog(BytePath path) =>
        ExplainDirectory("directory of the log", path.Directory, AccessMode.Write | AccessMode.Execute)
            ?? ExplainLogFile(path);

    private static string? ExplainLogFile(BytePath path)
    {
        int errno = FileStatReader.TryReadTarget(path, out FileStat stat);
        if (errno == Errno.ENOENT)
            return null;
        if (errno == 0 && stat.Type == FileType.Directory)
            errno = Errno.EISDIR;
        if (errno == 0)
            errno = PathOps.TryAccess(path, AccessMode.Write);
        return errno == 0 ? null : LinuxException.Explain("log", path, errno);
    }

    private static string? ExplainProgram(BytePath path)
    {
        int errno = FileStatReader.TryReadTarget(path, out FileStat stat);
        if (errno != 0)
            return LinuxException.Explain("program", path, errno);
        if (stat.Type != FileType.Regular)
            return $"'{path}' is not a file";
        errno = PathOps.TryAccess(path, AccessMode.Execute);
        if (errno == 0)
            return ExplainInterpreter(path);
        const uint AnyExecute = 0x49; // 0111
        return errno == Errno.EACCES && (stat.Mode & AnyExecute) == 0
            ? $"'{path}' is not executable (mode {Convert.ToString(stat.Mode, 8)}): chmod +x it"
            : LinuxException.Explain("program", path, errno);
    }

    // "#!" in the first line (execve(2)); a missing interpreter is ENOENT although the program is there.
    private static string? ExplainInterpreter(BytePath path)
    {
        const int FirstLineMax = 256;
        byte[] head = new byte[FirstLineMax];
        if (PathOps.TryOpen(path, OpenMode.Read, 0, out Microsoft.Win32.SafeHandles.SafeFileHandle? file) != 0)
            return null;
        int length;
        using (file)
        {
            if (PathOps.Read(file!, head, out length) != 0)
                return null;
        }

        ReadOnlySpan<byte> line = head.AsSpan(0, length);
        if (!line.StartsWith("#!"u8))
            return null;
        int end = line.IndexOf((byte)'\n');
        line = (end < 0 ? line : line[..end])[2..].Trim(" \t"u8);
        int blank = line.IndexOfAny((byte)' ', (byte)'\t');
        var interpreter = new BytePath(blank < 0 ? line : line[..blank]);
        int errno = PathOps.TryAccess(interpreter, AccessMode.Execute);
        if (errno == 0)
            return null;
        string advice = interpreter.Span is [.., (byte)'\r']
            ? " (the script has Windows line endings: convert it, for example with dos2unix)"
            : " (see the script's first line)";
        return LinuxException.Explain("interpreter", interpreter, errno) + advice;
    }

    private static string ExplainErrno(in ChildStart start, int errno) => errno switch
    {
        Errno.ENOEXEC => $"{Text(errno)}. A script needs a first line like '#!/bin/sh'; a program must be built for "
            + "this machine's architecture",
        Errno.ENOENT => $"{Text(errno)}, although it is there: what is missing is its loader (a program built for "
            + "another architecture or C library; see ldd)",
        Errno.E2BIG => $"{Text(errno)}. Its {start.Arguments.Length} arguments and {start.Environment.Length} "
            + "environment entries are more than the kernel takes: shorten the command",
        Errno.EAGAIN => $"{Text(errno)}. A limit on processes is reached: raise TasksMax= or LimitNPROC= in the unit, "
            + "or lower the rule's Concurrency",
        Errno.ENOMEM => $"{Text(errno)}. The machine, or the unit (MemoryMax=), has no memory left: lower the "
            + "rule's Concurrency",
        Errno.ENOSPC or Errno.EDQUOT => LinuxException.Explain("log", start.LogFile, errno),
        Errno.ETXTBSY => $"{Text(errno)}. The program is just being written: replace programs by renaming a new "
            + "file over them",
        Errno.EACCES or Errno.EPERM => $"{Text(errno)}. The file system may be mounted noexec, or a security module "
            + "(SELinux, AppArmor) forbids it: see the kernel's log (journalctl -k)",
        _ => LinuxException.Explain("posix_spawn", start.Program, errno),
    };

    private static string Text(int errno) => $"{Errno.Describe(errno)} ({Errno.Name(errno)})";
}
