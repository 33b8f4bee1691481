using System.Globalization;
using System.Runtime.InteropServices;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Tests.Hosting;

namespace AutoCrunch.Tests.Dispatch;

/// <summary>What operators are told of, by a real command and in the log.</summary>
public sealed partial class FailureNoticesTests : IDisposable
{
    private readonly DispatchRig _rig = new();
    private readonly ListLogger<FailureNotices> _log = new();
    private FailureNotices? _notices;

    public void Dispose()
    {
        StopNotices();
        _rig.Dispose();
    }

    [Fact]
    public async Task A_command_is_run_once_for_each_job_that_failed_for_good()
    {
        Tell("""
            printf '%s|' "$0" "$AUTOCRUNCH_EVENT" "$AUTOCRUNCH_REASON" "$AUTOCRUNCH_JOB_ID" >>out/told
            printf '%s|' "$AUTOCRUNCH_ATTEMPT" >>out/told
            printf '%s|\n' "$AUTOCRUNCH_RULE" "$AUTOCRUNCH_UNTOLD" >>out/told
            """);
        Start("test \"$(basename \"$1\")\" = good");

        _rig.Complete("good");
        _rig.Complete(@"bad \xFF");
        _rig.Complete("worse");
        _rig.WaitForAll();
        Wait.Until(() => Told().Count(line => line == "0|") == 2);
        StopNotices();

        string[] told = Told();
        Assert.Equal(2, told.Count(line => line.Contains("|failed|exited with code 1|", StringComparison.Ordinal)
            && line.EndsWith("|3|raw|", StringComparison.Ordinal)));
        Assert.Empty(_log.Lines);
        StartNotices();
        await _rig.Ledger.SyncAsync();
        StopNotices();
        Assert.Equal(told, Told());
    }

    [Fact]
    public void What_a_stop_left_untold_is_told_by_the_next_life()
    {
        Tell("echo told >>out/told");
        _rig.Start("exit 1");
        _rig.Complete("bad");
        _rig.WaitForAll();

        StartNotices();

        Wait.Until(() => Told().Length == 1);
    }

    [Fact]
    public void A_flood_of_failures_ends_in_one_command_for_all_that_are_left()
    {
        Tell("echo $AUTOCRUNCH_UNTOLD >>out/told");
        _rig.Start("exit 1");
        for (int i = 0; i < 20; i++)
            _rig.Complete($"bad{i}");
        _rig.WaitForAll();

        StartNotices(most: 3, window: TimeSpan.FromSeconds(2));

        Wait.Until(() => Told().Length == 4);
        Assert.Equal(["0", "0", "0", "16"], Told());
        Assert.Single(_log.Lines, line => line.Contains("has run 3 times", StringComparison.Ordinal));
    }

    [Fact]
    public void A_command_that_fails_is_only_logged_with_where_it_says_why()
    {
        Tell("echo no mail; exit 3");
        Start("exit 1");
        _rig.Complete("bad");
        string line = Wait.For(() => _log.Lines.FirstOrDefault());
        Assert.Contains("OnFailureCommand for bad failed: exited with code 3", line, StringComparison.Ordinal);
        Assert.Equal("no mail\n", _rig.Directory.ReadText("state/on-failure-raw.log"));
        Assert.Equal(JobState.Failed, _rig.WaitForAll().Single().State);
    }

    [Fact]
    public void A_command_whose_end_somebody_else_has_learnt_is_logged_and_the_service_goes_on()
    {
        Tell("echo $$ >out/pid.new; mv out/pid.new out/pid; while [ -e out/pid ]; do sleep 0.01; done");
        Start("exit 1");
        _rig.Complete("bad");
        Wait.Until(() => _rig.Directory.Exists("out/pid"));
        for (int count = 1; !HasSaidSo(); count++)
        {
            // Both wait for it, and one of the two learns its end: soon enough it is not the service.
            int pid = int.Parse(_rig.Directory.ReadText("out/pid"), CultureInfo.InvariantCulture);
            using var isReady = new ManualResetEventSlim();
            var thief = new Thread(() =>
            {
                isReady.Set();
                WaitPid(pid, 0, 0);
            });
            thief.Start();
            isReady.Wait();
            _rig.Directory.Unlink("out/pid");
            Assert.True(thief.Join(Wait.Bound));
            _rig.Complete("bad", $"version {count}");
            Wait.Until(() => HasSaidSo() || _rig.Directory.Exists("out/pid"));
        }

        StopNotices();
    }

    [Fact]
    public void A_file_that_is_held_for_long_is_told_of_once()
    {
        _rig.Rule = _rig.Rule with { HeldWarning = TimeSpan.FromSeconds(1) };
        Tell("echo \"$0 $AUTOCRUNCH_EVENT $AUTOCRUNCH_REASON\" >>out/told");
        Start("true");
        FileStat Hold(string name)
        {
            _rig.Directory.Write("in/" + name);
            FileStat stat = _rig.Directory.Stat("in/" + name);
            _rig.Ledger.KnownFiles.Held("raw", BytePath.Parse(name), stat, HoldReason.ZeroMtime);
            return stat;
        }

        FileStat held = Hold("held");
        Wait.Until(() => Told().Length == 1);
        _rig.Ledger.KnownFiles.Held("raw", BytePath.Parse("held"), held, HoldReason.ZeroMtime); // seen again
        Hold("second");
        Wait.Until(() => Told().Length == 2);

        Assert.StartsWith(_rig.Directory["in/held"] + " held held: interrupted rsync --partial", Told()[0]);
        Assert.Equal(2, _log.Lines.Count);
        Assert.Single(_log.Lines, line => line.Contains("Held for", StringComparison.Ordinal)
            && line.Contains(": held (rule raw)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_a_command_nothing_is_kept_to_be_told()
    {
        _rig.Start("exit 1");
        _rig.Complete("bad");
        _rig.WaitForAll();
        Assert.Empty(await _rig.Ledger.NoticesAsync("raw", 10));
    }

    private bool HasSaidSo() => _log.Lines.Any(line => line.Contains("waitid", StringComparison.Ordinal));

    [LibraryImport("libc", EntryPoint = "waitpid")]
    private static partial int WaitPid(int pid, nint status, int options);

    private void Start(string script)
    {
        _rig.Start(script);
        StartNotices();
    }

    private void StartNotices(int most = 10, TimeSpan? window = null)
    {
        _notices = new FailureNotices(
            [_rig.Rule], _rig.Inherited, TimeSpan.FromSeconds(1), _rig.Ledger, _rig.Supervisor, _log)
        {
            MostInWindow = most, Window = window ?? TimeSpan.FromMinutes(10),
        };
        _notices.Start();
    }

    private void StopNotices()
    {
        if (_notices is null)
            return;
        Assert.True(_notices.StopAsync().Wait(Wait.Bound));
        _notices.Dispose();
        _notices = null;
    }

    private void Tell(string script) => _rig.Rule = _rig.Rule with
    {
        OnFailureCommand = new FailureCommand(
            DispatchRig.Command("/bin/sh", "-c", script, "{path}"), BytePath.Parse("/bin/sh"), _rig.Directory.Path),
    };

    private string[] Told() => _rig.Directory.Exists("out/told")
        ? _rig.Directory.ReadText("out/told").Split('\n', StringSplitOptions.RemoveEmptyEntries)
        : [];
}
