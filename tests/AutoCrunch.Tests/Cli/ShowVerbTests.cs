using System.Text;
using System.Text.Json;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Cli;

/// <summary><c>autocrunch show</c> on a ledger of its own.</summary>
public sealed class ShowVerbTests : IDisposable
{
    private const string Odd = @"two\x0Alines \xFF.raw";

    private readonly VerbRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void A_job_is_told_with_version_evidence_and_every_attempt()
    {
        long id = FailTwice();

        string story = _rig.Verb("show", $"{id}").Succeeded().Output;

        foreach (string part in new[]
            {
                $"Job {id}: failed, 2 attempts\n", _rig.Directory["in-raw/" + Odd].ToString(), "1000 B (1,000 bytes)",
                "inode 101", "renamed from rsync's temporary name", "exit code 3", "SIGKILL",
                "Attempt 1: it exited", "Attempt 2: it was killed", Log(id, 1).ToString(), Log(id, 2).ToString(),
                $"autocrunch retry {id}",
            })
            Assert.Contains(part, story, StringComparison.Ordinal);
        string second = _rig.Verb("show", $"{id}", "--attempt", "2").Succeeded().Output;
        Assert.DoesNotContain("it exited", second, StringComparison.Ordinal);
        Assert.Contains("it was killed", second, StringComparison.Ordinal);
    }

    [Fact]
    public void A_job_as_json_has_its_history()
    {
        long id = FailTwice();

        JsonElement job = Assert.Single(_rig.Verb("show", $"{id}", "--json").Succeeded().Objects);

        Assert.Equal(_rig.Directory["in-raw/" + Odd].Span, job.GetProperty("pathBase64").GetBytesFromBase64());
        Assert.Equal(["failed", "failed"], job.GetProperty("history").EnumerateArray()
            .Select(attempt => attempt.GetProperty("result").GetString()));
        JsonElement first = job.GetProperty("history")[0];
        Assert.Equal(
            ["number", "started", "finished", "result", "exitCode", "signal", "reason", "log"],
            first.EnumerateObject().Select(field => field.Name));
        Assert.Equal(3, first.GetProperty("exitCode").GetInt32());
        Assert.Equal(101, job.GetProperty("inode").GetInt32());
    }

    [Fact]
    public void A_running_attempt_is_part_of_the_story()
    {
        _rig.Open().Ledger.StartClaims();
        _rig.Ledger.Complete("a.raw");
        Attempt attempt = _rig.Ledger.Take();

        Assert.Contains("attempt 1 runs since", _rig.Verb("show", "1").Succeeded().Output, StringComparison.Ordinal);
        JsonElement job = Assert.Single(_rig.Verb("show", "1", "--json").Objects);
        Assert.Equal("running", job.GetProperty("history")[0].GetProperty("result").GetString());
        _rig.Ledger.Succeed(attempt);
    }

    [Fact]
    public void A_log_is_given_as_it_was_written()
    {
        long id = FailTwice();
        byte[] content = [.. "first\n"u8, 0xFF, 0, 27, (byte)'x'];
        WriteLog(id, 1, content);
        WriteLog(id, 2, "second\n"u8);

        Assert.Equal("second\n"u8.ToArray(), _rig.Verb("show", $"{id}", "--log").Succeeded().Raw);
        Assert.Equal(content, _rig.Verb("show", $"{id}", "--log", "--attempt", "1").Succeeded().Raw);
    }

    [Fact]
    public void Of_a_log_that_was_too_long_the_gap_is_told_and_not_shown()
    {
        long id = FailTwice();
        byte[] content = new byte[300_000];
        "begin"u8.CopyTo(content);
        "end"u8.CopyTo(content.AsSpan(content.Length - 3));
        WriteLog(id, 2, content);

        string shown = Encoding.UTF8.GetString(_rig.Verb("show", $"{id}", "--log").Succeeded().Raw);

        Assert.Equal("begin\n[... 293 KiB of the middle were not kept (MaxLogBytes) ...]\nend", shown);
    }

