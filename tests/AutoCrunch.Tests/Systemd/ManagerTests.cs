using System.Text.Json;
using Xunit.Abstractions;

namespace AutoCrunch.Tests.Systemd;

/// <summary>What an operator sees of the service with systemctl and journalctl, and what its watchdog does.</summary>
[Collection(InstalledServiceTests.Name)]
public sealed class ManagerTests(InstalledService service, ITestOutputHelper output)
{
    private readonly InstalledService _service = service;

    private Container Machine => _service.Machine;

    [SystemdFact]
    public void Its_status_line_says_what_it_does()
    {
        _service.Begin();
        _service.Deliver("running", InstalledService.UntilLetGo("running"));
        _service.UntilNoted("running", "start 1");
        _service.Deliver("queued");
        Wait.Until(() => StatusLine().Contains(
            "1 rule, 1 running, 1 queued, 0 held; last arrival ", StringComparison.Ordinal));
        output.WriteLine(StatusLine());
        _service.LetGo("running");
        _service.UntilNoted("queued", "start 1 end 1");
        Wait.Until(() => StatusLine().Contains("0 running, 0 queued", StringComparison.Ordinal));
    }

    [SystemdFact]
    public void Its_messages_are_in_the_journal_with_their_values_as_fields()
    {
        _service.Begin();
        _service.Deliver("night.raw", "echo 'no dark frame' >&2; test $AUTOCRUNCH_ATTEMPT -gt 1");
        _service.UntilNoted("night.raw", "start 1 start 2 end 2");
        _service.UntilAllEnded();
        string life = "_SYSTEMD_INVOCATION_ID=" + _service.Show("InvocationID");
        string job = _service.Ledger("SELECT max(id) FROM jobs");

        JsonElement[] entries = [];
        Wait.Until(() => (entries = Entries($"AUTOCRUNCH_RULE=raw AUTOCRUNCH_JOB={job} {life}"))
            .Any(entry => Field(entry, "MESSAGE").Contains("succeeded", StringComparison.Ordinal)));
        JsonElement success = entries.Last(
            entry => Field(entry, "MESSAGE").Contains("succeeded", StringComparison.Ordinal));
        Assert.Equal("2", Field(success, "AUTOCRUNCH_ATTEMPT"));
        Assert.Equal("night.raw", Path.GetFileName(Field(success, "AUTOCRUNCH_PATH")));
        Assert.NotEqual("", Field(success, "AUTOCRUNCH_EVENT_ID"));
        Assert.NotEqual("", Field(success, "CODE_NAMESPACE"));
        Assert.Equal("autocrunch", Field(success, "SYSLOG_IDENTIFIER"));
        Assert.Equal("6", Field(success, "PRIORITY"));
        Assert.Equal("autocrunch.service", Field(success, "_SYSTEMD_UNIT"));
        Assert.Contains(entries, entry => Field(entry, "PRIORITY") == "4"
            && Field(entry, "MESSAGE").Contains("no dark frame", StringComparison.Ordinal));
    }

    [SystemdFact]
    public void A_service_that_hangs_is_started_again_and_loses_nothing()
    {
        _service.Begin("WatchdogSec=3s");
        _service.Deliver("running", InstalledService.UntilLetGo("running"));
        _service.UntilNoted("running", "start 1");
        int before = _service.Pid;

        Machine.Run("systemctl kill --signal=STOP --kill-whom=main autocrunch");
        _service.Deliver("meanwhile");
        _service.UntilActive(before);
        Assert.Equal("1", _service.Show("NRestarts"));
        Assert.Contains("Watchdog timeout", _service.Journal(), StringComparison.Ordinal);
        _service.LetGo("running");
        _service.UntilNoted("running", "start 1 start 2 end 2");
        _service.UntilNoted("meanwhile", "start 1 end 1");
    }

    private string StatusLine() => _service.Show("StatusText");

    // JSON as journalctl prints it: one object a line.
    private JsonElement[] Entries(string matches) =>
    [
        .. Machine.Run($"journalctl --sync; journalctl --no-pager -o json {matches}")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<JsonElement>(line)),
    ];

    private static string Field(JsonElement entry, string name) =>
        entry.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : "";
}
