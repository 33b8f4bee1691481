using AutoCrunch.Core;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>Sources that change, destinations that move, transfers that meet.</summary>
public sealed class ConcurrencyTests(RenameService fixture) : IClassFixture<RenameService>
{
    private readonly Arena _arena = new(fixture.Service);

    [Fact]
    public void Two_rsyncs_to_one_name_end_with_the_job_of_the_last_one()
    {
        _arena.Script("""
            new $S/f.raw 4194304; new $B/src2/f.raw 4194304 2021-01-01
            slow -a $S/ h:$D/; first=$slow
            midway "$D/.f.raw.??????"
            slow -a $B/src2/ h:$D/
            wait $first; wait $slow
            """);
        fixture.Service.Quiesce();
        IReadOnlyList<JobRecord> started = _arena.Started();
        Assert.InRange(started.Count, 1, 2);

        // Each version has its job; the first may read the second one's content, if that came between the last look and
        // the program's first.
        Assert.Equal(started.Count, started.Select(record => record.JobId).Distinct().Count());
        Assert.Equal(_arena.Files()[BytePath.Parse("f.raw")], (started[^1].SizeBytes, started[^1].Hash));
    }

    [Fact]
    public void The_same_name_in_two_directories_at_once_is_two_files()
    {
        _arena.Runs("""
            new $S/one/f.raw 2097152; new $S/two/f.raw 2097152
            mkdir $D/one $D/two
            slow -a $S/one/ h:$D/one/; first=$slow
            slow -a $S/two/ h:$D/two/
            wait $first; wait $slow
            """, "one/f.raw", "two/f.raw");
        _arena.Nothing();
    }

    [Fact]
    public void A_directory_renamed_in_the_middle_of_a_transfer_runs_its_file_under_the_new_name()
    {
        // rsync before 3.4.3 works with paths, not with a handle of the directory: it fails, and nothing may run.
        _arena.Script("""
            new $S/sub/f.raw 4194304
            slow -a $S/ h:$D/
            midway "$D/sub/.f.raw.??????"
            mv $D/sub $D/moved
            wait $slow || true
            """);
        BytePath[] arrived = [.. _arena.Files().Keys.Where(file => file.Name == BytePath.Parse("f.raw"))];
        _arena.ExpectOneMore(arrived);
        _arena.Nothing();
    }

    [Fact]
    public void A_directory_removed_in_the_middle_of_a_transfer_runs_nothing_and_arrives_later()
    {
        _arena.Runs("""
            new $S/sub/f.raw 4194304
            slow -a $S/ h:$D/
            midway "$D/sub/.f.raw.??????"
            rm -r $D/sub
            wait $slow || true
            rm -rf $D/sub
            """);
        _arena.Runs("rsync -a $S/ $D/", "sub/f.raw");
        _arena.Nothing();
    }

    [Fact]
    public void A_source_rewritten_during_the_transfer_runs_what_arrived()
    {
        _arena.Runs("""
            new $S/f.raw 4194304
            slow -a $S/ h:$D/
            midway "$D/.f.raw.??????"
            printf QQQQ | dd of=$S/f.raw bs=1 conv=notrunc 2>/dev/null
            printf QQQQ | dd of=$S/f.raw bs=1 seek=4194000 conv=notrunc 2>/dev/null
            wait $slow
            """, "f.raw");
        _arena.Nothing();
    }

    [Fact]
    public void A_source_that_shrinks_during_the_transfer_runs_what_arrived()
    {
        _arena.Runs("""
            new $S/f.raw 4194304
            slow -a $S/ h:$D/
            midway "$D/.f.raw.??????"
            truncate -s 2097152 $S/f.raw
            wait $slow || true
            """, "f.raw");
        _arena.Nothing();
    }

    [Fact]
    public void A_source_that_grows_during_the_transfer_runs_what_arrived()
    {
        _arena.Runs("""
            new $S/f.raw 4194304
            slow -a $S/ h:$D/
            midway "$D/.f.raw.??????"
            head -c 5000 /dev/urandom >>$S/f.raw
            wait $slow
            """, "f.raw");
        _arena.Nothing();
    }

    [Theory]
    [InlineData("-a")]
    [InlineData("-ab")]
    [InlineData("-a --partial-dir=.rsync-partial")]
    [InlineData("-a --delay-updates")]
    public void A_failed_verification_runs_the_repeated_transfer_only(string option)
    {
        _arena.Runs("new $S/f.raw 4194304 2019-01-01; rsync -a $S/ $D/", "f.raw");
        _arena.Script($$"""
            new $S/f.raw.new 2097152; tail -c 2097152 $S/f.raw >>$S/f.raw.new; mv $S/f.raw.new $S/f.raw
            touch -d 2020-01-01 $S/f.raw
            slow {{option}} --no-W $S/ h:$D/
            midway "$D/.f.raw.??????"
            printf ZZZZ | dd of=$D/f.raw bs=1 seek=4190000 conv=notrunc 2>/dev/null
            wait $slow; cmp $S/f.raw $D/f.raw
            """);
        // The third party's own write is a version too, and runs if it is quiet before the transfer replaces it.
        fixture.Service.Quiesce();
        JobRecord[] started = [.. _arena.Started().Where(record => record.Path.Name == BytePath.Parse("f.raw")).Skip(
            1)];
        Assert.InRange(started.Length, 1, 2);
        Assert.Equal(_arena.Files()[BytePath.Parse("f.raw")], (started[^1].SizeBytes, started[^1].Hash));
        Assert.DoesNotContain(_arena.Started(), record => record.Path.Name != BytePath.Parse("f.raw"));
    }

    [Fact]
    public void A_failed_verification_of_a_partial_file_ends_with_the_job_of_the_right_content()
    {
        // The wrong content is renamed to the final name first, with the time of writing: no tracker can know.
        _arena.Runs("new $S/f.raw 4194304 2019-01-01; rsync -a $S/ $D/", "f.raw");
        _arena.Script("""
            new $S/f.raw.new 2097152; tail -c 2097152 $S/f.raw >>$S/f.raw.new; mv $S/f.raw.new $S/f.raw
            touch -d 2020-01-01 $S/f.raw
            slow -a --partial --no-W $S/ h:$D/
            midway "$D/.f.raw.??????"
            printf ZZZZ | dd of=$D/f.raw bs=1 seek=4190000 conv=notrunc 2>/dev/null
            wait $slow; cmp $S/f.raw $D/f.raw
            """);
        fixture.Service.Quiesce();
        JobRecord last = _arena.Started()[^1];
        Assert.Equal(_arena.Files()[BytePath.Parse("f.raw")], (last.SizeBytes, last.Hash));
        fixture.Service.Records.AssertNoOverlap();
    }

    [Fact]
    public void A_new_transfer_while_the_job_runs_waits_for_it_and_runs_the_new_version()
    {
        using var service = new ServiceUnderTest();
        string release = Path.Combine(service.Base, "release");
        service.Configure(new RuleText { Job = [$"wait-for={release}"] });
        service.Start();
        var arena = new Arena(service);
        arena.Script("new $S/f.raw 1000; rsync -a $S/ $D/");
        service.Until(() => arena.Started().Count == 1, () => "the first job");
        arena.Script("new $S/f.raw 1500; rsync -a $S/ $D/; new $S/f.raw 1600; rsync -a $S/ $D/");
        File.WriteAllText(release, "");
        service.Quiesce();
        Assert.Equal([1000, 1600], arena.Started().Select(record => record.SizeBytes));
        service.Records.AssertNoOverlap();
        service.Stop();
    }
}
