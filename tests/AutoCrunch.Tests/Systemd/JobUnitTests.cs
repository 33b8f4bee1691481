using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Xunit.Abstractions;

namespace AutoCrunch.Tests.Systemd;

/// <summary>Jobs as units of the unprivileged user's own service manager.</summary>
[Collection(InstalledServiceTests.Name)]
public sealed class JobUnitTests(InstalledService service, ITestOutputHelper output)
{
    // Child and grandchild, both in the unit, the latter in a session of its own.
    private const string WithGrandchildren = "setsid sh -c 'sleep 54321; :' & sh -c 'sleep 54321; :' & ";
    private const string Grandchild = "sleep 5432[1]";

    private const string Results =
        "SELECT CAST(name AS TEXT), result, coalesce(exit_code, ''), coalesce(signal, '') FROM attempts "
        + "JOIN jobs ON jobs.id = job_id ORDER BY name, number";

    private readonly InstalledService _service = service;
    private readonly JobUnits _units = new(service);

    private Container Machine => _service.Machine;

    [SystemdFact]
    public void Outcome_and_output_of_a_unit_are_recorded()
    {
        _units.Begin(4, dispatcher => dispatcher["MaxLogBytes"] = 65536);
        _service.Deliver("good", "echo to stdout; echo to stderr >&2; pwd");
        _service.Deliver("bad", "echo seven; exit 7");
        _service.Deliver("shot", "kill -KILL $$");
        _service.Deliver("loud", "head -c 3000000 /dev/zero | tr '\\0' 'x'; echo; echo the last line");
        UntilEnded(4);

        Assert.Equal("good|0|0|\nloud|0|0|", Summary("good", "loud"));
        Assert.Equal("bad|1|7|\nbad|1|7|\nbad|1|7|\nshot|1||9\nshot|1||9\nshot|1||9", Summary("bad", "shot"));
        Assert.Equal("to stdout\nto stderr\n/etc/autocrunch", Log("good"));
        Assert.Equal("seven", Log("bad"));
        string loud = Log("loud");
        Assert.EndsWith("xxx\nthe last line", loud, StringComparison.Ordinal);
        Assert.InRange(loud.Length, 60_000, 80_000);
        Wait.Until(() => Machine.Run("journalctl --sync; journalctl -o cat -t autocrunch-job --no-pager --all")
            is var journal && journal.Contains("to stderr", StringComparison.Ordinal)
            && journal.Contains("the last line", StringComparison.Ordinal));
        Assert.Contains("  | seven", _service.Journal(), StringComparison.Ordinal);
        UntilNothingIsLeft();
    }

    [SystemdFact]
    public void Properties_of_the_rule_are_those_of_its_units()
    {
        // MemoryMax and CPUQuota are not enforced by the hybrid control groups of some machines: only that they are
        // set is looked at. LimitAS is the kernel's own.
        _units.Begin(2, dispatcher => dispatcher["Properties"] = new JsonObject
        {
            ["MemoryMax"] = "200M", ["CPUQuota"] = "50%", ["Nice"] = "7", ["LimitAS"] = "60M", ["TasksMax"] = "99",
        });
        _service.Deliver("long", InstalledService.UntilLetGo("long"));
        _service.UntilNoted("long", "start 1");
        string unit = _units.UnitOf("long");
        Assert.Matches("^autocrunch-[0-9a-f]{8}-1-1[.]service$", unit);
        Assert.Equal("209715200", _units.Show(unit, "MemoryMax"));
        Assert.Equal("500ms", _units.Show(unit, "CPUQuotaPerSecUSec"));
        Assert.Equal("7", _units.Show(unit, "Nice"));
        Assert.Equal("99", _units.Show(unit, "TasksMax"));
        Assert.Equal("5s", _units.Show(unit, "TimeoutStopUSec"));
        Assert.Equal("infinity", _units.Show(unit, "RuntimeMaxUSec"));
        string groups = Machine.Run($"cat /proc/{_units.Show(unit, "MainPID")}/cgroup");
        Assert.Contains(unit, groups, StringComparison.Ordinal);
        _service.LetGo("long");
        _service.UntilNoted("long", "start 1 end 1");
        Assert.Contains("can start units of this rule", Check(expectedExitCode: 0), StringComparison.Ordinal);

        _service.Deliver("greedy", "head -c 300000000 /dev/zero | tail; test $AUTOCRUNCH_ATTEMPT -gt 1 || exit 3");
        _service.UntilNoted("greedy", "start 1 start 2 end 2");
        Assert.Contains("exhausted", Log("greedy", 1), StringComparison.OrdinalIgnoreCase);
    }

