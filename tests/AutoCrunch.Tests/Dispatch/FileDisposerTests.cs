using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Linux;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Tests.Dispatch;

/// <summary>
/// Files whose jobs have ended, on two file systems. The service may end at each step: what is done next is to come to
/// the same end, with nothing lost and nothing replaced.
/// </summary>
public sealed class FileDisposerTests : IDisposable
{
    private const string Name = @"run \xFF\x0A1.raw";

    private readonly TempDirectory _directory = new();
    private readonly TempDirectory _other = new("/dev/shm");
    private readonly Ledger _ledger = new();
    private FileDisposer _disposer;

    public FileDisposerTests()
    {
        _directory.MakeDirectory("in");
        _disposer = New();
        Assert.NotEqual(_directory.Stat("in").Device, Device(_other.Path));
    }

    public void Dispose()
    {
        _directory.Dispose();
        _other.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_file_is_moved_with_all_it_is_and_directories_are_made(bool toOther)
    {
        _directory.Write("in/" + Name, "content");
        Tool.Run(
            "sh", "-c", "chmod 0640 \"$0\"/*; touch -d '2001-02-03 04:05:06.123456789' \"$0\"/*",
            _directory["in"].ToString());
        FileStat before = _directory.Stat("in/" + Name);
        Disposal move = Move(toOther ? _other["a/b/" + Name] : _directory["a/b/" + Name]);

        Done(move);

        Assert.Equal("content", (toOther ? _other : _directory).ReadText("a/b/" + Name));
        FileStat after = Stat(move.Destination!.Value);
        Assert.Equal((before.MtimeNs, before.Mode, before.SizeBytes), (after.MtimeNs, after.Mode, after.SizeBytes));
        AssertOnly(move.Destination.Value);
        Done(move with { CopyInode = _ledger.CopyInode }); // again, as after a crash before that was recorded
        AssertOnly(move.Destination.Value);
    }

    [Fact]
    public void A_processed_file_is_deleted()
    {
        _directory.Write("in/" + Name);
        Disposal delete = Delete();
        Done(delete);
        AssertOnly();
        Done(delete with { IsBegun = true }); // again, as after a crash before that was recorded
    }

    [Theory]
    [InlineData("move")]
    [InlineData("copy")]
    [InlineData("delete")]
    public void A_file_that_has_changed_since_is_left(string how)
    {
        _directory.Write("in/" + Name);
        Disposal disposal = How(how);
        _directory.Write("in/" + Name, "another version");
        Left(disposal, "has changed since");
        Assert.Equal("another version", _directory.ReadText("in/" + Name));
        AssertOnly(_directory["in/" + Name]);
    }

    [Theory]
    [InlineData("move")]
    [InlineData("copy")]
    [InlineData("delete")]
    public void A_file_that_is_gone_is_no_trouble(string how)
    {
        _directory.Write("in/" + Name);
        Disposal disposal = How(how);
        _directory.Unlink("in/" + Name);
        Left(disposal, "not there any more"); // it may have been renamed
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Nothing_is_ever_replaced(bool toOther)
    {
        _directory.Write("in/" + Name, "same size");
        (toOther ? _other : _directory).Write("done.raw", "same SIZE");
        Disposal move = Move((toOther ? _other : _directory)["done.raw"]);

        Left(move, "exists already");

        Assert.Equal("same size", _directory.ReadText("in/" + Name));
        Assert.Equal("same SIZE", (toOther ? _other : _directory).ReadText("done.raw"));
        AssertOnly(_directory["in/" + Name], move.Destination!.Value);
    }

    [Fact]
    public void A_destination_that_is_the_file_itself_by_another_path_keeps_it()
    {
        _directory.Write("in/" + Name);
        Tool.Run("ln", "-s", "in", _directory["link"].ToString());
        Disposal move = Move(_directory["link/" + Name]);
        Left(move, "is the file itself");
        Assert.True(_directory.Exists("in/" + Name));
        Assert.Equal(0, PathOps.TryLink(_directory["in/" + Name], _directory["second"]));
        Left(move, "is the file itself");
        Assert.True(_directory.Exists("in/" + Name));
    }

    [Fact]
    public void A_crash_after_the_copy_had_its_name_is_finished()
    {
        _directory.Write("in/" + Name, "content");
        Disposal move = Move(_other["done.raw"]);
        _ledger.OnCopied = () =>
        {
            FileStat copy = Stat(_disposer.TemporaryName(_other["done.raw"], move));
            Assert.Equal(0, PathOps.TryRename(
                _disposer.TemporaryName(_other["done.raw"], move), _other["done.raw"]));
            move = move with { CopyInode = copy.Inode };
            throw new OperationCanceledException();
        };
        Assert.Throws<OperationCanceledException>(() => _disposer.Perform(move, CancellationToken.None));
        _ledger.OnCopied = null;
        AssertOnly(_directory["in/" + Name], _other["done.raw"]);

        Done(move);

        AssertOnly(_other["done.raw"]);
    }

    [Fact]
    public void A_file_whose_job_is_to_run_again_stays_though_it_was_copied()
    {
        _directory.Write("in/" + Name, "content");
        _ledger.IsIntended = false;
        Left(Move(_other["done.raw"]), "to run again");
        AssertOnly(_directory["in/" + Name]);
    }

    [Fact]
    public void A_crash_while_it_was_copied_begins_again()
    {
        _directory.Write("in/" + Name, "content");
        Disposal move = Move(_other["done.raw"]);
        _other.Write(_disposer.TemporaryName(_other["done.raw"], move).Name.ToString(), "cont");

        Done(move);

        Assert.Equal("content", _other.ReadText("done.raw"));
        AssertOnly(_other["done.raw"]);
    }

    [Fact]
    public void A_copy_of_which_only_another_file_of_its_name_is_left_is_not_taken_for_it()
    {
        _directory.Write("in/" + Name, "content");
        Disposal move = Move(_other["done.raw"]) with { CopyInode = 12345 };
        _other.Write("done.raw", "CONTENT");
        Left(move, "exists already");
        Assert.Equal("content", _directory.ReadText("in/" + Name));
    }

    [Theory]
    [InlineData("copy")]
    [InlineData("delete")]
    public void What_a_crash_left_aside_is_deleted_if_it_was_processed(string how)
    {
        _directory.Write("in/" + Name, "content");
        Disposal disposal = How(how);
        BytePath aside = _disposer.TemporaryName(disposal.Source, disposal);
        Assert.Equal(0, PathOps.TryRename(disposal.Source, aside));
        _directory.Write("in/" + Name, "a new arrival");

        Done(disposal);

        AssertOnly(_directory["in/" + Name]);
        Assert.Equal("a new arrival", _directory.ReadText("in/" + Name));
    }

    [Fact]
    public void What_was_taken_aside_by_mistake_is_put_back()
    {
        _directory.Write("in/" + Name, "content");
        Disposal delete = Delete();
        _directory.Unlink("in/" + Name);
        _directory.Write("in/" + Name, "a newer version");
        Assert.Equal(0, PathOps.TryRename(delete.Source, _disposer.TemporaryName(delete.Source, delete)));

        Left(delete, "has changed since");

        AssertOnly(_directory["in/" + Name]);
        Assert.Equal("a newer version", _directory.ReadText("in/" + Name));
    }

    [Fact]
    public void A_file_that_is_being_written_waits()
    {
        _directory.Write("in/" + Name, "content");
        Disposal delete = Delete();
        using (SafeFileHandle writer = _directory.Open("in/" + Name, OpenMode.Append))
            Assert.IsType<DisposalResult.Later>(_disposer.Perform(delete, CancellationToken.None));
        Assert.True(_directory.Exists("in/" + Name));
        Done(delete);
    }

    [Fact]
    public void A_newer_version_that_was_taken_aside_is_kept_also_if_its_name_is_taken_again()
    {
        _directory.Write("in/" + Name, "content");
        Disposal delete = Delete();
        BytePath aside = _disposer.TemporaryName(delete.Source, delete);
        _directory.Unlink("in/" + Name);
        _directory.Write("in/" + aside.Name, "a newer version");
        _directory.Write("in/" + Name, "the newest version");

        Left(delete, $"'{aside}'");

        AssertOnly(aside, delete.Source);
        Assert.Equal("a newer version", _directory.ReadText("in/" + aside.Name));
        Assert.Equal("the newest version", _directory.ReadText("in/" + Name));
    }

    [Fact]
    public void What_was_opened_for_writing_before_it_was_taken_aside_is_put_back_and_waits()
    {
        _directory.Write("in/" + Name, "content");
        Disposal delete = Delete();
        using (SafeFileHandle writer = _directory.Open("in/" + Name, OpenMode.Append))
        {
            Assert.Equal(0, PathOps.TryRename(delete.Source, _disposer.TemporaryName(delete.Source, delete)));
            Assert.IsType<DisposalResult.Later>(_disposer.Perform(delete, CancellationToken.None));
            AssertOnly(delete.Source);
        }

        Done(delete);
        AssertOnly();
    }

    [RequiresFact(RequiresFactAttribute.Root, "mount")]
    public void What_is_on_a_file_system_that_is_not_mounted_is_not_gone()
    {
        _directory.MakeDirectory("in/disk");
        string disk = _directory["in/disk"].ToString();
        Tool.Run("mount", "-t", "tmpfs", "none", disk);
        try
        {
            _directory.Write("in/disk/f.raw", "content");
            FileStat stat = _directory.Stat("in/disk/f.raw");
            _directory.Write("in/" + Name);
            Disposal delete = Delete() with
            {
                Source = _directory["in/disk/f.raw"], Version = stat.Version, Device = stat.Device,
            };
            Tool.Run("umount", disk);
            Later(delete);
            Later(delete with { Kind = DisposalKind.Move, Destination = _directory["done.raw"] });
            _directory.Write("done.raw", "content");
            Later(delete with
            {
                Kind = DisposalKind.Move, Destination = _directory["done.raw"],
                Version = stat.Version with { MtimeNs = _directory.Stat("done.raw").MtimeNs },
                CopyInode = _directory.Stat("done.raw").Inode,
            });
            Left(delete with { Device = _directory.Stat("in").Device }, "not there any more");
        }
        finally
        {
            Tool.TryRun("umount", disk);
        }

        void Later(Disposal disposal) => Assert.Contains("not mounted", Assert.IsType<DisposalResult.Later>(
            _disposer.Perform(disposal, CancellationToken.None)).Reason);
    }

    [Fact]
    public void What_has_no_place_to_go_waits_and_leaves_nothing_behind()
    {
        _directory.Write("in/" + Name, "content");
        _other.Write("no directory");
        Disposal move = Move(_other["no directory/done.raw"]);
        Assert.Contains("ENOTDIR", Assert.IsType<DisposalResult.Later>(
            _disposer.Perform(move, CancellationToken.None)).Reason);
        AssertOnly(_directory["in/" + Name], _other["no directory"]);
    }

    [Fact]
    public void Only_a_place_that_the_rule_itself_takes_is_told_to_the_ledger()
    {
        foreach ((string to, string told) in new[]
        {
            ("in/done/f.raw", "done/f.raw"), ("in/f2.raw", "f2.raw"), ("in/.hidden/f.raw", ""), ("in/f.raw~", ""),
            ("out/f.raw", ""),
        })
        {
            _directory.Write("in/" + Name, to);
            _ledger.Expected.Clear();
            Done(Move(_directory[to]));
            Assert.Equal(told, string.Join(' ', _ledger.Expected.Select(expected => expected.Path)));
            Assert.All(_ledger.Expected, expected => Assert.Equal(_directory.Stat(to).Version, expected.Stat.Version));
        }
    }

    [Fact]
    public void The_longest_names_there_are_can_be_taken_aside()
    {
        string name = new('n', 255);
        _directory.Write("in/" + name);
        _directory.Write("in/" + Name);
        Disposal disposal = Delete() with
        {
            Source = _directory["in/" + name], Version = _directory.Stat("in/" + name).Version,
        };
        _directory.Unlink("in/" + Name);
        Assert.True(RsyncNames.IsTemporaryOf(
            _disposer.TemporaryName(disposal.Source, disposal).Name.Span, disposal.Source.Name.Span));
        Done(disposal);
        AssertOnly();
    }

    private FileDisposer New() => new(
        new WatchRule { Name = "raw", Path = _directory["in"] }, "ledger", _ledger);

    private Disposal How(string how) => how switch
    {
        "move" => Move(_directory["done.raw"]),
        "copy" => Move(_other["done.raw"]),
        _ => Delete(),
    };

    private Disposal Move(BytePath destination) =>
        Delete() with { Kind = DisposalKind.Move, Destination = destination };

    private Disposal Delete() => new()
    {
        Id = 1, JobId = 1, Kind = DisposalKind.Delete, Source = _directory["in/" + Name],
        Version = _directory.Stat("in/" + Name).Version,
    };

    private void Done(Disposal disposal)
    {
        _disposer = New();
        DisposalResult result = _disposer.Perform(disposal, CancellationToken.None);
        Assert.True(result is DisposalResult.Done, result.ToString());
    }

    private void Left(Disposal disposal, string reason) => Assert.Contains(
        reason, Assert.IsType<DisposalResult.Left>(_disposer.Perform(disposal, CancellationToken.None)).Reason);

    // Regular files there are, in both directories.
    private void AssertOnly(params BytePath[] files)
    {
        string list = Tool.Run("find", _directory.Text, _other.Text, "-type", "f", "-printf", "x");
        Assert.Equal(files.Length, list.Length);
        Assert.All(files, file => Assert.Equal(0, FileStatReader.TryRead(file, out _)));
    }

    private static FileStat Stat(BytePath path)
    {
        Assert.Equal(0, FileStatReader.TryRead(path, out FileStat stat));
        return stat;
    }

    private static ulong Device(BytePath path) => Stat(path).Device;

    private sealed class Ledger : IDisposalRecord
    {
        public List<(BytePath Path, FileStat Stat)> Expected { get; } = [];

        public Action? OnCopied { get; set; }

        public void Expect(Disposal disposal, BytePath path, FileStat stat) => Expected.Add((path, stat));

        public ulong? CopyInode { get; private set; }

        public bool IsIntended { get; set; } = true;

        public bool Copied(Disposal disposal, ulong inode)
        {
            CopyInode = inode;
            OnCopied?.Invoke();
            return IsIntended;
        }
    }
}
