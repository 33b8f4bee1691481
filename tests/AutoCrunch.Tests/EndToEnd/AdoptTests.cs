using System.Text.Json;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary><c>adopt</c>: an archive of old files, before a rule's first start and after it.</summary>
public sealed class AdoptTests : IDisposable
{
    // More than one part of a transaction's size in one directory.
    private const int Old = 1100;

    private readonly ServiceUnderTest _service = new(Rule());

    public void Dispose() => _service.Dispose();

    [Fact]
    public void Pain_an_archive_that_is_adopted_as_done_before_the_first_start_is_not_processed()
    {
        Archive();
        Command dry = Adopt("done", "--dry-run");
        Assert.Contains($"1,102 files of rule raw: 1,102 would be recorded as done.", dry.Output,
            StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_service.Base, "state")));

        Assert.Contains("1,102 recorded as done.", Adopt("done").Output, StringComparison.Ordinal);
        Assert.Contains("0 recorded as done; 1,102 known already.", Adopt("done").Output, StringComparison.Ordinal);
        _service.Start();
        new Arena(_service).Runs("new $S/new.raw; rsync -a $S/ $D/", "new.raw");
        _service.Quiesce();
        Assert.Single(_service.Started());
        _service.Stop();
    }

    [Fact]
    public void An_archive_that_is_adopted_as_pending_before_the_first_start_runs_whatever_MaxExistingFiles_says()
    {
        Archive();
        _service.Configure(Rule(most: 10));
        Assert.Contains("1,102 have got a job each, which run when the service is started.", Adopt("pending").Output,
            StringComparison.Ordinal);
        _service.Start();
        _service.UntilIdle();
        Assert.Equal(Old + 2, _service.Started().Count);
        Assert.Equal(Old + 2, _service.Started().Select(record => record.Path).Distinct().Count());
        _service.Stop();
    }

    [Fact]
    public void What_waits_is_taken_off_the_queue_by_adopting_it_as_done()
    {
        Archive();
        _service.Configure(Rule(most: 10));
        _service.Start();
        _service.UntilLogged("raw is paused", "found 1,102 files");
        Command dry = Adopt("done", "--dry-run", "--json");
        JsonElement counts = JsonDocument.Parse(dry.Output).RootElement;
        Assert.Equal(1102, counts.GetProperty("cancelled").GetInt64());
        using var ledger = new LedgerView(_service.Base);
        Assert.Equal(1102, ledger.JobsIn(0));

        Assert.Contains("1,102 recorded as done; 1,102 taken off the queue.", Adopt("done").Output,
            StringComparison.Ordinal);
        Assert.Equal(0, Verb("resume", "raw").ExitCode);
        new Arena(_service).Runs("new $S/new.raw; rsync -a $S/ $D/", "new.raw");
        Assert.Single(_service.Started());
        Assert.Equal(1102, ledger.JobsIn(4));
        _service.Stop();
    }

    [Fact]
    public void What_was_left_alone_runs_by_adopting_it_as_pending_but_what_ran_does_not_run_again()
    {
        Archive();
        _service.Configure(Rule(further: """, "ExistingFiles": "Ignore" """));
        _service.Start();
        var arena = new Arena(_service);
        arena.Runs("new $S/new.raw; rsync -a $S/ $D/", "new.raw");
        arena.Holds("new $S/old.raw 10 @0; rsync -a $S/ $D/", "old.raw", "mtime 0");
        arena.Script($$"""
            exec 3>>$D/open.raw; echo x >&3
            cd $B; dotnet {{ServiceUnderTest.Program}} adopt --config {{_service.ConfigurationFile}} --rule raw \
                --as pending >$B/said
            """);
        string said = File.ReadAllText(Path.Combine(arena.Base, "said"));
        Assert.Contains("1,106 files of rule raw: 1,102 have got a job each; 2 known already; 1 left alone, as they "
            + "are held ('autocrunch submit' runs them); 1 left to the service, as they may still be written.", said,
            StringComparison.Ordinal);
        _service.Quiesce();
        Assert.Equal(Old + 2 + 2, _service.Started().Count); // and open.raw, when its writer had gone
        Assert.Single(_service.Started(), record => record.Path.Name.ToString() == "new.raw");
        Assert.Contains("0 have got a job each", Adopt("pending").Output, StringComparison.Ordinal);
        _service.Stop();
    }

    [Fact]
    public void A_wrong_rule_or_kind_changes_nothing()
    {
        Archive();
        Assert.Equal(64, Verb("adopt", "--rule", "rwa", "--as", "done").ExitCode);
        Assert.Equal(64, Verb("adopt", "--rule", "raw", "--as", "undone").ExitCode);
        Assert.Equal(64, Verb("adopt", "--rule", "raw").ExitCode);
        Command.Run("rm", ["-rf", _service.Incoming()]);
        Command gone = Adopt("done");
        Assert.Equal(1, gone.ExitCode);
        Assert.Contains("could not be read: open '" + _service.Incoming(), gone.Output, StringComparison.Ordinal);
    }

    [RequiresFact(RequiresFactAttribute.Root, "chown", "stat")]
    public void A_ledger_that_root_makes_belongs_to_whom_its_directory_belongs_to()
    {
        Archive();
        string state = Directory.CreateDirectory(Path.Combine(_service.Base, "state")).FullName;
        Command.Run("chown", ["65534:65534", state]);
        Assert.Equal(0, Adopt("done").ExitCode);
        foreach (string file in Directory.EnumerateFiles(state))
            Assert.Equal("65534:65534\n", Command.Run("stat", ["-c", "%u:%g", file]).Output);
        Assert.Equal(["ledger.db", "lock"], Directory.EnumerateFiles(state).Select(Path.GetFileName).Order());
    }

    private static RuleText Rule(int most = 0, string further = "") => new()
    {
        Concurrency = 8,
        Further = $$"""{ "MaxExistingFiles": {{most}}{{further}} }""",
    };

    private void Archive()
    {
        Directory.CreateDirectory(Path.Combine(_service.Incoming(), "2019"));
        Command archive = Command.Run("bash", ["-ec", $"""
            cd {_service.Incoming()}/2019; for i in $(seq {Old}); do echo $i >$i.raw; done
            echo x >$'odd\xff\n.raw'; echo x >../top.raw; find .. -type f -exec touch -d @1600000000 -- '{"{}"}' +
            """]);
        Assert.True(archive.ExitCode == 0, archive.Text);
    }

    private Command Adopt(string how, params string[] further) =>
        Verb(["adopt", "--rule", "raw", "--as", how, .. further]);

    private Command Verb(params string[] arguments) => Command.AutoCrunch(_service.Base, arguments);
}
