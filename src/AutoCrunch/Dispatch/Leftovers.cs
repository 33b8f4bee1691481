using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>
/// What attempts have left in a directory of their engine because the service ended between recording their end and
/// removing it.
/// </summary>
internal static class Leftovers
{
    /// <summary>
    /// Those of these attempts that have ended, as the ledger has recorded: they never run again, so that what is left
    /// of them may go. Whatever else it does not know, runs or waits is none of them. None where it cannot be read: the
    /// next start looks again.
    /// </summary>
    public static IReadOnlyList<(long Job, int Attempt)> EndedOf(
        IReadOnlyCollection<(long Job, int Attempt)> attempts, JobLedger ledger, ILogger logger)
    {
        if (attempts.Count == 0)
            return [];
        try
        {
            using LedgerReader reader = LedgerReader.Open(ledger.Layout.Root);

            // A number is given out again only if nothing of it was recorded: up to the last one recorded all are over.
            return [.. attempts.Where(of => reader.LastAttempt(of.Job) is { } last && of.Attempt <= last.Number)];
        }
        catch (Exception e) when (e is SqliteException or LedgerUnusableException or LinuxException)
        {
            DispatchLog.CannotSweep(logger, e.Message);
            return [];
        }
    }

    /// <summary>The names in a directory; none where it cannot be read.</summary>
    public static List<string> NamesIn(BytePath directory)
    {
        var names = new List<string>();
        if (DirectoryReader.TryOpen(directory, out DirectoryReader? reader) != 0)
            return names;
        using (reader)
        {
            try
            {
                while (reader!.Read(out ReadOnlySpan<byte> name, out _))
                    names.Add(System.Text.Encoding.ASCII.GetString(name));
            }
            catch (LinuxException)
            {
                // The next start looks again.
            }
        }

        return names;
    }
}
