using AutoCrunch.Core;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>A service with one rule for each setting of Completion that is not the default.</summary>
public sealed class PolicyService : IDisposable
{
    public PolicyService()
    {
        Service = new ServiceUnderTest(
            new RuleText("zero") { Path = "zero", Completion = """{ "ZeroMtime": "Process" }""" },
            new RuleText("owner") { Path = "owner", Completion = """{ "OwnerOnly": "Process" }""" },
            new RuleText("rename") { Path = "rename", Completion = """{ "Arrivals": "Rename" }""",
                MarkerByRename = true },
            new RuleText("proven") { Path = "proven", Completion = """{ "InPlace": "Proven" }""",
                MarkerByRename = true },
            new RuleText("first") { Path = "first", Completion = """{ "Updates": "Ignore" }""" },
            new RuleText("loop")
            {
                Path = "loop", Completion = """{ "Updates": "Ignore" }""", Job = ["rewrite=processed"],
            },
            new RuleText("renames") { Path = "renames", Completion = """{ "Renames": "Process" }""" },
            new RuleText("flat") { Path = "flat", Further = """{ "Recursive": false }""" },
            new RuleText("middle") { Path = "middle", Include = ["case*/runs/*/out/*.fits", "marker-*"] },
            new RuleText("staging")
            {
                Path = "staging", Completion = """{ "IgnoredDirectories": ["incomplete", ".*"] }""",
            },
            new RuleText("dots") { Path = "dots", Completion = """{ "IgnoredDirectories": [] }""" });
        Service.Start();
    }

    internal ServiceUnderTest Service { get; }

    public void Dispose() => Service.Dispose();
}

/// <summary>Every setting of Completion that is not the default, and what it changes.</summary>
public sealed class PolicyTests(PolicyService fixture) : IClassFixture<PolicyService>
{
    [Fact]
    public void ZeroMtime_Process_runs_files_dated_1970()
    {
        Arena arena = In("zero");
        arena.Runs("new $S/f.raw 100 @0; rsync -a $S/ $D/", "f.raw");
        arena.Nothing();
    }

    [Fact]
    public void OwnerOnly_Process_runs_what_senders_with_umask_077_write_in_place()
    {
        Arena arena = In("owner");
        arena.Runs("umask 077; echo x >$D/f.raw", "f.raw");
        arena.Runs("new $S/g.raw; chmod 600 $S/g.raw; rsync -r --inplace $S/ $D/", "g.raw");
        arena.Nothing();
    }

    [Fact]
    public void Arrivals_Rename_takes_renames_and_links_only()
    {
        Arena arena = In("rename");
        arena.Runs("new $S/f.raw; cp $S/f.raw $D/; cp -p $S/f.raw $D/g.raw; rsync -a --inplace $S/f.raw $D/h.raw");
        arena.Runs("new $S/r.raw; rsync -a $S/r.raw $D/; ln $S/r.raw $D/l.raw", "r.raw", "l.raw");
        arena.Nothing();
    }

    [Fact]
    public void InPlace_Proven_holds_what_only_quiet_speaks_for()
    {
        Arena arena = In("proven");
        arena.Runs("new $S/f.raw; cp -p $S/f.raw $D/f.raw; rsync -a --inplace $S/f.raw $D/g.raw", "f.raw", "g.raw");
        arena.Script("cp $S/f.raw $D/h.raw");
        fixture.Service.UntilLogged("Held", "h.raw", "only the quiet period speaks for it");
        arena.Runs("rsync -a --inplace $S/f.raw $D/h.raw", "h.raw");
        arena.Nothing();
    }

    [Fact]
    public void Updates_Ignore_runs_only_names_never_seen_before()
    {
        Arena arena = In("first");
        arena.Runs("new $S/f.raw; rsync -a $S/ $D/", "f.raw");
        arena.Runs("new $S/f.raw 2000; rsync -a $S/ $D/; echo more >>$D/f.raw");
        arena.Runs("new $S/g.raw; rsync -a $S/ $D/", "g.raw");
        arena.Nothing();
    }

    [Fact]
    public void Pain_17_a_job_that_rewrites_its_input_does_not_start_itself_again_under_updates_ignore()
    {
        Arena arena = In("loop");
        arena.Script("new $S/f.raw; rsync -a $S/ $D/");
        arena.Expected(BytePath.Parse("f.raw"));
        arena.Nothing();
        arena.Nothing();
    }

    [Fact]
    public void Renames_Process_runs_a_file_again_under_its_new_name()
    {
        Arena arena = In("renames");
        arena.Runs("new $S/f.raw; rsync -a $S/ $D/", "f.raw");
        arena.Runs("mv $D/f.raw $D/g.raw", "g.raw");
        arena.Nothing();
    }

    [Fact]
    public void A_rule_that_is_not_recursive_leaves_what_lies_deeper()
    {
        Arena arena = In("flat");
        arena.Runs("new $S/f.raw; rsync -a $S/ $D/");
        arena.Script("rsync -a $S/f.raw $D/../top.raw");
        BytePath top = BytePath.Parse(Path.Combine(fixture.Service.Incoming("flat"), "top.raw"));
        fixture.Service.Until(() => fixture.Service.Started().Any(record => record.Path == top), () => "top.raw");
        arena.Nothing();
    }

    [Fact]
    public void Pain_33_a_pattern_with_a_wildcard_in_the_middle_takes_files_of_directories_made_later()
    {
        Arena arena = In("middle");
        arena.Runs("""
            new $S/runs/one/out/a.fits; new $S/runs/one/tmp/a.fits; new $S/runs/one/out/deep/a.fits; new $S/a.fits
            rsync -a $S/ $D/
            """, "runs/one/out/a.fits");
        arena.Runs("new $S/runs/two/out/b.fits; rsync -a $S/ $D/", "runs/two/out/b.fits");
        arena.Nothing();
    }

    [Fact]
    public void An_ignored_directory_of_the_rules_own_choice_is_not_entered_until_renamed()
    {
        Arena arena = In("staging");
        arena.Runs("mkdir -p $D/incomplete; cd $D/incomplete; new f.raw; new sub/g.raw");
        arena.Runs("mv $D/incomplete $D/run1", "run1/f.raw", "run1/sub/g.raw");
        arena.Nothing();
    }

    [Fact]
    public void Without_ignored_directories_dot_directories_are_entered()
    {
        Arena arena = In("dots");
        arena.Runs("new $S/.hidden/f.raw; rsync -a $S/ $D/", ".hidden/f.raw");
        arena.Nothing();
    }

    private Arena In(string rule) => new(fixture.Service, rule);
}
