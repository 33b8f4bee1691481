using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>
/// Finds, in a shared directory, what ended attempts of this ledger have left. In steps, as there may be many others'
/// directories beside them, on a slow file system. One thread.
/// </summary>
/// <param name="shared">SharedDirectory.</param>
/// <param name="ledger">Whose attempts.</param>
/// <param name="logger">The service's log.</param>
internal sealed class SlurmSweep(BytePath shared, JobLedger ledger, ILogger logger)
{
    private const int Prefixes = 256;
    private const int PrefixesAtOnce = 64;

    private int _next;

    /// <summary>Everything has been looked at.</summary>
    public bool IsDone => _next >= Prefixes;

    /// <summary>Looks at a part of it; returns what may be removed.</summary>
    public IReadOnlyList<SlurmPlace> Next()
    {
        var found = new List<(long Job, int Attempt)>();
        for (int i = 0; i < PrefixesAtOnce && !IsDone; i++, _next++)
        {
            string prefix = _next.ToString("x2", CultureInfo.InvariantCulture);
            BytePath directory = shared.Join(System.Text.Encoding.ASCII.GetBytes(prefix));
            foreach (string name in Leftovers.NamesIn(directory))
                if (SlurmToken.AttemptOf(name, ledger.Id) is { } attempt)
                    found.Add(attempt);
        }

        return [.. Leftovers.EndedOf(found, ledger, logger)
            .Select(of => new SlurmPlace(shared, ledger.Id, of.Job, of.Attempt))];
    }
}
