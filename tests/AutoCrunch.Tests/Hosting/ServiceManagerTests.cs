namespace AutoCrunch.Tests.Hosting;

/// <summary>What a running service tells its manager beside READY and STOPPING.</summary>
public sealed class ServiceManagerTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public ServiceManagerTests() => _directory.Write("appsettings.json", """
        { "AutoCrunch": { "Rules": { "raw": { "Path": "incoming", "Dispatcher": { "Command": ["true"] } } } } }
        """);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void The_status_line_lives()
    {
        using ServiceProcess service = Start([], ServiceProcess.Program).Ready();
        AssertTold(service, "STATUS=1 rule, 0 running, 0 queued, 0 held; no arrival yet");
        _directory.Write("new.raw");
        File.Move(_directory.Text + "/new.raw", _directory.Text + "/incoming/new.raw");
        AssertTold(service, "STATUS=1 rule, 0 running, 0 queued, 0 held; last arrival ");
    }

    [Fact]
    public void The_watchdog_is_fed_as_long_as_events_flow()
    {
        using ServiceProcess service = Start(
            new() { ["WATCHDOG_USEC"] = "300000", ["WATCHDOG_PID"] = null }, ServiceProcess.Program).Ready();
        for (int i = 0; i < 5; i++)
            AssertTold(service, "WATCHDOG=1");
        Assert.True(File.Exists(_directory.Text + "/state/canary"));
    }

    [Fact]
    public void Nobody_who_does_not_ask_is_told_of_the_watchdog()
    {
        using ServiceProcess service = Start(
            new() { ["WATCHDOG_USEC"] = "300000", ["WATCHDOG_PID"] = "1" }, ServiceProcess.Program).Ready();
        AssertTold(service, "STATUS=");
        Assert.False(File.Exists(_directory.Text + "/state/canary"));
    }

    [RequiresFact("strace")]
    public void A_first_scan_that_takes_long_is_told_and_has_the_start_wait()
    {
        string[] directories = [.. Enumerable.Range(0, 10).Select(i => $"{_directory.Text}/incoming/d{i}")];
        foreach (string directory in directories)
            Directory.CreateDirectory(directory);
        using ServiceProcess service = Start(
            [],
            [
                "strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=getdents64:delay_enter=300000",
                .. directories.SelectMany(directory => new[] { "-P", directory }), ServiceProcess.Program,
            ]);
        var told = new List<string>();
        while (!told.Contains("READY=1"))
            told.Add(service.NextNotification());
        Assert.Contains("EXTEND_TIMEOUT_USEC=60000000", told);
        Assert.Contains(told, line => line.StartsWith("STATUS=raw: scanning, ", StringComparison.Ordinal));
    }

    private ServiceProcess Start(Dictionary<string, string?> environment, params string[] command) =>
        ServiceProcess.Of(_directory, environment, command);

    private static void AssertTold(ServiceProcess service, string start)
    {
        string told;
        do
            told = service.NextNotification(); // gives up after a generous time
        while (!told.StartsWith(start, StringComparison.Ordinal));
    }
}
