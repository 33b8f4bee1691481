using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Ledger;

/// <summary>The files in which jobs leave what they print, once their jobs are forgotten.</summary>
internal static class JobLogs
{
    /// <summary>Removes logs. What cannot be removed is said and left.</summary>
    /// <param name="layout">Where.</param>
    /// <param name="jobs">Forgotten jobs.</param>
    /// <param name="oldestId">If not null: directories that hold only logs of older jobs go as a whole.</param>
    /// <param name="logger">The service's log.</param>
    public static void Remove(StateLayout layout, PrunedJob[] jobs, long? oldestId, ILogger logger)
    {
        foreach (PrunedJob job in jobs)
            for (int attempt = 1; attempt <= job.Attempts; attempt++)
                Unlink(layout.LogFile(job.Id, attempt), logger);
        if (oldestId is { } oldest)
            foreach (BytePath directory in OlderThan(layout, oldest))
                RemoveDirectory(directory, logger);
    }

    // Also what a crash between forgetting and removing left behind.
    private static List<BytePath> OlderThan(StateLayout layout, long oldestId)
    {
        var older = new List<BytePath>();
        if (DirectoryReader.TryOpen(layout.Logs, out DirectoryReader? reader) != 0)
            return older;
        using (reader)
        {
            while (reader!.Read(out ReadOnlySpan<byte> name, out _))
                if (long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
                    && number < oldestId / StateLayout.JobsPerLogDirectory)
                    older.Add(layout.Logs.Join(name));
        }

        return older;
    }

    private static void RemoveDirectory(BytePath directory, ILogger logger)
    {
        var files = new List<BytePath>();
        if (DirectoryReader.TryOpen(directory, out DirectoryReader? reader) == 0)
        {
            using (reader)
            {
                while (reader!.Read(out ReadOnlySpan<byte> name, out _))
                    files.Add(directory.Join(name));
            }
        }

        foreach (BytePath file in files)
            Unlink(file, logger);
        int errno = PathOps.TryRemoveDirectory(directory);
        if (errno is not (0 or Errno.ENOENT))
            LedgerLog.LogNotRemoved(logger, LinuxException.Explain("rmdir", directory, errno));
    }

    private static void Unlink(BytePath file, ILogger logger)
    {
        int errno = PathOps.TryUnlink(file);
        if (errno is not (0 or Errno.ENOENT))
            LedgerLog.LogNotRemoved(logger, LinuxException.Explain("unlink", file, errno));
    }
}
