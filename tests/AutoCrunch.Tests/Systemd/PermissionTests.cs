using System.Globalization;
using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace AutoCrunch.Tests.Systemd;

/// <summary>What the service may do: as an ordinary user, with files of others, in both sandboxes.</summary>
[Collection(InstalledServiceTests.Name)]
public sealed partial class PermissionTests(InstalledService service, ITestOutputHelper output)
{
    // linux/capability.h: CAP_LEASE is 28.
    private const string LeaseAlone = "0000000010000000";
    private const string None = "0000000000000000";

    private readonly InstalledService _service = service;

    private Container Machine => _service.Machine;

    [SystemdFact]
    public void It_is_an_unprivileged_user_with_one_capability_and_its_jobs_have_none()
    {
        _service.Begin();
        Machine.Run("install -m 666 /dev/null /srv/status");
        _service.Deliver("who", "cat /proc/self/status >/srv/status");
        _service.UntilNoted("who", "start 1 end 1");

        string user = Machine.Run("id -u autocrunch");
        string[] capabilities = ["CapPrm", "CapEff", "CapBnd", "CapAmb"];
        string service = Machine.Run($"cat /proc/{_service.Pid}/status");
        Assert.Equal(user, Field(service, "Uid"));
        Assert.All(capabilities, name => Assert.Equal(LeaseAlone, Field(service, name)));
        Assert.Equal("1", Field(service, "NoNewPrivs"));
        string job = File.ReadAllText(Machine["/srv/status"]);
        Assert.Equal(user, Field(job, "Uid"));
        Assert.All(capabilities.Except(["CapBnd"]), name => Assert.Equal(None, Field(job, name)));
    }

    [SystemdFact]
    public void A_file_of_another_user_waits_for_its_writer_by_lease()
    {
        _service.Begin();
        // Written in place, mode 0640, its time set while it is still open: nothing but the lease knows of the writer.
        Machine.Begin("umask 027; exec 3>/srv/incoming/open; echo true >&3; touch -d 2020-01-01 /srv/incoming/open; "
            + InstalledService.UntilLetGo("open"));
        Wait.Until(() => File.Exists(Machine["/srv/incoming/open"]));
        // Files that come later, and are as quiet as that one, are done.
        Machine.Run("runuser -u sender -- sh -c 'umask 027; echo true >/srv/incoming/closed'");
        _service.UntilNoted("closed", "start 1 end 1");
        Machine.Run("runuser -u sender -- sh -c 'umask 027; echo true >/srv/incoming/closed-later'");
        _service.UntilNoted("closed-later", "start 1 end 1");
        Assert.Equal("", _service.Noted("open"));

        _service.LetGo("open");
        _service.UntilNoted("open", "start 1 end 1");
        Assert.Equal("sender autocrunch 640", Machine.Run("stat -c '%U %G %a' /srv/incoming/open"));
    }

    [SystemdFact]
    public void A_file_or_directory_it_may_not_read_is_a_clear_message()
    {
        _service.Begin();
        Machine.Write("/srv/outgoing/private", "true\n");
        Machine.Run("""
            runuser -u sender -- rsync -a --chmod=F600 /srv/outgoing/private /srv/incoming/
            runuser -u sender -- mkdir -m 700 /srv/incoming/closed
            """);
        _service.UntilNoted("private", "start 1 start 2 start 3");
        _service.UntilAllEnded();
        Assert.Equal("3", _service.Ledger("SELECT state FROM jobs"));
        Wait.Until(() => _service.Journal() is var journal
            && PrivateFile().IsMatch(journal) && journal.Contains("/srv/incoming/closed", StringComparison.Ordinal));
        output.WriteLine(_service.Journal("-p warning"));
        _service.Deliver("readable");
        _service.UntilNoted("readable", "start 1 end 1");
    }

    [SystemdFact]
    public void In_the_default_sandbox_jobs_write_wherever_the_user_may()
    {
        Machine.Run("for d in /srv /home /opt /usr/local /var/tmp /tmp; do install -d -o autocrunch $d/open; done");
        _service.Begin();
        Assert.InRange(Exposure(), 0, 5.0);
        _service.Deliver("writer",
            "set -e; for d in /srv /home /opt /usr/local /var/tmp /tmp; do : >$d/open/file; chmod g+s $d/open; done");
        _service.UntilNoted("writer", "start 1 end 1");
    }

    [SystemdFact]
    public void In_the_strict_sandbox_jobs_write_only_where_it_says()
    {
        Machine.Run("install -d -o autocrunch /srv/reduced /srv/elsewhere");
        string[] lines = Machine.Run("cat /usr/share/doc/autocrunch/examples/strict.conf").Split('\n');
        _service.Begin(string.Join('\n', lines.Where(line => line != "[Service]"))
            + "\nReadWritePaths=/srv/records");
        Assert.InRange(Exposure(), 0, 2.5);
        _service.Deliver(
            "writer", ": >/srv/reduced/file; : >/var/lib/autocrunch/file; (: >/srv/elsewhere/file) || true");
        _service.UntilNoted("writer", "start 1 end 1");
        Assert.Equal("/srv/reduced/file\n/var/lib/autocrunch/file", Machine.Run(
            "ls /srv/reduced/file /var/lib/autocrunch/file /srv/elsewhere/file 2>/dev/null || true"));
    }

    private double Exposure()
    {
        string unit = "/usr/lib/systemd/system/autocrunch.service";
        (int exitCode, string said, string error) = Machine.TryRun($"systemd-analyze verify --man=no {unit}");
        Assert.True(exitCode == 0, said + error);
        Assert.Equal("", said + error);
        string overall = Machine.Run("systemd-analyze security autocrunch --no-pager").Split('\n')[^1];
        output.WriteLine(overall);
        return double.Parse(Figure().Match(overall).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    // The first value of a line of /proc/PID/status, proc(5).
    private static string Field(string status, string name) =>
        status.Split('\n').Single(line => line.StartsWith(name + ":", StringComparison.Ordinal)).Split('\t')[1];

    [GeneratedRegex(@"exposure level for autocrunch\.service: ([0-9.]+)")]
    private static partial Regex Figure();

    [GeneratedRegex("private.*Permission denied|Permission denied.*private")]
    private static partial Regex PrivateFile();
}
