using System.Globalization;
using System.Text.Json.Nodes;

namespace AutoCrunch.Tests.Systemd;

/// <summary>
/// The package installed in a container that tests share one after the other; each begins with an empty ledger and
/// an empty watched directory. Senders are another user, a member of the service's group.
/// </summary>
public sealed class InstalledService : IDisposable
{
    /// <summary>The watched directory of <see cref="Begin"/>.</summary>
    public const string Incoming = "/srv/incoming";

    private const string Configuration = "/etc/autocrunch/appsettings.json";
    private const string Records = "/srv/records";
    private const string DropIns = "/etc/systemd/system/autocrunch.service.d";

    // The job does what its file says, and notes when it starts and ends. What is noted is one write each.
    private const string Job = $"""
        #!/bin/sh
        echo "start $AUTOCRUNCH_NAME $AUTOCRUNCH_ATTEMPT" >>{Records}
        . "$AUTOCRUNCH_PATH" || exit
        echo "end $AUTOCRUNCH_NAME $AUTOCRUNCH_ATTEMPT" >>{Records}

        """;

    private readonly Lazy<Package> _package = new();
    private readonly Lazy<Container> _machine;

    // Lazy: a fixture is made even if all its tests are skipped.
    public InstalledService() => _machine = new Lazy<Container>(Install);

    /// <summary>What is installed.</summary>
    public Package Package => _package.Value;

    internal Container Machine => _machine.Value;

    /// <summary>The process of the service.</summary>
    public int Pid => int.Parse(Show("MainPID"), CultureInfo.InvariantCulture);

    /// <summary>A property of the unit.</summary>
    public string Show(string property) => Machine.Run($"systemctl show -P {property} autocrunch");

    /// <summary>
    /// Starts afresh: a rule <c>raw</c> that takes everything at once, one job at a time, with short times to end.
    /// </summary>
    /// <param name="dropIn">Lines for the unit's section Service.</param>
    /// <param name="change">Changes the section AutoCrunch.</param>
    internal void Begin(string dropIn = "", Action<JsonObject>? change = null)
    {
        Machine.Run($"""
            systemctl stop autocrunch; systemctl reset-failed autocrunch 2>/dev/null
            rm -rf /var/lib/autocrunch/* {Incoming} {Records} {DropIns} /srv/go*
            install -d -o autocrunch -g autocrunch -m 2770 {Incoming}
            install -m 666 /dev/null {Records}
            """);
        if (dropIn.Length > 0)
            Machine.Write($"{DropIns}/test.conf", $"[Service]\n{dropIn}\n");
        Configure(change);
        Machine.Run("systemctl daemon-reload; systemctl start autocrunch");
    }

    /// <summary>Writes the configuration as an operator edits it: without a start.</summary>
    internal void Configure(Action<JsonObject>? change = null)
    {
        JsonObject section = JsonNode.Parse($$"""
            { "StateDirectory": "/var/lib/autocrunch", "RuntimeDirectory": "/run/autocrunch",
              "ShutdownGrace": "00:00:01",
              "Rules": { "raw": {
                "Path": "{{Incoming}}",
                "Completion": { "QuietPeriod": "00:00:01", "ZeroMtime": "Process", "OwnerOnly": "Process" },
                "Dispatcher": { "Command": ["/usr/local/bin/job"], "Concurrency": 1, "KillGrace": "00:00:01" },
                "Retry": { "Delay": "00:00:00" } } } }
            """)!.AsObject();
        change?.Invoke(section);
        WriteConfiguration(new JsonObject { ["AutoCrunch"] = section }.ToJsonString());
    }

    /// <summary>Writes the configuration file.</summary>
    internal void WriteConfiguration(string text) => Machine.Write(Configuration, text);

    /// <summary>A sender brings a file by rsync; its text is what the job does.</summary>
    internal void Deliver(string name, string script = "true")
    {
        Machine.Write($"/srv/outgoing/{name}", script + "\n");
        Machine.Run($"runuser -u sender -- rsync -t --chmod=F640 /srv/outgoing/{name} {Incoming}/");
    }

    /// <summary>The text of a job that goes on until <see cref="LetGo"/>.</summary>
    internal static string UntilLetGo(string name) => $"while [ ! -e /srv/go-{name} ]; do sleep 0.05; done";

    /// <summary>Lets such a job end.</summary>
    internal void LetGo(string name) => Machine.Write($"/srv/go-{name}", "");

    /// <summary>What the jobs of a file have noted, one after the other: "start 1 end 1".</summary>
    internal string Noted(string name) => string.Join(' ',
        from line in File.ReadLines(Machine[Records])
        let words = line.Split(' ')
        where words[1] == name
        select $"{words[0]} {words[2]}");

    /// <summary>Waits until the jobs of a file have noted exactly this.</summary>
    internal void UntilNoted(string name, string expected) => Wait.Until(
        () => Noted(name) == expected, expression: $"the jobs of {name}: {expected}");

    /// <summary>Waits until every job has ended.</summary>
    internal void UntilAllEnded() => Wait.Until(() => Ledger("SELECT count(*) FROM jobs WHERE state < 2") == "0");

    /// <summary>Asks the ledger of the running or stopped service.</summary>
    internal string Ledger(string sql) =>
        Tool.Run("sqlite3", "-readonly", Machine["/var/lib/autocrunch/ledger.db"], sql).TrimEnd('\n');

    /// <summary>Waits until the service is up, under another process id when one is given.</summary>
    internal void UntilActive(int before = 0) => Wait.Until(
        () => Pid is var pid && pid != 0 && pid != before && Show("ActiveState") == "active", 2 * Wait.Bound);

    /// <summary>Whether any process of the service's user is there, but for its service manager.</summary>
    internal static bool HasProcesses(Container machine) => machine.TryRun(
        "grep -lsw \"^Uid:.*$(id -u autocrunch)\" /proc/[0-9]*/status | xargs -r grep -LsE "
        + "'^Name:.(systemd|\\(sd-pam\\))$' | grep -q .").ExitCode == 0;

    /// <summary>What the journal has of the unit, as text.</summary>
    internal string Journal(string options = "") =>
        Machine.Run($"journalctl --sync; journalctl -u autocrunch --no-pager -o cat {options}");

    public void Dispose()
    {
        if (_machine.IsValueCreated)
            _machine.Value.Dispose();
        if (_package.IsValueCreated)
            _package.Value.Dispose();
    }

    private Container Install()
    {
        var machine = new Container();
        machine.CopyIn(Package.Deb, "/root/autocrunch.deb");
        machine.Run("dpkg -i /root/autocrunch.deb");
        machine.Run("useradd --groups autocrunch sender");
        machine.Write("/usr/local/bin/job", Job, (UnixFileMode)0b111_101_101);
        return machine;
    }
}

/// <summary>The tests that share the container.</summary>
[CollectionDefinition(Name)]
public sealed class InstalledServiceTests : ICollectionFixture<InstalledService>
{
    public const string Name = "the package in a container";
}
