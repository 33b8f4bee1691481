using System.Globalization;
using System.Text;
using AutoCrunch.Core;

namespace AutoCrunch.Linux;

/// <summary>A call of the kernel failed in a way that the caller of this folder's classes must know about.</summary>
/// <param name="operation">What was attempted: the system call's name.</param>
/// <param name="path">What it was attempted on; empty when there is no path.</param>
/// <param name="errno">The error number (<see cref="Errno"/>).</param>
internal sealed class LinuxException(string operation, BytePath path, int errno)
    : Exception(Explain(operation, path, errno))
{
    /// <summary>What was attempted: the system call's name.</summary>
    public string Operation { get; } = operation;

    /// <summary>What it was attempted on; empty when there is no path.</summary>
    public BytePath Path { get; } = path;

    /// <summary>The error number (<see cref="Errno"/>).</summary>
    public int ErrorNumber { get; } = errno;

    /// <summary>
    /// The message without the exception: "operation 'path': sentence (ENAME)" and, where an operator can help, how.
    /// </summary>
    public static string Explain(string operation, BytePath path, int errno)
    {
        var text = new StringBuilder(operation);
        if (!path.IsEmpty)
            text.Append(" '").Append(path.ToString()).Append('\'');
        text.Append(": ").Append(Errno.Describe(errno)).Append(" (").Append(Errno.Name(errno)).Append(')');
        if (Advice(operation, errno) is { } advice)
            text.Append(". ").Append(advice);
        return text.ToString();
    }

    private static string? Advice(string operation, int errno) => (operation, errno) switch
    {
        // inotify_add_watch(2): ENOSPC is the limit on watches (or kernel memory), never the disk.
        (Inotify.AddWatchOperation, Errno.ENOSPC) => RaiseLimit(
            "max_user_watches", 524_288, "This user's limit on watched directories is reached"),
        (Inotify.CreateOperation, Errno.EMFILE) => RaiseLimit(
            "max_user_instances", 512, "This user's limit on inotify instances (or on open files) is reached"),
        (_, Errno.EMFILE) =>
            "This process has reached its limit on open files: raise LimitNOFILE= in the unit, or ulimit -n",
        (_, Errno.ENFILE) => "The machine has reached its limit on open files: raise it with sysctl fs.file-max",
        (_, Errno.ENOSPC) => "The file system is full (df, df -i): free some space",
        (_, Errno.EDQUOT) => "The quota of this user on that file system is used up: free some space or raise it",
        (_, Errno.EACCES) =>
            "Give the user that AutoCrunch runs as access to it and to every directory above it (namei -l shows them)",
        (_, Errno.EPERM) =>
            "The user that AutoCrunch runs as may not do this: change the owner, or the unit's settings",
        (_, Errno.EROFS) =>
            "The file system is mounted read-only; in a systemd unit also see ProtectSystem= and ReadWritePaths=",
        (_, Errno.ELOOP) => "It is a symbolic link where none may be, or links point in a circle",
        (_, Errno.ENAMETOOLONG) => "Shorten the name (255 bytes at most) or the path (4095 bytes at most)",
        (_, Errno.ECHILD) =>
            "Something else in this process took the child's exit status, so how it ended is not known",
        (_, Errno.EIO) => "The disk or the server behind it failed: see the kernel's log (journalctl -k)",
        (_, Errno.ESTALE) => "The file server no longer knows it: check the mount",
        _ => null,
    };

    private static string RaiseLimit(string name, long proposed, string fact)
    {
        long? present = ReadLimit(name);
        string value = present?.ToString(CultureInfo.InvariantCulture) ?? "unreadable";
        string wanted = Math.Max(proposed, (present ?? 0) * 4).ToString(CultureInfo.InvariantCulture);
        return $"{fact}: fs.inotify.{name} is {value}. Raise it: sysctl fs.inotify.{name}={wanted} and, to keep it, "
            + $"the line fs.inotify.{name}={wanted} in /etc/sysctl.d/60-autocrunch.conf";
    }

    private static long? ReadLimit(string name)
    {
        var file = new BytePath(Encoding.ASCII.GetBytes($"/proc/sys/fs/inotify/{name}"));
        int errno = PathOps.TryReadSmallFile(file, out byte[] content);
        return errno == 0 && long.TryParse(content.AsSpan().Trim("\n "u8), CultureInfo.InvariantCulture, out long value)
            ? value
            : null;
    }
}
