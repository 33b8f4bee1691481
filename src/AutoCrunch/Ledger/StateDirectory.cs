using System.Globalization;
using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Win32.SafeHandles;
using FileSystemInfo = AutoCrunch.Linux.FileSystemInfo;

namespace AutoCrunch.Ledger;

/// <summary>The state directory belongs to one process at a time.</summary>
internal static class StateDirectory
{
    /// <summary>Makes the directory if needed, and locks it.</summary>
    /// <exception cref="LedgerLockedException">Another process has it.</exception>
    /// <exception cref="LedgerUnusableException">It cannot be used, and no restart mends that.</exception>
    /// <exception cref="LinuxException">It cannot be used at present.</exception>
    public static FileLock Take(StateLayout layout)
    {
        const uint OwnerAndGroup = 0b111_101_000;
        int errno = PathOps.TryMakeDirectories(layout.Root, OwnerAndGroup);
        if (errno != 0)
            throw Refused("mkdir", layout.Root, errno);
        if (FileSystemInfo.TryRead(layout.Root, out FileSystemFacts facts) == 0 && facts.IsNetwork)
            throw new LedgerUnusableException(
                $"The state directory '{layout.Root}' is on a network file system ({facts.Name}), where the ledger's "
                + "locks and shared memory cannot be relied on: set StateDirectory to a directory on a local disk.");
        int errnoOfLock = FileLock.TryTake(layout.Lock, out FileLock? taken);
        if (errnoOfLock == Errno.EAGAIN)
            throw new LedgerLockedException(layout.Lock, ReadHolder(layout.Lock));
        if (taken is null)
            throw Refused("open", layout.Lock, errnoOfLock);
        WriteHolder(layout.Lock);
        return taken;
    }

    // What a full, failing or read-only disk or a lack of descriptors refuses may be granted at the next start.
    private static Exception Refused(string operation, BytePath path, int errno) =>
        Errno.MayPass(errno)
            ? new LinuxException(operation, path, errno)
            : new LedgerUnusableException(LinuxException.Explain(operation, path, errno));

    // Only for the message of whoever comes second: the lock itself is what counts.
    private static void WriteHolder(BytePath path)
    {
        PathOps.TryOpen(path, OpenMode.Replace, 0, out SafeFileHandle? file);
        using (file)
        {
            if (file is null)
                return;
            try
            {
                RandomAccess.Write(file, Encoding.ASCII.GetBytes($"{Environment.ProcessId}\n"), 0);
            }
            catch (IOException)
            {
                // The disk is full: the message will not name us.
            }
        }
    }

    private static int? ReadHolder(BytePath path) =>
        PathOps.TryReadSmallFile(path, out byte[] content) == 0
        && int.TryParse(content.AsSpan().Trim("\n"u8), CultureInfo.InvariantCulture, out int pid)
            ? pid
            : null;
}