    [SystemdFact]
    public void A_unit_that_takes_too_long_or_is_cancelled_ends_with_all_its_processes()
    {
        _units.Begin(3, dispatcher => dispatcher["Timeout"] = "00:00:02");
        _service.Deliver("slow", WithGrandchildren + InstalledService.UntilLetGo("slow"));
        UntilEnded(1);
        Assert.Equal("slow|2||15\nslow|2||15\nslow|2||15", Summary("slow"));
        Assert.Equal(0, _units.Processes(Grandchild));

        _units.Begin(3);
        _service.Deliver("unwanted", WithGrandchildren + InstalledService.UntilLetGo("unwanted"));
        _service.Deliver("stopped", InstalledService.UntilLetGo("stopped"));
        _service.UntilNoted("unwanted", "start 1");
        _service.UntilNoted("stopped", "start 1");
        Wait.Until(() => _units.Processes(Grandchild) > 0);
        Machine.Run("autocrunch cancel " + IdOf("unwanted"));
        Assert.Equal("4|2", _service.Ledger("SELECT state, reason FROM jobs WHERE CAST(name AS TEXT) = 'unwanted'"));
        Assert.Equal(0, _units.Processes(Grandchild));

        // By somebody else: that says nothing about the job.
        _units.Manage("stop " + _units.UnitOf("stopped"));
        _service.UntilNoted("stopped", "start 1 start 2");
        _service.LetGo("stopped");
        _service.UntilNoted("stopped", "start 1 start 2 end 2");
        UntilEnded(2);
        Assert.Equal("0", _service.Ledger("SELECT sum(failures) FROM jobs"));
        UntilNothingIsLeft();
    }

    [SystemdFact]
    public void Every_byte_of_paths_arguments_and_environment_arrives()
    {
        const string text = "a \"b\" 'c' $d $$ %n %% \\e \\x41 {{f}} -- ~ * ; & | # `g` !";
        string expanded = text.Replace("{{f}}", "{f}", StringComparison.Ordinal);
        const string tell = """
            #!/bin/sh
            cat /proc/$$/cmdline /proc/$$/environ >"/srv/told/$AUTOCRUNCH_JOB_ID"

            """;
        Machine.Write("/usr/local/bin/tell=it", tell, (UnixFileMode)0b111_101_101);
        Machine.Run("rm -rf /srv/told; install -d -m 777 /srv/told");
        _units.Begin(2, dispatcher =>
        {
            dispatcher["Command"] = new JsonArray("/usr/local/bin/tell=it", "{path}", text, "", "ä\n\t=");
            dispatcher["Environment"] = new JsonObject { ["TEXT"] = text + "\nä", ["EMPTY"] = "" };
        });

        // Every byte there is but NUL and '/', in two names.
        Machine.Run("""
            cd /srv/incoming; umask 022
            low=$(i=1; while [ $i -lt 128 ]; do [ $i = 47 ] || printf '\\%03o' $i; i=$((i+1)); done)
            high=$(i=128; while [ $i -lt 256 ]; do printf '\\%03o' $i; i=$((i+1)); done)
            for name in "$low" "$high"; do : >"$(printf "$name.")"; done
            """);
        Wait.Until(() => _service.Ledger("SELECT count(*) FROM jobs") == "2");
        UntilEnded(2);
        Assert.Equal("2", _service.Ledger("SELECT count(*) FROM attempts WHERE result = 0"));

        for (int job = 1; job <= 2; job++)
        {
            string id = job.ToString(CultureInfo.InvariantCulture);
            string[] told = File.ReadAllText(Machine["/srv/told/" + id], Encoding.Latin1).Split('\0');
            string name = Convert.ToHexString(Encoding.Latin1.GetBytes(told[2]["/srv/incoming/".Length..]));
            Assert.Equal(_service.Ledger($"SELECT hex(name) FROM jobs WHERE id = {id}"), name);
            Assert.True(name.Length > 2 * 126, name);
            Assert.Equal(["/bin/sh", "/usr/local/bin/tell=it"], told[..2]);
            Assert.Equal([expanded, "", Latin("ä") + "\n\t="], told[3..6]);
            Assert.Contains("AUTOCRUNCH_PATH=" + told[2], told);
            Assert.Contains("TEXT=" + text + "\n" + Latin("ä"), told);
            Assert.Contains("EMPTY=", told);
        }
    }

