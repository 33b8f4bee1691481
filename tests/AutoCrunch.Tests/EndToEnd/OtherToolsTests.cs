using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>Files that arrive by other programs of the machine than rsync.</summary>
public sealed class OtherToolsTests(InPlaceService fixture) : IClassFixture<InPlaceService>
{
    private static readonly Dictionary<string, Step[]> s_cases = new()
    {
        ["cp"] =
        [
            new("new $S/f.raw 300000; cp $S/f.raw $D/", "f.raw"),
            new("new $S/f.raw 200000; cp $S/f.raw $D/", "f.raw"),
        ],
        ["cp -p"] =
        [
            new("new $S/f.raw 3000; cp -p $S/f.raw $D/", "f.raw"),
            new("new $S/f.raw 2000; cp -p $S/f.raw $D/", "f.raw"),
        ],
        ["cp -a --reflink=auto"] = [new("new $S/f.raw; cp -a --reflink=auto $S/f.raw $D/", "f.raw")],
        ["cp --remove-destination"] =
        [
            new("new $S/f.raw 3000; cp $S/f.raw $D/", "f.raw"),
            new("new $S/f.raw 2000; cp --remove-destination $S/f.raw $D/", "f.raw"),
        ],
        ["cp of an empty file"] = [new(": >$S/z.raw; cp $S/z.raw $D/", "z.raw")],
        ["mv"] =
        [
            new("new $S/f.raw 3000; mv $S/f.raw $D/", "f.raw"),
            new("new $S/f.raw 2000; mv $S/f.raw $D/", "f.raw"),
        ],
        ["mv in the tree: a rename is no arrival"] =
        [
            new("new $S/f.raw; mv $S/f.raw $D/", "f.raw"), new("mv $D/f.raw $D/g.raw"),
            new("mkdir $D/sub; mv $D/g.raw $D/sub/h.raw"),
        ],
        ["mv from another file system"] =
        [
            new("new $O/f.raw 300000; mv $O/f.raw $D/", "f.raw"),
            new("new $O/f.raw 200000; mv $O/f.raw $D/", "f.raw"),
        ],
        ["mv out and in again"] =
        [
            new("new $S/f.raw; mv $S/f.raw $D/", "f.raw"), new("mv $D/f.raw $B/"), new("mv $B/f.raw $D/"),
        ],
        ["ln"] = [new("new $S/f.raw; ln $S/f.raw $D/", "f.raw")],
        ["ln -s"] = [new("new $S/f.raw; ln -s $S/f.raw $D/")],
        ["echo"] =
        [
            new("echo x >$D/f.raw", "f.raw"), new("echo yy >$D/f.raw", "f.raw"), new("echo z >>$D/f.raw", "f.raw"),
        ],
        ["touch, new"] = [new("touch $D/f.raw", "f.raw"), new("touch $D/f.raw")],
        ["touch, chmod, cat of an existing file"] =
        [
            new("echo x >$D/f.raw", "f.raw"), new("touch $D/f.raw; chmod 640 $D/f.raw; cat $D/f.raw"),
            new("touch -d 2001-01-01 $D/f.raw"), new(": >>$D/f.raw"),
        ],
        ["dd"] =
        [
            new("dd if=/dev/urandom of=$D/f.raw bs=64k count=3 2>/dev/null", "f.raw"),
            new("dd if=/dev/urandom of=$D/f.raw bs=64k count=1 conv=notrunc 2>/dev/null", "f.raw"),
        ],
        ["truncate, fallocate"] =
        [
            new("truncate -s 5000 $D/f.raw", "f.raw"), new("truncate -s 500 $D/f.raw", "f.raw"),
            new("fallocate -l 7000 $D/f.raw", "f.raw"),
        ],
        ["tee"] = [new("echo x | tee $D/f.raw >/dev/null", "f.raw")],
        ["install"] =
        [
            new("new $S/f.raw; install -m 640 $S/f.raw $D/", "f.raw"),
            new("new $S/f.raw 1500; install -m 640 $S/f.raw $D/", "f.raw"),
        ],
        ["sed -i"] = [new("echo abc >$D/f.raw", "f.raw"), new("sed -i s/b/xx/ $D/f.raw", "f.raw")],
        ["gunzip"] = [new("new $S/f.raw; gzip $S/f.raw; cp $S/f.raw.gz $D/; gunzip $D/f.raw.gz", "f.raw")],
        ["tar x"] =
        [
            new("new $S/f.raw 30000; new $S/d/g.raw 300; tar cf a.tar -C $S .; tar xf a.tar -C $D", "f.raw", "d/g.raw"),
            new("new $S/f.raw 20000; tar cf a.tar -C $S f.raw; tar xf a.tar -C $D", "f.raw"),
        ],
        ["two writers, one closes first"] =
            [new("(exec 3>>$D/f.raw; (exec 4>>$D/f.raw; echo a >&4); sleep 1.5; echo b >&3)", "f.raw")],
        ["write to a name of one's own, then rename"] =
        [
            new("echo x >$D/f.raw.new; mv $D/f.raw.new $D/f.raw", "f.raw"),
            new("echo yy >$D/f.raw.new; mv $D/f.raw.new $D/f.raw", "f.raw"),
        ],
        ["a part name of another tool, slow, then rename"] =
            [new("(echo x; sleep 1.5; echo y) >$D/f.raw.filepart; sleep 1.5; mv $D/f.raw.filepart $D/f.raw", "f.raw")],
        ["a part name, then link and unlink"] =
            [new("echo x >$D/f.raw.filepart; ln $D/f.raw.filepart $D/f.raw; rm $D/f.raw.filepart", "f.raw")],
        ["O_TMPFILE and linkat"] = [new("$TOOL link-unnamed $D/f.raw", "f.raw")],
        ["a store through a mapping"] = [new("new $D/f.raw 8192", "f.raw"), new(":"), new("$TOOL store $D/f.raw",
            "f.raw")],
        ["opened to be written, never written"] =
            [new("$TOOL open-close $D/f.raw", "f.raw"), new("$TOOL open-close $D/f.raw")],
    };

