using AutoCrunch.Core;
using AutoCrunch.Linux;
using FileSystemInfo = AutoCrunch.Linux.FileSystemInfo;

namespace AutoCrunch.Tests.Linux;

public sealed class FileSystemInfoTests
{
    [RequiresFact("findmnt")]
    public void The_name_is_the_one_in_the_mount_table()
    {
        foreach (string path in new[] { "/", "/proc", "/dev/shm", Path.GetTempPath() })
        {
            Assert.Equal(0, FileSystemInfo.TryRead(BytePath.Parse(path), out FileSystemFacts facts));
            // Of mounts on top of each other the last is the one that is seen.
            Assert.Equal(Tool.Run("findmnt", "-n", "-o", "FSTYPE", "-T", path).Trim().Split('\n')[^1], facts.Name);
        }
    }

    [Fact]
    public void A_local_disk_has_room_and_its_own_events()
    {
        using var directory = new TempDirectory();

        Assert.Equal(0, FileSystemInfo.TryRead(directory.Path, out FileSystemFacts facts));

        Assert.False(facts.IsNetwork);
        Assert.True(facts.HasStableInodes);
        Assert.False(facts.IsReadOnly);
        var drive = new DriveInfo(directory.Text);
        Assert.InRange(facts.FreeBytes, drive.AvailableFreeSpace / 2, drive.TotalSize);
        Assert.Equal(Errno.ENOENT, FileSystemInfo.TryRead(directory["nothing"], out _));
    }

    [Theory]
    [InlineData(0xEF53, "ext4", false, true, true)]
    [InlineData(0x01021994, "tmpfs", false, true, true)]
    [InlineData(0x794C7630, "overlay", false, true, false)]
    [InlineData(0x4D44, "vfat", false, false, true)]
    [InlineData(0x6969, "nfs", true, true, false)]
    [InlineData(0x6969, "nfs4", true, true, false)]
    [InlineData(0xFF534D42, "cifs", true, false, false)]
    [InlineData(unchecked((int)0xFE534D42), "smb3", true, false, false)] // sign-extended, as some kernels do
    [InlineData(0x01021997, "9p", true, false, false)]
    [InlineData(0x0BD00BD0, "lustre", true, true, false)]
    [InlineData(0x65735546, "fuse.sshfs", true, false, false)]
    [InlineData(0x65735546, "fuse.bindfs", true, false, false)]
    [InlineData(0x65735546, "virtiofs", true, false, false)]
    [InlineData(0x65735546, "fuseblk", false, false, true)]
    [InlineData(0x12345678, "wekafs", true, true, false)]
    [InlineData(0x12345678, "newfs", false, true, true)]
    public void Each_kind_is_known_by_its_number_and_type(
        long magic, string type, bool isNetwork, bool hasStableInodes, bool hasReliableLeases)
    {
        FileSystemFacts facts = FileSystemInfo.Classify(magic, type);

        Assert.Equal(type, facts.Name);
        Assert.Equal(
            (isNetwork, hasStableInodes, hasReliableLeases),
            (facts.IsNetwork, facts.HasStableInodes, facts.HasReliableLeases));
    }

    [Fact]
    public void Without_a_mount_table_the_number_decides()
    {
        Assert.Equal("nfs", FileSystemInfo.Classify(0x6969, null).Name);
        Assert.True(FileSystemInfo.Classify(0x65735546, null).IsNetwork);
        Assert.Equal("type 0x12345678", FileSystemInfo.Classify(0x12345678, null).Name);
    }
}
