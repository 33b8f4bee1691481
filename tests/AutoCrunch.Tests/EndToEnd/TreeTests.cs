using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>Whole trees at once: directories that are new, moved in, moved about.</summary>
public sealed class TreeTests(InPlaceService fixture) : IClassFixture<InPlaceService>
{
    private const string Nested = """
        for i in {0..39}; do for j in {0..4}; do
            mkdir -p $S/d$i/e$j
            for k in 0 1 2; do echo "content of $i $j $k" >$S/d$i/e$j/f$k.raw; done
        done; done
        """;

    private readonly Arena _arena = new(fixture.Service);

    [Fact]
    public void Pain_1_rsync_of_200_new_nested_directories_misses_no_file_and_runs_none_twice() =>
        All(Nested + "\nrsync -a $S/ $D/", 600);

    [Fact]
    public void Pain_1_cp_r_of_200_new_nested_directories_misses_no_file_and_runs_none_twice() =>
        All(Nested + "\ncp -r $S/. $D/", 600);

    [Fact]
    public void Pain_1_tar_x_of_200_new_nested_directories_misses_no_file_and_runs_none_twice() =>
        All(Nested + "\ntar cf a.tar -C $S .; tar xf a.tar -C $D", 600);

    [Fact]
    public void Pain_2_mv_of_a_populated_tree_misses_no_file_and_runs_none_twice() =>
        All(Nested + "\nmv $S $D/tree; mkdir $S", 600);

    [Fact]
    public void Mv_of_a_tree_from_another_file_system_misses_no_file_and_runs_none_twice() =>
        All(Nested + "\ncp -r $S $O/tree; mv $O/tree $D/", 600);

    [Fact]
    public void Files_dropped_right_behind_mkdir_are_not_missed() => All(
        "for i in {1..200}; do mkdir -p $D/p$i/q/r; echo $i >$D/p$i/q/r/f.raw; done", 200);

    [Fact]
    public void A_hundred_files_by_relative_paths_into_directories_that_rsync_makes() => All(
        "for i in {1..100}; do new $S/x$i/y/f.raw 100; done; cd $S; rsync -aR x*/y/f.raw $D/", 100);

    [Fact]
    public void A_directory_moved_about_in_the_tree_runs_nothing_again_and_is_still_watched()
    {
        _arena.RunsAll("for i in 1 2 3; do new $S/sub/deep/f$i.raw; done; rsync -a $S/ $D/", 3);
        _arena.Runs("mv $D/sub $D/elsewhere");
        _arena.Runs("new $S/sub/deep/f4.raw; rsync -a $S/sub/ $D/elsewhere/", "elsewhere/deep/f4.raw");
        _arena.Nothing();
    }

    [Fact]
    public void A_directory_moved_out_is_no_longer_watched_and_runs_only_what_changed_when_it_is_back()
    {
        _arena.RunsAll("for i in 1 2; do new $S/sub/f$i.raw; done; rsync -a $S/ $D/", 2);
        _arena.Runs("mv $D/sub $B/away; echo changed >>$B/away/f1.raw; touch -d 2021-01-01 $B/away/f1.raw");
        _arena.Runs("mv $B/away $D/sub", "sub/f1.raw");
        _arena.Nothing();
    }

    [Fact]
    public void A_directory_deleted_and_made_again_is_watched_again()
    {
        _arena.Runs("new $S/sub/f.raw; rsync -a $S/ $D/", "sub/f.raw");
        for (int i = 0; i < 5; i++)
            _arena.Runs("rm -r $D/sub; new $S/sub/f.raw; rsync -a $S/ $D/", "sub/f.raw");
        _arena.Nothing();
    }

    [Fact]
    public void A_file_deleted_and_sent_again_runs_again()
    {
        _arena.Runs("new $S/f.raw; rsync -a $S/ $D/", "f.raw");
        _arena.Runs("rm $D/f.raw; rsync -a $S/ $D/", "f.raw");
        _arena.Nothing();
    }

    [Fact]
    public void Pain_20_a_new_file_that_got_the_inode_of_a_deleted_one_is_a_new_file()
    {
        _arena.Runs("new $S/x.raw 100; cp -p $S/x.raw $D/x.raw", "x.raw");
        // ext4 and others give the number just freed to the next file.
        _arena.Runs("rm $D/x.raw; new $S/y.raw 100; cp -p $S/y.raw $D/y.raw", "y.raw");
        _arena.Nothing();
    }

    [Fact]
    public void Pain_30_what_is_not_a_readable_file_is_passed_over_and_the_rest_proceeds()
    {
        _arena.RunsAll("""
            mkfifo $D/fifo.raw; ln -s loop.raw $D/loop.raw; ln -s / $D/root.raw
            mkdir $D/closed; chmod 000 $D/closed
            for i in {1..20}; do new $S/f$i.raw; done
            rsync -a $S/ $D/
            """, 20);
        _arena.Nothing();
        _arena.Script("chmod 755 $D/closed");
    }

    private void All(string script, int count)
    {
        _arena.RunsAll(script, count);
        _arena.Nothing();
    }
}
