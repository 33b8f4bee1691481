using AutoCrunch.Core;
using AutoCrunch.Hosting;

namespace AutoCrunch.Tests.Hosting;

/// <summary>Which files the ledger may ask for itself.</summary>
public sealed class GoneCheckTests
{
    [Theory]
    [InlineData("/data/in/a.raw", true)]
    [InlineData("/data/in", true)]
    [InlineData("/data/in/site/a.raw", false)]          // a server's
    [InlineData("/data/in/site/local/a.raw", true)]     // a disk mounted on a server's directory
    [InlineData("/data/in/site2/a.raw", true)]
    [InlineData("/data/in/a b/c.raw", false)]           // mounted over what was local
    [InlineData("/elsewhere/a.raw", true)]
    [InlineData("/fuse/a.raw", false)]                  // nobody knows what is behind it
    public void Only_what_is_on_a_local_file_system_is_looked_at(string path, bool isLocal)
    {
        byte[] table = """
            22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
            30 22 8:17 / /data rw shared:2 - xfs /dev/sdb1 rw
            31 30 0:40 / /data/in/site rw shared:3 - nfs4 server:/site rw,vers=4.2
            32 31 8:33 / /data/in/site/local rw - ext4 /dev/sdc1 rw
            33 30 8:34 / /data/in/a\040b rw - ext4 /dev/sdd1 rw
            34 33 0:41 / /data/in/a\040b rw - cifs //server/share rw
            35 22 0:42 / /fuse rw - fuse.sshfs host: rw

            """u8.ToArray();
        Assert.Equal(isLocal, GoneCheck.IsLocal(table, BytePath.Parse(path)));
    }

    [Fact]
    public void A_file_is_gone_when_its_rules_directory_is_there_and_it_is_not()
    {
        using var directory = new TempDirectory();
        directory.Write("in/there.raw");
        var check = new GoneCheck();
        WatchRule rule = Watching.WatchRig.Rule(directory["in"]);
        Assert.True(check.IsGone(rule, BytePath.Parse("gone.raw"), 0));
        Assert.False(check.IsGone(rule, BytePath.Parse("there.raw"), 0));
        Assert.False(check.IsGone(
            Watching.WatchRig.Rule(directory["away"], "away"), BytePath.Parse("gone.raw"), 0));
    }
}
