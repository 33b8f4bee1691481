using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Linux;

public sealed class LogFileTests : IDisposable
{
    private const int MiB = 1024 * 1024;

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Head_and_tail_stay_and_the_middle_gives_its_space_back()
    {
        byte[] content = new byte[16 * MiB];
        new Random(1).NextBytes(content);
        BytePath path = _directory.Write("log", content);

        Assert.Equal(0, LogFile.PunchMiddle(path, MiB));

        Assert.Equal(content.Length, _directory.Stat("log").SizeBytes);
        Assert.InRange(DiskBytes(path), MiB, MiB + MiB / 4);
        byte[] punched = File.ReadAllBytes(path.ToString());
        Assert.Equal(content[..(MiB / 2)], punched[..(MiB / 2)]);
        Assert.Equal(content[^(MiB / 2)..], punched[^(MiB / 2)..]);
        Assert.Equal(0, punched[8 * MiB]);
    }

    [Fact]
    public void A_log_within_its_limit_is_left_alone()
    {
        byte[] content = new byte[MiB];
        new Random(1).NextBytes(content);
        BytePath path = _directory.Write("log", content);

        Assert.Equal(0, LogFile.PunchMiddle(path, MiB));
        Assert.Equal(content, File.ReadAllBytes(path.ToString()));
        Assert.Equal(0, LogFile.PunchMiddle(path, MiB - 1)); // no whole block to give back
        Assert.Equal(content[..1000], File.ReadAllBytes(path.ToString())[..1000]);
        Assert.Equal(Errno.ENOENT, LogFile.PunchMiddle(_directory["nothing"], MiB));
    }

    [Fact]
    public void A_gigabyte_that_a_job_writes_while_it_is_punched_stays_within_bounds()
    {
        const int Limit = 4 * MiB;
        const string Script = "echo the first line; head -c 1G /dev/zero | tr '\\0' x; echo; echo the last line";
        var start = new ChildStart(
            new BytePath("/bin/sh"u8),
            ["sh"u8.ToArray(), "-c"u8.ToArray(), System.Text.Encoding.ASCII.GetBytes(Script)],
            ["PATH=/usr/bin:/bin"u8.ToArray()],
            _directory.Path,
            _directory["log"]);
        Assert.Equal(0, ChildProcess.TryStart(start, out ChildProcess? child));

        ChildExit exit = default;
        var waiter = new Thread(() => exit = child!.Wait());
        waiter.Start();
        long most = 0;
        while (!waiter.Join(TimeSpan.FromMilliseconds(5)))
        {
            Assert.Equal(0, LogFile.PunchMiddle(_directory["log"], Limit));
            most = Math.Max(most, DiskBytes(_directory["log"]));
        }

        Assert.Equal(new ChildExit(0, null), exit);
        Assert.Equal(0, LogFile.PunchMiddle(_directory["log"], Limit));
        Assert.True(_directory.Stat("log").SizeBytes > 1024L * MiB);
        Assert.InRange(DiskBytes(_directory["log"]), 0, Limit + MiB);
        Assert.InRange(most, 0, 768L * MiB); // it never held the whole, however slow this machine is
        Assert.Equal("the last line\n"u8, LogFile.ReadTail(_directory["log"], 14));
        using var head = new StreamReader(_directory["log"].ToString());
        Assert.Equal("the first line", head.ReadLine());
    }

    [Fact]
    public void The_tail_is_the_last_bytes_without_the_punched_zeros()
    {
        BytePath path = _directory.Write(@"log\xFF", "0123456789");
        Assert.Equal("6789"u8, LogFile.ReadTail(path, 4));
        Assert.Equal("0123456789"u8, LogFile.ReadTail(path, 10));
        Assert.Equal("0123456789"u8, LogFile.ReadTail(path, 4096));
        Assert.Empty(LogFile.ReadTail(path, 0));
        Assert.Empty(LogFile.ReadTail(_directory["nothing"], 10));
        Assert.Empty(LogFile.ReadTail(_directory.Path, 10));

        byte[] holed = [.. "head"u8, .. new byte[100], .. "tail"u8];
        Assert.Equal("tail"u8, LogFile.ReadTail(_directory.Write("holed", holed), 50));
    }

    private static long DiskBytes(BytePath path) =>
        512 * long.Parse(Tool.Run("stat", "-c", "%b", path.ToString()), CultureInfo.InvariantCulture);
}