    [SystemdFact]
    public void Running_units_survive_restart_and_kill_of_the_service()
    {
        _units.Begin(4);
        _service.Deliver("long", WithGrandchildren + InstalledService.UntilLetGo("long"));
        _service.Deliver("fails", InstalledService.UntilLetGo("fails") + "; test $AUTOCRUNCH_ATTEMPT -gt 1 || exit 9");
        _service.Deliver("short", InstalledService.UntilLetGo("short"));
        foreach (string name in new[] { "long", "fails", "short" })
            _service.UntilNoted(name, "start 1");

        Machine.Run("systemctl restart autocrunch");
        int before = _service.Pid;
        Machine.Run("systemctl kill --signal=KILL --kill-whom=main autocrunch");
        _service.UntilActive(before);
        Assert.Equal(3, _units.Count());

        // One ends while nobody is there to see it.
        Machine.Run("systemctl stop autocrunch");
        _service.LetGo("short");
        Wait.Until(() => _units.Count() == 2);
        _service.UntilNoted("short", "start 1 end 1");
        const string stateOfShort = "SELECT state FROM jobs WHERE CAST(name AS TEXT) = 'short'";
        Assert.Equal("1", _service.Ledger(stateOfShort));
        Machine.Run("systemctl start autocrunch");
        Wait.Until(() => _service.Ledger(stateOfShort) == "2");

        _service.LetGo("long");
        _service.UntilNoted("long", "start 1 end 1");
        _service.LetGo("fails");
        _service.UntilNoted("fails", "start 1 start 2 end 2");
        UntilEnded(3);
        Assert.Equal("fails|1|9|\nfails|0|0|\nlong|0|0|\nshort|0|0|", Summary("fails", "long", "short"));
        Assert.Equal(0, _units.Processes(Grandchild));
        UntilNothingIsLeft();
    }

    [SystemdFact]
    public void An_outcome_that_may_not_be_read_is_waited_for_and_one_that_says_nothing_fails_its_attempt()
    {
        _units.Begin(4);
        _service.Deliver("done");
        UntilEnded(1);
        var files = new Dictionary<string, string>();
        foreach (string name in new[] { "corrupt", "empty", "unreadable" })
        {
            _service.Deliver(name, InstalledService.UntilLetGo(name));
            _service.UntilNoted(name, "start 1");
            files[name] = "/var/lib/autocrunch/outcomes/" + Path.GetFileNameWithoutExtension(_units.UnitOf(name));
        }

        Machine.Run("systemctl stop autocrunch");
        foreach (string name in files.Keys)
            _service.LetGo(name);
        Wait.Until(() => _units.Count() == 0);
        string left = files["empty"][..files["empty"].IndexOf("-3-", StringComparison.Ordinal)] + "-1-1.begun";
        Machine.Run($"echo nonsense >{files["corrupt"]}; : >{files["empty"]}; touch {left}; "
            + $"chown root {files["unreadable"]}; chmod 0 {files["unreadable"]}; systemctl start autocrunch");
        _service.UntilNoted("corrupt", "start 1 end 1 start 2 end 2");
        _service.UntilNoted("empty", "start 1 end 1 start 2 end 2");
        Wait.Until(() => _service.Journal().Contains(
            "how far its unit is cannot be seen at present", StringComparison.Ordinal));
        Assert.Equal("1", _service.Ledger("SELECT state FROM jobs WHERE CAST(name AS TEXT) = 'unreadable'"));

        Machine.Run($"chown autocrunch {files["unreadable"]}; chmod 600 {files["unreadable"]}");
        UntilEnded(4);
        Assert.Equal("corrupt|1||\ncorrupt|0|0|\nempty|1||\nempty|0|0|\nunreadable|0|0|",
            Summary([.. files.Keys]));
        Assert.Contains("its outcome cannot be read", _service.Journal(), StringComparison.Ordinal);
        UntilNothingIsLeft(); // nor what an earlier life had left of the first job
    }

    [SystemdFact]
    public void Killed_at_any_moment_of_a_submission_the_service_runs_nothing_twice()
    {
        const int count = 40;
        _units.Begin(4, dropIn: "RestartSec=100ms");
        Machine.Run($"cd {InstalledService.Incoming}; umask 022; "
            + $"for i in $(seq {count}); do echo 'sleep 0.1' >/srv/$i; mv /srv/$i .; done");
        var random = new Random(4711);
        for (int life = 0; life < 4; life++)
        {
            int before = _service.Pid;
            Wait.RandomMoment(random, TimeSpan.FromMilliseconds(300));
            Machine.Run("systemctl kill --signal=KILL autocrunch");
            _service.UntilActive(before);
        }

        UntilEnded(count);
        for (int i = 1; i <= count; i++)
        {
            // What was killed before its unit began has another number, and has not run under the first.
            string noted = _service.Noted(i.ToString(CultureInfo.InvariantCulture));
            Assert.Matches("^start ([0-9]) end \\1$", noted);
        }

        UntilNothingIsLeft();
    }