    [Fact]
    public async Task A_log_is_followed_from_before_the_first_attempt_to_its_end()
    {
        _rig.Open();
        _rig.Ledger.Complete("a.raw");
        _rig.Ledger.Sync();
        Task<VerbResult> follow = Task.Run(() => _rig.Verb("show", "1", "--log", "--follow"));
        _rig.Ledger.StartClaims();
        Attempt attempt = _rig.Ledger.Take();
        WriteLog(1, 1, "begin\n"u8);
        Assert.False(follow.IsCompleted);
        using (var log = File.Open(Log(1, 1).ToString(), FileMode.Append))
            log.Write("end\n"u8);
        _rig.Ledger.Settle(attempt, AttemptOutcome.Succeeded.Value);
        _rig.Ledger.Sync();

        VerbResult result = await follow.WaitAsync(Wait.Bound);

        Assert.Equal("begin\nend\n"u8.ToArray(), result.Succeeded().Raw);
    }

    [Fact]
    public void What_is_not_there_is_said()
    {
        long id = FailTwice();
        _rig.Ledger.Complete("runs.raw");
        _rig.Ledger.Sync();
        Assert.Equal(id + 1, _rig.Ledger.Take().Job.Id);
        _rig.Ledger.Complete("waits.raw");
        _rig.Ledger.Sync();
        (string[] Arguments, string Message)[] cases =
        [
            (["show", "77"], "There is no job 77"),
            (["show", $"{id}", "--attempt", "3"], "no attempt 3, only 1 to 2"),
            (["show", $"{id + 2}", "--attempt", "1"], "has no attempt yet"),
            (["show", $"{id}", "--log"], "There is no log"),
            (["show", $"{id + 2}", "--log"], "has no attempt"),
        ];
        foreach ((string[] arguments, string message) in cases)
        {
            VerbResult result = _rig.Verb(arguments);
            Assert.Equal(1, result.ExitCode);
            Assert.Contains(message, result.Error, StringComparison.Ordinal);
        }

        Assert.Equal(64, _rig.Verb("show", "1", "--follow").ExitCode);
        Assert.Equal(64, _rig.Verb("show", "1", "--log", "--json").ExitCode);
        Assert.Equal(64, _rig.Verb("show", "x").ExitCode);
    }

    [Fact]
    public void Following_ends_well_when_interrupted()
    {
        _rig.Open();
        _rig.Ledger.Complete("a.raw");
        _rig.Ledger.StartClaims();
        Attempt attempt = _rig.Ledger.Take();
        WriteLog(1, 1, "begin\n"u8);
        using var follow = new Running("dotnet", [ServiceUnderTest.Program, "show", "1", "--log", "--follow",
            "--config", _rig.Directory["appsettings.json"].ToString()], _rig.Directory.Text);
        Wait.Until(() => follow.Text.Contains("begin", StringComparison.Ordinal));
        Kill.Send(follow.Pid, Kill.Interrupt);
        Assert.Equal(0, follow.UntilEnded());
        _rig.Ledger.Succeed(attempt);
    }

    private long FailTwice()
    {
        _rig.Open().Ledger.StartClaims();
        long id = _rig.Run(Odd, new AttemptOutcome.Failed("it exited", ExitCode: 3));
        _rig.Ledger.Settle(
            _rig.Ledger.Take(), new AttemptOutcome.Failed("it was killed", Signal: Signals.SIGKILL, IsPermanent: true));
        _rig.Ledger.Sync();
        return id;
    }

    private BytePath Log(long id, int attempt) => new StateLayout(_rig.Ledger.StateDirectory).LogFile(id, attempt);

    private void WriteLog(long id, int attempt, ReadOnlySpan<byte> content)
    {
        PathOps.TryMakeDirectories(Log(id, attempt).Directory, 0x1ED);
        File.WriteAllBytes(Log(id, attempt).ToString(), content);
    }
}
