using System.Text.Json;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Cli;

/// <summary><c>autocrunch status</c> while no service runs.</summary>
public sealed class StatusVerbTests : IDisposable
{
    private readonly VerbRig _rig = new("raw", "other");

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void Before_the_first_start_it_says_that_the_service_does_not_run()
    {
        string[] lines = _rig.Verb("status").Succeeded().Lines;

        Assert.Equal("autocrunch is stopped; this is what the ledger says", lines[0]);
        Assert.Equal(["! the service does not run", "    systemctl start autocrunch"], lines[1..3]);
        Assert.Matches("^other +- +- +- +- +- +- +- +- +- +/.*/in-other$", lines[^2]);
        Assert.False(_rig.Directory.Exists("state"));
    }

    [Fact]
    public void The_ledgers_part_is_shown_problems_first_each_with_what_mends_it()
    {
        Fill();

        string[] lines = _rig.Verb("status").Succeeded().Lines;

        string[] problems = [.. lines.Skip(1).TakeWhile(line => line[0] is '!' or ' ')];
        Assert.Equal(
            [
                "! the service does not run", "    systemctl start autocrunch",
                "! rule other: it is paused, by hand; jobs that wait: 2", "    autocrunch resume other",
                "! rule raw: 1 job failed", "    autocrunch jobs --state failed --rule raw",
                "! rule raw: 1 file is held back, as it does not look finished",
                $"    autocrunch explain {_rig.Directory["in-raw"]}",
            ],
            problems);
        Assert.Matches("^other +- +- +0 +2 +0 +0 +2 +2 .* s .*/in-other$", lines[^2]);
        Assert.Matches("^raw +- +- +1 +0 +0 +1 +2 +2 .*/in-raw$", lines[^1]);
    }

    [Fact]
    public void The_fields_are_those_of_the_manual()
    {
        Fill();

        JsonElement status = Assert.Single(_rig.Verb("status", "--json").Succeeded().Objects);

        Assert.Equal(
            ["state", "pid", "started", "now", "overflows", "lastOverflow", "ledgerPaused", "problems", "rules"],
            Names(status));
        Assert.Equal("stopped", status.GetProperty("state").GetString());
        Assert.Equal(["rule", "text", "command"], Names(status.GetProperty("problems")[0]));
        JsonElement raw = status.GetProperty("rules")[1];
        Assert.Equal(
            ["rule", "path", "pathBase64", "isPaused", "isRootThere", "watched", "unwatched", "arriving", "held",
                "queued", "running", "failed", "lastMinute", "lastHour", "failedLastHour", "oldestWaiting",
                "lastArrival", "lastScan", "lastScanFiles", "lastScanFound", "foundByRescans", "scanning"],
            Names(raw));
        Assert.Equal((1, 1, 2), (raw.GetProperty("held").GetInt32(), raw.GetProperty("failedLastHour").GetInt32(),
            raw.GetProperty("lastHour").GetInt32()));
        Assert.Equal(JsonValueKind.Null, raw.GetProperty("watched").ValueKind);
        Assert.Equal(JsonValueKind.String, status.GetProperty("rules")[0].GetProperty("oldestWaiting").ValueKind);
    }

    [Fact]
    public void A_rule_whose_path_holds_odd_bytes_and_blanks_gives_a_command_that_can_be_pasted()
    {
        BytePath odd = BytePath.Parse(@"/in/it's \xFF");
        Assert.Equal(@"'/in/it\x27s \xFF'", ShellWord.Of(odd));
        Assert.Equal(odd, BytePath.Parse(ShellWord.Of(odd)[1..^1]));
        Assert.Equal("/in/plain-1.raw", ShellWord.Of(BytePath.Parse("/in/plain-1.raw")));
    }

