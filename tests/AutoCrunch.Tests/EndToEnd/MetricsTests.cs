using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>The running service's metrics, where operators collect them.</summary>
public sealed class MetricsTests
{
    [Fact]
    public void Metrics_are_written_for_node_exporter_and_sent_by_otlp()
    {
        using var receiver = new OtlpReceiver();
        using var service = new ServiceUnderTest(
            """{ "MetricsFile": "autocrunch.prom" }""",
            new RuleText
            {
                Command = ["sh", "-c", "case \"$0\" in *bad*) exit 1;; esac", "{path}"],
                Retry = """{ "Delay": "01:00:00", "MaxDelay": "02:00:00" }""",
            });
        service.Launch(
            "env", $"OTEL_EXPORTER_OTLP_ENDPOINT={receiver.Address}", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            "OTEL_METRIC_EXPORT_INTERVAL=300");
        service.Until(() => service.IsReady, () => "READY=1");
        string incoming = service.Incoming();
        File.WriteAllText(Path.Combine(incoming, "a.raw"), "x");
        File.WriteAllText(Path.Combine(incoming, "bad.raw"), "x");
        service.UntilLogged("Job ", "succeeded: a.raw");
        service.UntilLogged("Job ", "failed: bad.raw");

        string file = Path.Combine(service.Base, "autocrunch.prom");
        string text = "";
        service.Until(
            () => (text = File.ReadAllText(file)).Contains("outcome=\"succeeded\"", StringComparison.Ordinal)
                && text.Contains("result=\"failed\"", StringComparison.Ordinal),
            () => text);
        string[] lines = text.Split('\n');
        Assert.Equal(2, lines.Where(line => line.StartsWith(
            "autocrunch_completions_total{rule=\"raw\",evidence=\"", StringComparison.Ordinal))
            .Sum(line => int.Parse(line[line.LastIndexOf(' ')..], CultureInfo.InvariantCulture)));
        Assert.Contains("autocrunch_jobs_ended_total{rule=\"raw\",outcome=\"succeeded\"} 1", lines);
        Assert.Contains("autocrunch_attempt_duration_seconds_count{rule=\"raw\",result=\"failed\"} 1", lines);
        Assert.Contains("autocrunch_directories_watched{rule=\"raw\"} 1", lines);
        Assert.Contains("autocrunch_jobs_queued{rule=\"raw\"} 1", lines);
        Assert.Contains("autocrunch_overflows_total 0", lines);
        Assert.Contains(lines, line => line.StartsWith("autocrunch_oldest_waiting_seconds{rule=\"raw\"} ",
            StringComparison.Ordinal) && !line.EndsWith(" 0", StringComparison.Ordinal));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
            File.GetUnixFileMode(file));
        Assert.False(File.Exists(file + ".new"));

        string[] parts = ["autocrunch.jobs.ended", "succeeded", "service.name", "autocrunch.kernel.queue"];
        service.Until(() => receiver.Has(parts), () => "all metrics at the receiver");
        service.Stop();
        Assert.False(File.Exists(file));
    }

    [Fact]
    public void Metrics_that_cannot_be_written_are_said_once_and_hold_up_nothing()
    {
        using var service = new ServiceUnderTest("""{ "MetricsFile": "missing/autocrunch.prom" }""");
        service.Start();
        service.UntilLogged("The metrics cannot be written", "missing/autocrunch.prom", "ENOENT");
        service.Quiesce();
        service.Stop();
    }

    [Fact]
    public void A_receiver_that_does_not_answer_does_not_hold_up_the_end()
    {
        using var deaf = new TcpListener(IPAddress.Loopback, 0);
        deaf.Start();
        using var service = new ServiceUnderTest();
        service.Launch(
            "env", $"OTEL_EXPORTER_OTLP_ENDPOINT=http://{deaf.LocalEndpoint}",
            "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_METRIC_EXPORT_INTERVAL=200");
        service.Until(() => service.IsReady, () => "READY=1");
        service.Quiesce();
        Assert.True(service.Stop() < TimeSpan.FromSeconds(30)); // the harness waits for a minute
    }

    /// <summary>Takes what is sent by OTLP over HTTP, as protobuf: the names in it are plain text.</summary>
    private sealed class OtlpReceiver : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly List<string> _bodies = [];

        public OtlpReceiver()
        {
            using (var free = new TcpListener(IPAddress.Loopback, 0))
            {
                free.Start();
                Address = $"http://{free.LocalEndpoint}";
            }

            _listener.Prefixes.Add(Address + "/");
            _listener.Start();
            _ = Task.Run(ReceiveAsync);
        }

        public string Address { get; }

        public int Count
        {
            get
            {
                lock (_bodies)
                    return _bodies.Count;
            }
        }

        public bool Has(params string[] parts)
        {
            lock (_bodies)
                return _bodies.Exists(body => parts.All(part => body.Contains(part, StringComparison.Ordinal)));
        }

        public void Dispose() => _listener.Close();

        private async Task ReceiveAsync()
        {
            try
            {
                while (true)
                {
                    HttpListenerContext request = await _listener.GetContextAsync();
                    using var body = new MemoryStream();
                    await request.Request.InputStream.CopyToAsync(body);
                    if (request.Request.Url!.AbsolutePath == "/v1/metrics")
                        lock (_bodies)
                            _bodies.Add(Encoding.Latin1.GetString(body.ToArray()));
                    request.Response.Close();
                }
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }
}
