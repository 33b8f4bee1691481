using AutoCrunch.Core;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>Rules beside and inside each other, and the roots they watch.</summary>
public sealed class RuleTests
{
    [Fact]
    public void Overlapping_rules_have_their_own_jobs_for_each_file_they_take()
    {
        using var service = new ServiceUnderTest(
            new RuleText("all"),
            new RuleText("again"),
            new RuleText("inner") { Path = "incoming/sub", Include = ["*.dat"] });
        Directory.CreateDirectory(service.Incoming("inner"));
        service.Start();
        var arena = new Arena(service);
        arena.Script("new $S/x.raw; new $S/x.dat; rsync -a $S/ $D/; rsync -a $S/ $D/../sub/");
        service.Until(() => service.Started().Count >= 9, () => "9 jobs");
        service.Quiesce("all");
        service.Quiesce("again");
        Assert.Equal(
            ["again: 4", "all: 4", "inner: 1"],
            service.Started().CountBy(record => record.Rule).Select(rule => $"{rule.Key}: {rule.Value}").Order());
        Assert.Equal(9, service.Started().Select(record => (record.Rule, record.Path)).Distinct().Count());
        service.Stop();
    }

    [Fact]
    public void Pain_25_a_run_folder_is_processed_when_its_sentinel_has_arrived()
    {
        using var service = new ServiceUnderTest(
            new RuleText("runs") { Include = ["**/CopyComplete.txt"], Subject = "{directory}" },
            new RuleText("marker") { Include = ["marker-*"] });
        service.Start();
        var arena = new Arena(service);
        arena.Script("""
            for i in {1..20}; do new $S/run1/data/$i.fastq; done
            rsync -a $S/ $D/
            """);
        service.Quiesce("marker");
        Assert.Empty(service.Started());
        arena.Script("touch $S/run1/CopyComplete.txt; rsync -a $S/ $D/");
        service.Until(() => service.Started().Count > 0, () => "the run's job");
        service.Quiesce("marker");
        Assert.Equal(BytePath.Parse(arena.Destination + "/run1"), Assert.Single(service.Started()).Path);
        service.Stop();
    }

    [Fact]
    public void ExistingFiles_Ignore_leaves_what_was_there_at_the_very_first_start()
    {
        using var service = new ServiceUnderTest(new RuleText { Further = """{ "ExistingFiles": "Ignore" }""" });
        Directory.CreateDirectory(service.Incoming());
        var arena = new Arena(service);
        arena.Script("new $S/old.raw; rsync -a $S/ $D/");
        service.Start();
        arena.Nothing();
        arena.Runs("new $S/new.raw; rsync -a $S/ $D/", "new.raw");
        service.Stop();
        arena.Script("new $S/down.raw; rsync -a $S/ $D/");
        service.Start();
        arena.ExpectOneMore([BytePath.Parse("down.raw")]);
        arena.Runs("new $S/old.raw 2000; rsync -a $S/ $D/", "old.raw");
        arena.Nothing();
        service.Stop();
    }

    [Fact]
    public void Pain_31_a_root_and_a_configuration_file_that_are_symlinks_work()
    {
        using var service = new ServiceUnderTest();
        string real = Directory.CreateDirectory(Path.Combine(service.Base, "disk", "real")).FullName;
        Directory.CreateSymbolicLink(service.Incoming(), real);
        File.Move(service.ConfigurationFile, Path.Combine(service.Base, "appsettings.real.json"));
        File.CreateSymbolicLink(service.ConfigurationFile, Path.Combine(service.Base, "appsettings.real.json"));
        service.Start();
        var arena = new Arena(service);
        arena.Runs("new $S/sub/f.raw; rsync -a $S/ $D/", "sub/f.raw");
        arena.Nothing();
        service.Stop();
    }

    [Fact]
    public void Pain_28_a_missing_root_is_made_once_and_a_lost_one_is_watched_again_when_it_is_back()
    {
        using var service = new ServiceUnderTest();
        service.Start();
        Assert.True(Directory.Exists(service.Incoming()));
        var arena = new Arena(service);
        arena.Runs("new $S/f.raw; rsync -a $S/ $D/", "f.raw");
        arena.Script("mv $(dirname $D) $B/lost");
        service.UntilLogged("is lost", "incoming");
        arena.Script("new $S/g.raw; mkdir -p $D; rsync -a $S/g.raw $D/");
        arena.ExpectOneMore([BytePath.Parse("g.raw")]);
        arena.Nothing();
        service.Stop();
    }

    [Fact]
    public void Files_are_processed_in_the_order_in_which_they_finished_arriving()
    {
        using var service = new ServiceUnderTest(new RuleText { Concurrency = 1 });
        service.Start();
        var arena = new Arena(service);
        // Once the new directory is watched and scanned, nothing but the order of events decides.
        arena.Nothing();
        arena.RunsAll("for i in {10..59}; do echo $i >$B/x; mv $B/x $D/f$((RANDOM))-$i.raw; done", 50);
        arena.Nothing();
        string[] order = [.. arena.Started().Select(record => record.Path.Name.ToString()[^6..^4])];
        Assert.Equal(order.Order(), order);
        service.Stop();
    }
}
