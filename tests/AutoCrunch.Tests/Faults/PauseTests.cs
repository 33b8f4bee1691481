using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Tests.Ledger;

namespace AutoCrunch.Tests.Faults;

/// <summary>When claims begin, and what counts against MaxExistingFiles.</summary>
public sealed class PauseTests
{
    private const int Most = 5;

    [Fact]
    public void No_job_is_claimed_before_the_first_scan_is_recorded()
    {
        using LedgerRig rig = new LedgerRig(Rule()).Open().StartClaims();
        rig.Complete("a");
        rig.AssertNothingClaimed();

        rig.Ledger.KnownFiles.WholeScanFinished("raw", 1);

        Assert.Equal("a", rig.Take().Job.Path.ToString());
        rig.Reopen();
        rig.StartClaims().Complete("b"); // and from then on at once
        rig.Take();
    }

    [Fact]
    public void A_rule_without_a_limit_waits_for_no_scan()
    {
        using LedgerRig rig = new LedgerRig(LedgerRig.Rule()).Open().StartClaims();
        rig.Complete("a");
        rig.Take();
    }

    [Fact]
    public void What_an_earlier_life_found_before_its_crash_counts_too()
    {
        using LedgerRig rig = new LedgerRig(Rule(), Rule("other")).Open();
        for (int i = 0; i < 4; i++)
            rig.Complete($"early{i}");
        rig.CrashAndReopen();
        rig.StartClaims().StartClaims(rule: "other");
        for (int i = 0; i < 3; i++)
            rig.Complete($"late{i}");
        rig.Complete("o", rule: "other");

        rig.Ledger.KnownFiles.WholeScanFinished("raw", 3);
        rig.Ledger.KnownFiles.WholeScanFinished("other", 1);

        Assert.Equal("other", rig.Take().Job.Rule);
        rig.AssertNothingClaimed();
        Assert.Contains(rig.Log.Lines, line => line.Contains("found 7 files", StringComparison.Ordinal));
        Assert.Equal(
            [(PauseReason?)null, PauseReason.ManyFiles],
            rig.Read(reader => reader.Records.Values.OrderBy(record => record.Name).Select(record => record.Paused)));
    }

    [Fact]
    public void After_a_change_of_patterns_only_what_the_scan_found_counts()
    {
        using LedgerRig rig = new LedgerRig(Rule()).Open();
        rig.Ledger.KnownFiles.WholeScanFinished("raw", 0);
        for (int i = 0; i < 2 * Most; i++)
            rig.Complete($"backlog{i}");
        rig.Reopen(Rule() with { Include = new PathPatterns(["*.fits"]) });
        rig.StartClaims().AssertNothingClaimed();

        rig.Ledger.KnownFiles.WholeScanFinished("raw", Most);

        rig.Take();
        rig.Reopen(Rule() with { Include = new PathPatterns(["*.fit"]) });
        rig.Ledger.KnownFiles.WholeScanFinished("raw", Most + 1);
        rig.StartClaims().AssertNothingClaimed();
    }

    private static WatchRule Rule(string name = "raw") => LedgerRig.Rule(name) with { MaxExistingFiles = Most };
}
