using System.Globalization;
using System.Text.Json.Nodes;

namespace AutoCrunch.Tests.Systemd;

/// <summary>
/// The service in the hands of the service manager: whatever ends it, no file is lost and none runs twice.
/// </summary>
[Collection(InstalledServiceTests.Name)]
public sealed class RestartTests(InstalledService service)
{
    private const string StillToCome = "SELECT count(*) FROM jobs WHERE state = 0";

    private readonly InstalledService _service = service;

    private Container Machine => _service.Machine;

    [SystemdFact]
    public void An_edit_and_a_restart_keep_what_is_queued_and_run_nothing_twice()
    {
        _service.Begin();
        _service.Deliver("done");
        _service.UntilNoted("done", "start 1 end 1");
        _service.Deliver("long", InstalledService.UntilLetGo("long"));
        _service.UntilNoted("long", "start 1");
        _service.Deliver("second");
        _service.Deliver("third");
        Wait.Until(() => _service.Ledger(StillToCome) == "2");

        _service.Configure(section => section["MaxRunning"] = 1);
        Machine.Run("systemctl restart autocrunch");
        _service.LetGo("long");
        _service.Deliver("fourth");
        foreach (string name in new[] { "second", "third", "fourth" })
            _service.UntilNoted(name, "start 1 end 1");
        _service.UntilNoted("long", "start 1 start 2 end 2");
        _service.UntilAllEnded();
        Assert.Equal("start 1 end 1", _service.Noted("done"));
        Assert.Equal("5", _service.Ledger("SELECT count(*) FROM jobs"));
    }

    [SystemdFact]
    public void A_broken_edit_is_told_and_not_tried_again()
    {
        _service.Begin();
        _service.Configure(section =>
        {
            section["MaxRuning"] = 3;
            section["Rules"]!["raw"]!["Completion"]!["QuietPeriod"] = 10;
            section["Rules"]!["raw"]!["Dispatcher"]!["Command"] = new JsonArray("/usr/local/bin/no-such-job");
        });
        Assert.NotEqual(0, Machine.TryRun("systemctl restart autocrunch").ExitCode);

        Assert.Equal("failed", _service.Show("SubState"));     // not auto-restart: nothing is tried again
        Assert.Equal("78", _service.Show("ExecMainStatus"));
        Assert.Equal("0", _service.Show("NRestarts"));
        string status = Machine.TryRun("systemctl status autocrunch --no-pager -l").Output;
        foreach (string text in new[] { status, _service.Journal() })
        {
            Assert.Contains("AutoCrunch:MaxRuning", text, StringComparison.Ordinal);
            Assert.Contains("AutoCrunch:Rules:raw:Completion:QuietPeriod", text, StringComparison.Ordinal);
            Assert.Contains("/usr/local/bin/no-such-job", text, StringComparison.Ordinal);
        }

        _service.Deliver("meanwhile");
        _service.Configure();
        Machine.Run("systemctl start autocrunch");
        _service.UntilNoted("meanwhile", "start 1 end 1");
    }

    [SystemdFact]
    public void Killed_it_is_started_again_and_rescues_what_was_running()
    {
        _service.Begin();
        _service.Deliver("running", InstalledService.UntilLetGo("running"));
        _service.UntilNoted("running", "start 1");
        _service.Deliver("queued");
        Wait.Until(() => _service.Ledger(StillToCome) == "1");
        int before = _service.Pid;

        Machine.Run("systemctl kill --signal=KILL --kill-whom=main autocrunch");
        _service.Deliver("while-it-was-down");
        _service.UntilActive(before);
        Assert.Equal("1", _service.Show("NRestarts"));
        _service.UntilNoted("running", "start 1 start 2");
        _service.LetGo("running");
        _service.UntilNoted("queued", "start 1 end 1");
        _service.UntilNoted("while-it-was-down", "start 1 end 1");
        _service.UntilAllEnded();
        Assert.Equal("start 1 start 2 end 2", _service.Noted("running"));
        Assert.Equal("3", _service.Ledger("SELECT count(*) FROM jobs"));
    }

