using AutoCrunch.Core;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Ledger;

/// <summary>A ledger that nothing remains of.</summary>
internal sealed partial class JobLedger
{
    /// <summary>
    /// Opens an empty ledger in memory, the same in everything else: no file, no lock, and gone when it is closed.
    /// </summary>
    /// <param name="options">Its rules; the state directory must be one that cannot exist.</param>
    /// <param name="logger">Takes what it says.</param>
    public static JobLedger OpenInMemory(LedgerOptions options, ILogger logger)
    {
        SqliteDatabase db = LedgerFile.OpenInMemory();
        try
        {
            Dictionary<string, LedgerRule> rules = LoadRules(db, options, logger);
            string id = db.QueryText("SELECT id FROM ledger") ?? throw new InvariantException("the ledger has no id");
            var writer = new LedgerWriter(db, isGone: static (_, _, _) => false);
            return new JobLedger(options, fileLock: null, writer, id, rules, logger);
        }
        catch
        {
            db.Dispose();
            throw;
        }
    }
}
