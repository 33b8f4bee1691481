using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>Removes what ended attempts of this ledger have left in the directory of outcomes.</summary>
internal static class UnitSweep
{
    /// <summary>Looks at all that is there, once.</summary>
    /// <param name="outcomes">The directory of outcomes.</param>
    /// <param name="prefix">What the names of this ledger's units begin with.</param>
    /// <param name="ledger">Whose attempts.</param>
    /// <param name="logger">The service's log.</param>
    public static void Run(BytePath outcomes, string prefix, JobLedger ledger, ILogger logger)
    {
        HashSet<(long Job, int Attempt)> found =
            [.. Leftovers.NamesIn(outcomes).Select(name => AttemptOf(name, prefix)).OfType<(long, int)>()];
        foreach ((long job, int attempt) in Leftovers.EndedOf(found, ledger, logger))
            UnitFiles.Of(outcomes, prefix, job, attempt).Remove();
    }

    // "autocrunch-LEDGER-JOB-ATTEMPT", perhaps with a suffix.
    private static (long Job, int Attempt)? AttemptOf(string name, string prefix)
    {
        if (!name.StartsWith(prefix, StringComparison.Ordinal))
            return null;
        return name[prefix.Length..].Split('.')[0].Split('-') is [var job, var attempt]
            && long.TryParse(job, NumberStyles.None, CultureInfo.InvariantCulture, out long id)
            && int.TryParse(attempt, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                ? (id, number)
                : null;
    }
}