    [Fact]
    public void A_ledger_that_cannot_be_read_is_a_problem_and_no_reason_to_say_nothing()
    {
        _rig.Directory.Write("state/ledger.db", "this is no database, but long enough to look like one ....");

        VerbResult status = _rig.Verb("status").Succeeded();

        Assert.Contains("! the service does not run", status.Output, StringComparison.Ordinal);
        Assert.Contains("is damaged", status.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Jobs_of_a_rule_that_is_configured_no_longer_are_told()
    {
        using var rig = new VerbRig("raw");
        rig.Ledger.Open();
        rig.Ledger.Complete("a");
        rig.Ledger.Reopen(Tests.Ledger.LedgerRig.Rule("new"));
        rig.Close();

        string output = rig.Verb("status").Output;

        Assert.DoesNotContain("configured no longer", output, StringComparison.Ordinal); // raw is configured here
        rig.Directory.Write("appsettings.json", rig.Directory.ReadText("appsettings.json")
            .Replace("\"raw\"", "\"new\"", StringComparison.Ordinal));
        Assert.Contains("1 waiting jobs are of rule 'raw'", rig.Verb("status").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Jobs_left_in_an_engine_by_a_rule_that_is_configured_no_longer_are_told()
    {
        using var rig = new VerbRig("raw");
        rig.Ledger.Options = rig.Ledger.Options with { Engines = new Dictionary<string, string> { ["raw"] = "Slurm" } };
        rig.Ledger.Open();
        rig.Ledger.StartClaims().Complete("a");
        rig.Ledger.Take();
        rig.Close();
        Assert.DoesNotContain("left running", rig.Verb("status").Output, StringComparison.Ordinal);
        Assert.Contains( // with its own rule, which has another engine now: so the service would not start
            "1 job of rule 'raw' was left running in Slurm, and would run a second time",
            rig.Verb("check").Output, StringComparison.Ordinal);
        rig.Directory.Write("appsettings.json", rig.Directory.ReadText("appsettings.json")
            .Replace("\"raw\"", "\"new\"", StringComparison.Ordinal));

        string status = rig.Verb("status").Output;

        Assert.Contains("1 job of rule 'raw', which is configured no longer, left running in Slurm: put the rule back",
            status, StringComparison.Ordinal);
        Assert.Contains("autocrunch jobs --rule raw --state running", status, StringComparison.Ordinal);
        Assert.Contains("1 job of rule 'raw', which is configured no longer, left running in Slurm: put the rule back",
            rig.Verb("check").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_have_waited_for_long_to_be_moved_are_a_problem_of_their_rule()
    {
        using var rig = new VerbRig();
        rig.Open().Ledger.StartClaims();
        rig.Run("a", AttemptOutcome.Succeeded.Value);
        rig.Run("b", AttemptOutcome.Succeeded.Value);
        rig.Close();
        Intend(rig, jobId: 1, agoSeconds: 10);
        Assert.DoesNotContain("to be moved", rig.Verb("status").Output, StringComparison.Ordinal);

        Intend(rig, jobId: 2, agoSeconds: 7205);

        string[] lines = rig.Verb("status").Succeeded().Lines;
        int problem = Array.FindIndex(lines, line => line.StartsWith(
            "! rule raw: 2 processed files wait to be moved or deleted, the first one's job ended 2 h ago",
            StringComparison.Ordinal));
        Assert.NotEqual(-1, problem);
        Assert.Contains("journalctl -u autocrunch", lines[problem + 1], StringComparison.Ordinal);
    }

    private static void Intend(VerbRig rig, long jobId, long agoSeconds)
    {
        using SqliteDatabase db = SqliteDatabase.OpenWriter(rig.Directory["state/ledger.db"]);
        db.Execute($"""
            INSERT INTO disposals (job_id, rule_id, kind, source, inode, size, mtime_ns, intended_ns)
            SELECT {jobId}, id, 2, X'2F61', 1, 1, 1, {Clock.WallNs() - (agoSeconds * 1_000_000_000)} FROM rules
            """);
    }

    private static IEnumerable<string> Names(JsonElement element) =>
        element.EnumerateObject().Select(field => field.Name);

    // raw: one succeeded, one failed, one held; other: two wait, and the rule is paused.
    private void Fill()
    {
        _rig.Open().Ledger.StartClaims();
        _rig.Run("a", AttemptOutcome.Succeeded.Value);
        _rig.Run("b", new AttemptOutcome.Failed("exit code 4", 4, IsPermanent: true));
        FileStat held = Tests.Ledger.LedgerRig.StatOf(_rig.Ledger.NewVersion());
        _rig.Ledger.Ledger.KnownFiles.Held("raw", BytePath.Parse("held"), held, HoldReason.ZeroMtime);
        _rig.Ledger.Complete("c", rule: "other");
        _rig.Ledger.Complete("d", rule: "other");
        _rig.Close();
        Assert.Equal(0, _rig.Verb("pause", "other").ExitCode);
    }
}
