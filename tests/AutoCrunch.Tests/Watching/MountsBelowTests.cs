using AutoCrunch.Core;
using AutoCrunch.Watching;

namespace AutoCrunch.Tests.Watching;

/// <summary>The mount table of proc(5), read for what is mounted in a tree.</summary>
public sealed class MountsBelowTests
{
    private const string Root = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n";

    [Theory]
    [InlineData("30 22 0:40 / /in/below rw - tmpfs none rw\n")]
    [InlineData("30 22 0:40 / /in/a/b/c rw shared:1 - nfs server:/x rw\n")]
    [InlineData("30 22 0:40 / /in/with\\040blank rw - tmpfs none rw")]
    public void A_mount_below_the_directory_counts(string line)
    {
        MountsBelow without = Of(Root);
        MountsBelow with = Of(Root + line);
        Assert.False(without.Any);
        Assert.True(with.Any);
        Assert.NotEqual(without.Signature, with.Signature);
        Assert.Equal(with, Of(Root + line));
    }

    [Theory]
    [InlineData("30 22 0:40 / /in rw - tmpfs none rw\n")] // the root's own identity tells of that one
    [InlineData("30 22 0:40 / /inner rw - tmpfs none rw\n")]
    [InlineData("30 22 0:40 / /other/in rw - tmpfs none rw\n")]
    [InlineData("broken line\n")]
    public void Any_other_line_does_not(string line) => Assert.Equal(Of(Root), Of(Root + line));

    [Fact]
    public void Blanks_in_the_directorys_own_name_are_compared_unescaped()
    {
        byte[] table = "30 22 0:40 / /a\\040b\\134c/d rw - tmpfs none rw\n"u8.ToArray();
        Assert.True(MountsBelow.Of(table, new BytePath(@"/a b\c"u8)).Any);
    }

    [Fact]
    public void Another_mount_in_the_same_place_is_another_signature() => Assert.NotEqual(
        Of("30 22 0:40 / /in/d rw - tmpfs none rw\n").Signature,
        Of("31 22 0:41 / /in/d rw - tmpfs none rw\n").Signature);

    private static MountsBelow Of(string table) =>
        MountsBelow.Of(System.Text.Encoding.ASCII.GetBytes(table), new BytePath("/in"u8));
}
