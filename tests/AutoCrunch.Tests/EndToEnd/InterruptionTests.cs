using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>Transfers that are ended midway, by every hand that can, and sent again.</summary>
public sealed class InterruptionTests(InPlaceService fixture) : IClassFixture<InPlaceService>
{
    private const string New = "new $S/f.raw 4194304\n";
    private const string Temporary = "\"$D/.f.raw.??????\"";

    private readonly Arena _arena = new(fixture.Service);

    public static TheoryData<string, string> Ends => new()
    {
        { "sender", "TERM" }, { "sender", "KILL" }, { "receiver", "TERM" }, { "receiver", "KILL" },
        { "generator", "KILL" }, { "all", "INT" }, { "all", "KILL" },
    };

    [Theory]
    [MemberData(nameof(Ends))]
    public void A_default_transfer_runs_when_it_is_sent_again(string who, string signal)
    {
        _arena.Runs(New + $"interrupt {who} {signal} {Temporary} -a; test ! -e $D/f.raw");
        _arena.Runs("resume -a", "f.raw");
        _arena.Nothing();
    }

    [Theory]
    [InlineData("sender", "KILL")]
    [InlineData("receiver", "TERM")]
    [InlineData("all", "TERM")]
    public void A_partial_file_is_held_and_runs_when_resumed(string who, string signal)
    {
        _arena.Holds(New + $"interrupt {who} {signal} {Temporary} -a --partial; test -s $D/f.raw", "f.raw", "mtime 0");
        _arena.Runs("resume -a --partial; cmp $S/f.raw $D/f.raw", "f.raw");
        _arena.Nothing();
    }

    [Fact]
    public void Pain_12_rsync_aP_interrupted_is_held_and_runs_when_resumed()
    {
        _arena.Holds(New + $"interrupt all INT {Temporary} -aP", "f.raw", "interrupted rsync --partial");
        _arena.Runs("resume -aP; cmp $S/f.raw $D/f.raw", "f.raw");
        _arena.Nothing();
    }

    [Fact]
    public void A_partial_update_is_held_and_runs_when_resumed()
    {
        _arena.Runs("new $S/f.raw 1000; rsync -a $S/ $D/", "f.raw");
        _arena.Holds(New + $"interrupt sender KILL {Temporary} -a --partial", "f.raw", "mtime 0");
        _arena.Runs("resume -a --partial; cmp $S/f.raw $D/f.raw", "f.raw");
        _arena.Nothing();
    }

    [Theory]
    [InlineData("sender", "KILL")]
    [InlineData("receiver", "KILL")]
    [InlineData("generator", "TERM")]
    [InlineData("all", "KILL")]
    public void A_file_in_the_partial_directory_never_runs_and_its_resumption_does(string who, string signal)
    {
        const string Option = "-a --partial-dir=.rsync-partial";
        _arena.Runs(New + $"interrupt {who} {signal} {Temporary} {Option}; test ! -e $D/f.raw");
        _arena.Runs($"resume {Option}", "f.raw");
        _arena.Nothing();
    }

    [Fact]
    public void A_transfer_killed_twice_in_the_partial_directory_runs_when_finished()
    {
        const string Option = "-a --partial-dir=.rsync-partial";
        _arena.Runs($$"""
            {{New}}
            interrupt sender KILL {{Temporary}} {{Option}}
            interrupt sender KILL "$D/.rsync-partial/f.raw" {{Option}}
            test ! -e $D/f.raw
            """);
        _arena.Runs($"resume {Option}", "f.raw");
        _arena.Nothing();
    }

    [Theory]
    [InlineData("$B/parts")]
    [InlineData("$O")]
    public void A_transfer_interrupted_into_a_partial_directory_elsewhere_runs_when_resumed(string directory)
    {
        string option = $"-a --partial-dir={directory}";
        _arena.Runs(
            New + $"mkdir -p {directory}; interrupt sender KILL {Temporary} {option}; test -e {directory}/f.raw");
        _arena.Runs($"resume {option}; cmp $S/f.raw $D/f.raw", "f.raw");
        _arena.Nothing();
    }