    [SystemdFact]
    public void Stopped_it_ends_its_jobs_in_time_and_runs_them_again()
    {
        _service.Begin();
        _service.Deliver("stubborn", "trap '' TERM; " + InstalledService.UntilLetGo("stubborn"));
        _service.UntilNoted("stubborn", "start 1");

        Machine.Run("systemctl stop autocrunch");
        Assert.Equal("success", _service.Show("Result"));      // not timeout: nothing was left to systemd
        Assert.Equal("4", _service.Ledger("SELECT result FROM attempts"));
        Assert.Equal("0|0", _service.Ledger("SELECT state, failures FROM jobs"));
        Assert.False(InstalledService.HasProcesses(Machine));

        _service.LetGo("stubborn");
        Machine.Run("systemctl start autocrunch");
        _service.UntilNoted("stubborn", "start 1 start 2 end 2");
    }

    [SystemdFact]
    public void A_job_that_is_killed_for_memory_does_not_stop_the_service()
    {
        _service.Begin();
        int before = _service.Pid;
        _service.Deliver("greedy",
            "echo $$ >/var/lib/autocrunch/greedy; " + InstalledService.UntilLetGo("greedy")
            + "; test $AUTOCRUNCH_ATTEMPT -gt 1 || head -c 1G /dev/zero | tail");
        Wait.Until(() => File.Exists(Machine["/var/lib/autocrunch/greedy"]));
        using (LimitMemory("/var/lib/autocrunch/greedy"))
        {
            _service.LetGo("greedy");
            _service.UntilNoted("greedy", "start 1 start 2 end 2");
        }

        Assert.Equal("active", _service.Show("ActiveState"));
        Assert.Equal(before, _service.Pid);
        Assert.Equal("continue", _service.Show("OOMPolicy"));
    }

    [SystemdFact]
    public void A_reboot_in_mid_transfer_loses_nothing()
    {
        _service.Begin();
        _service.Deliver("running", InstalledService.UntilLetGo("running"));
        _service.UntilNoted("running", "start 1");
        _service.Deliver("queued");
        Wait.Until(() => _service.Ledger(StillToCome) == "1");
        Machine.Run("(echo true; head -c 50000000 /dev/zero | tr '\\0' '#') >/srv/outgoing/large");
        Machine.Begin($"rsync -t --bwlimit=1000 /srv/outgoing/large {InstalledService.Incoming}/");
        Wait.Until(() => Directory.EnumerateFiles(Machine[InstalledService.Incoming], ".large.*")
            .Any(file => new FileInfo(file).Length > 0));

        Machine.Reboot();
        _service.UntilActive();
        _service.LetGo("running");
        Machine.Run($"runuser -u sender -- rsync -t --chmod=F640 /srv/outgoing/large {InstalledService.Incoming}/");
        _service.UntilNoted("running", "start 1 start 2 end 2");
        _service.UntilNoted("queued", "start 1 end 1");
        _service.UntilNoted("large", "start 1 end 1");
        _service.UntilAllEnded();
        Assert.Equal("3", _service.Ledger("SELECT count(*) FROM jobs"));
    }

    // On a kernel with the memory controller of cgroup v1 systemd sets MemoryMax= in vain; so the job is put into a
    // group of its own by hand. Either way it is the kernel that kills.
    private Undo LimitMemory(string pidFile)
    {
        const string v1 = "/sys/fs/cgroup/memory";
        const string limit = "200M";
        if (!Directory.Exists(v1))
        {
            Machine.Run($"systemctl set-property --runtime autocrunch MemoryMax={limit} MemorySwapMax=0");
            return new Undo(() => Machine.Run(
                "systemctl set-property --runtime autocrunch MemoryMax=infinity MemorySwapMax=infinity"));
        }

        string own = File.ReadLines("/proc/self/cgroup").Select(line => line.Split(':'))
            .Single(fields => fields[1] == "memory")[2];
        string group = string.Create(
            CultureInfo.InvariantCulture, $"{v1}{own}/autocrunch-test-{Environment.ProcessId}");
        Directory.CreateDirectory(group);
        File.WriteAllText(Path.Combine(group, "memory.limit_in_bytes"), limit);
        Machine.RunAmongItsProcesses($"cat {Machine[pidFile]} >{group}/cgroup.procs");
        return new Undo(() => Directory.Delete(group));
    }

    private sealed class Undo(Action undo) : IDisposable
    {
        public void Dispose() => undo();
    }
}