    public static TheoryData<string> Names => [.. s_cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Arrives_once_and_complete(string name) => fixture.Run(s_cases[name]);

    [Fact]
    public void Two_files_exchanged_run_at_most_once_more_with_what_they_hold_now()
    {
        // Two renames at one time: the second one takes away a name that the first one has just given.
        var arena = new Arena(fixture.Service);
        arena.Runs("echo 1 >$D/f.raw; echo 22 >$D/g.raw", "f.raw", "g.raw");
        arena.Script("$TOOL exchange $D/f.raw $D/g.raw");
        fixture.Service.Quiesce();
        JobRecord[] again = [.. arena.Started().Skip(2)];
        Assert.Distinct(again.Select(record => record.Path));
        Assert.All(again, record => Assert.Equal(
            arena.Files()[record.Path.Name], (record.SizeBytes, record.Hash)));
    }

    [ProgramFact("unzip", "zip")]
    public void Unzip_runs_every_file_once() => fixture.Run(
        new Step("""
            new $S/f.raw 30000; new $S/d/g.raw 300; (cd $S; zip -qr $B/a.zip .); unzip -qo a.zip -d $D
            """, "f.raw", "d/g.raw"),
        new Step("new $S/f.raw 20000; (cd $S; zip -q $B/b.zip f.raw); unzip -qo b.zip -d $D", "f.raw"));

    [ProgramFact("git")]
    public void Git_checkout_runs_the_file_once() => fixture.Run(
        new Step("""
            git init -q repository; cd repository
            git config user.email a@b; git config user.name a
            echo 1 >f.raw; git add .; git commit -qm 1; echo 22 >f.raw; git commit -qam 2
            git --work-tree=$D checkout -q -- f.raw || git --work-tree=$D checkout -q -f
            """, "f.raw"),
        new Step("cd repository; git --work-tree=$D checkout -q HEAD~1 -- f.raw", "f.raw"));

    [ProgramFact("vim")]
    public void Vim_runs_the_file_once_for_each_write() => fixture.Run(
        new Step("TERM=dumb vim -u NONE -es -c 'normal ihello' -c wq $D/f.raw", "f.raw"),
        new Step("TERM=dumb vim -u NONE -es -c 'normal ihello' -c wq $D/f.raw", "f.raw"));
}