    [Fact]
    public void The_environment_variable_for_the_partial_directory_is_as_good_as_the_option()
    {
        _arena.Runs(New + $"""
            export RSYNC_PARTIAL_DIR=.rsync-tmp
            interrupt sender KILL {Temporary} -aP
            test ! -e $D/f.raw -a -e $D/.rsync-tmp/f.raw
            """);
        _arena.Runs("export RSYNC_PARTIAL_DIR=.rsync-tmp; resume -aP", "f.raw");
        _arena.Nothing();
    }

    [Theory]
    [InlineData("sender", "TERM", "--inplace")]
    [InlineData("receiver", "KILL", "--inplace")]
    [InlineData("all", "INT", "--inplace")]
    [InlineData("sender", "KILL", "--append")]
    public void A_new_file_killed_in_place_is_held_and_runs_when_resumed(string who, string signal, string option)
    {
        _arena.Holds(New + $"interrupt {who} {signal} $D/f.raw -a {option}", "f.raw", "killed rsync --inplace");
        _arena.Runs($"resume -a {option}; cmp $S/f.raw $D/f.raw", "f.raw");
        _arena.Nothing();
    }

    [Fact]
    public void Pain_13_rsync_inplace_killed_half_way_is_held_and_runs_when_resumed()
    {
        _arena.Holds(New + "interrupt sender KILL $D/f.raw -a --inplace", "f.raw", "killed rsync --inplace");
        _arena.Runs("resume -a --inplace; cmp $S/f.raw $D/f.raw", "f.raw");
        _arena.Nothing();
    }

    [Theory]
    [InlineData("sender")]
    [InlineData("receiver")]
    public void Delayed_updates_that_are_interrupted_run_when_resumed(string who)
    {
        _arena.Runs($$"""
            new $S/a.raw 1000; {{New}}
            interrupt {{who}} KILL {{Temporary}} -a --delay-updates
            test ! -e $D/a.raw -a ! -e $D/f.raw
            """);
        _arena.Runs("resume -a --delay-updates", "a.raw", "f.raw");
        _arena.Nothing();
    }

    [Fact]
    public void A_partial_file_copied_from_a_temporary_directory_elsewhere_is_held()
    {
        _arena.Holds(
            New + "interrupt sender KILL \"$O/f.raw.??????\" -a --partial --temp-dir=$O", "f.raw", "mtime 0");
        _arena.Runs("resume -a --partial --temp-dir=$O; cmp $S/f.raw $D/f.raw", "f.raw");
        _arena.Nothing();
    }

    [Fact]
    public void A_copy_from_another_file_system_that_is_killed_is_held_and_runs_when_resumed()
    {
        _arena.Runs("new $S/f.raw 77 2019-01-01; rsync -a $S/ $D/", "f.raw");
        // Ends the receiver when the second, local copy has begun, which it does in one go: 400 MB leave time enough.
        _arena.Holds("""
            head -c 419430400 /dev/zero >$S/f.raw
            rsync -a --temp-dir=$O $S/ $D/ & transfer=$!
            until size=$(stat -c %s $D/f.raw 2>/dev/null) && [ $size -gt 1000000 ]; do :; done
            "$TOOL" end-rsync all 9 $transfer
            wait $transfer || true
            test $(stat -c %s $D/f.raw) -lt 419430400
            """, "f.raw", "killed rsync --inplace");
        _arena.Runs("rm -f $O/*; truncate -s 100000 $S/f.raw; rsync -a --temp-dir=$O $S/ $D/", "f.raw");
        _arena.Nothing();
    }

    [Theory]
    [InlineData("-a", null)]
    [InlineData("-a --partial", "mtime 0")]
    [InlineData("-a --inplace", "killed rsync --inplace")]
    [InlineData("-a --partial-dir=.rp", null)]
    public void A_transfer_that_cannot_write_on_runs_when_it_is_sent_again(string option, string? hold)
    {
        // A file size limit stands in for a full disk.
        string script = $"new $S/f.raw 3000000; (trap '' XFSZ; ulimit -f 1000; fails rsync {option} $S/ $D/)";
        if (hold is null)
            _arena.Runs(script);
        else
            _arena.Holds(script, "f.raw", hold);
        _arena.Runs($"rsync {option} $S/ $D/; cmp $S/f.raw $D/f.raw", "f.raw");
        _arena.Nothing();
    }
}