    [SystemdFact]
    public void Without_its_service_manager_jobs_wait_and_what_it_lost_runs_again()
    {
        // The sandbox of strict.conf, as its comment has it for this.
        _units.Begin(2, dropIn: "ProtectSystem=strict\nProtectHome=read-only\nPrivateTmp=yes\nPrivateDevices=yes\n"
            + "ProtectProc=invisible\nProcSubset=pid\nReadWritePaths=/srv/records");
        _service.Deliver("running", InstalledService.UntilLetGo("running"));
        _service.UntilNoted("running", "start 1");
        Machine.Run($"systemctl kill --signal=KILL {_units.Manager}");
        Wait.Until(() => Machine.TryRun($"systemctl is-active {_units.Manager}").ExitCode != 0);
        _service.Deliver("waiting");
        Wait.Until(() => _service.Journal() is var journal
            && journal.Contains("loginctl enable-linger", StringComparison.Ordinal)
            && journal.Contains("jobs cannot start at present", StringComparison.Ordinal));
        Assert.Contains("has to run without a login", Check(expectedExitCode: 1), StringComparison.Ordinal);

        Machine.Run($"systemctl reset-failed {_units.Manager}; systemctl start {_units.Manager}");
        _service.UntilNoted("waiting", "start 1 end 1");
        _service.UntilNoted("running", "start 1 start 2");
        _service.LetGo("running");
        _service.UntilNoted("running", "start 1 start 2 end 2");
        UntilEnded(2);
        Assert.Equal("0", _service.Ledger("SELECT sum(failures) FROM jobs"));
        UntilNothingIsLeft();
    }

    [SystemdFact]
    public void Two_hundred_units_run_at_once()
    {
        const int count = 200;
        Machine.Run("rm -f /srv/gate; mkfifo -m 666 /srv/gate");
        _units.Begin(count, dispatcher => dispatcher["Command"] = new JsonArray("/bin/cat", "/srv/gate"));
        Machine.Run($"cd {InstalledService.Incoming}; for i in $(seq {count}); do : >/srv/$i; mv /srv/$i .; done");
        Wait.Until(() => _units.Count() == count, 2 * Wait.Bound);
        long[] starts =
        [
            .. _units.Manage("show --value --property=ExecMainStartTimestampMonotonic 'autocrunch-*'")
                .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(long.Parse),
        ];
        Assert.Equal(count, starts.Length);
        Machine.Run("systemctl restart autocrunch");
        Assert.Equal(count, _units.Count());
        Wait.Until(() =>
        {
            Machine.TryRun("timeout 0.2 sh -c ': >/srv/gate'");
            return _service.Ledger("SELECT count(*) FROM jobs WHERE state < 2") == "0";
        });
        Assert.Equal("200|1|0", _service.Ledger("SELECT count(*), max(number), max(result) FROM attempts"));
        string figure = string.Create(
            CultureInfo.InvariantCulture,
            $"{count} units of systemd at once: {(starts.Max() - starts.Min()) / 1000.0 / count:F1} ms each to start");
        output.WriteLine(figure);
        if (Environment.GetEnvironmentVariable("AUTOCRUNCH_TESTS_REPORT") is { Length: > 0 } folder)
            File.WriteAllText(Path.Combine(folder, "units.txt"), figure + "\n");
        UntilNothingIsLeft();
    }

    private static string Latin(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    private string Summary(params string[] names) => string.Join('\n', _service.Ledger(Results).Split('\n')
        .Where(line => names.Contains(line.Split('|')[0])));

    private string IdOf(string name) =>
        _service.Ledger($"SELECT id FROM jobs WHERE CAST(name AS TEXT) = '{name}'");

    private string Log(string name, int? attempt = null) => Machine.Run(
        $"autocrunch show {IdOf(name)} --log" + (attempt is null ? "" : $" --attempt {attempt}"));

    private string Check(int expectedExitCode)
    {
        (int exitCode, string said, string error) = Machine.TryRun("runuser -u autocrunch -- autocrunch check");
        Assert.True(exitCode == expectedExitCode, said + error);
        return said;
    }

    // Of so many jobs; a file that was just delivered may not be one yet.
    private void UntilEnded(int count) => Wait.Until(
        () => _service.Ledger("SELECT count(*) || ' of ' || total(state >= 2) FROM jobs")
            == string.Create(CultureInfo.InvariantCulture, $"{count} of {count:F1}"), 2 * Wait.Bound);

    // What was kept of attempts goes when they are recorded, and their units with them.
    private void UntilNothingIsLeft()
    {
        Wait.Until(() => !Directory.EnumerateFiles(Machine["/var/lib/autocrunch/outcomes"]).Any());
        Wait.Until(() => _units.Count() == 0);
    }
}
