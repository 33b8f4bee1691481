using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Linux;

/// <summary>What an operator reads when the kernel refuses.</summary>
public sealed class MessageTests
{
    private static readonly BytePath s_path = BytePath.Parse(@"/data/in\xFF");

    [Fact]
    public void A_failure_names_operation_path_sentence_and_error()
    {
        var failure = new LinuxException("open", s_path, Errno.ENOENT);

        Assert.Equal(@"open '/data/in\xFF': No such file or directory (ENOENT)", failure.Message);
        Assert.Equal(("open", s_path, Errno.ENOENT), (failure.Operation, failure.Path, failure.ErrorNumber));
    }

    [Fact]
    public void The_limit_on_watches_is_told_with_directory_value_and_remedy()
    {
        string limit = File.ReadAllText("/proc/sys/fs/inotify/max_user_watches").Trim();

        string text = LinuxException.Explain(Inotify.AddWatchOperation, s_path, Errno.ENOSPC);

        Assert.Contains(@"'/data/in\xFF'", text);
        Assert.Contains($"fs.inotify.max_user_watches is {limit}.", text);
        Assert.Matches(@"sysctl fs\.inotify\.max_user_watches=\d+ ", text);
        Assert.Contains("/etc/sysctl.d/", text);
        long proposed = long.Parse(text.Split("sysctl fs.inotify.max_user_watches=")[1].Split(' ')[0]);
        Assert.True(proposed > long.Parse(limit));
        Assert.DoesNotContain("free some space", text);
    }

    [Fact]
    public void The_limit_on_instances_is_told_with_value_and_remedy()
    {
        string limit = File.ReadAllText("/proc/sys/fs/inotify/max_user_instances").Trim();

        string text = LinuxException.Explain(Inotify.CreateOperation, BytePath.Empty, Errno.EMFILE);

        Assert.StartsWith("inotify_init1: ", text);
        Assert.Contains($"fs.inotify.max_user_instances is {limit}.", text);
        Assert.Contains("sysctl fs.inotify.max_user_instances=", text);
    }

    [Theory]
    [InlineData(Errno.EACCES, "namei -l")]
    [InlineData(Errno.EROFS, "ReadWritePaths=")]
    [InlineData(Errno.EMFILE, "LimitNOFILE=")]
    [InlineData(Errno.ENOSPC, "df")]
    public void What_an_operator_can_mend_comes_with_advice(int errno, string expected) =>
        Assert.Contains(expected, LinuxException.Explain("open", s_path, errno));

    [Fact]
    public void Every_error_and_signal_has_its_own_name()
    {
        foreach (var field in typeof(Errno).GetFields().Where(field => field.IsLiteral))
            Assert.Equal(field.Name, Errno.Name((int)field.GetRawConstantValue()!));
        foreach (var field in typeof(Signals).GetFields().Where(field => field.IsLiteral))
            Assert.Equal(field.Name, Signals.Name((int)field.GetRawConstantValue()!));
        Assert.Equal("errno 4711", Errno.Name(4711));
        Assert.Equal("signal 42", Signals.Name(42));
    }
}
