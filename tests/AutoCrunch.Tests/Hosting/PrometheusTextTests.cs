using System.Diagnostics.Metrics;
using AutoCrunch.Hosting;

namespace AutoCrunch.Tests.Hosting;

/// <summary>What node_exporter reads: Prometheus' text format, version 0.0.4.</summary>
public sealed class PrometheusTextTests : IDisposable
{
    private readonly Meter _meter = new("AutoCrunch.Tests");

    public void Dispose() => _meter.Dispose();

    [Fact]
    public void Counters_add_up_by_their_labels()
    {
        Counter<long> files = _meter.CreateCounter<long>("a.files", "{file}", "Files.");
        using var text = new PrometheusText(_meter);
        files.Add(2, new("rule", "raw"), new KeyValuePair<string, object?>("evidence", "quiet"));
        files.Add(1, new("rule", "fits"), new KeyValuePair<string, object?>("evidence", "quiet"));
        files.Add(3, new("rule", "raw"), new KeyValuePair<string, object?>("evidence", "quiet"));
        Assert.Equal(
            """
            # HELP a_files_total Files.
            # TYPE a_files_total counter
            a_files_total{rule="fits",evidence="quiet"} 1
            a_files_total{rule="raw",evidence="quiet"} 5

            """,
            text.Write());
    }

    [Fact]
    public void What_is_observed_is_looked_up_at_each_writing_and_never_added_up()
    {
        int looks = 0;
        _meter.CreateObservableGauge("b.bytes", () => (long)(++looks * 10), "By", "Bytes.");
        _meter.CreateObservableCounter("c.overflows", () => 7L, "{overflow}", "Overflows.");
        using var text = new PrometheusText(_meter);
        text.Write();
        Assert.Equal(
            """
            # HELP b_bytes_bytes Bytes.
            # TYPE b_bytes_bytes gauge
            b_bytes_bytes 20
            # HELP c_overflows_total Overflows.
            # TYPE c_overflows_total counter
            c_overflows_total 7

            """,
            text.Write());
    }

    [Fact]
    public void Durations_fall_into_buckets_that_add_up()
    {
        Histogram<double> taken = _meter.CreateHistogram<double>("d.duration", "s", "Taken.");
        using var text = new PrometheusText(_meter);
        foreach (double seconds in new[] { 0.01, 0.5, 5000 })
            taken.Record(seconds, new KeyValuePair<string, object?>("rule", "raw"));
        string[] lines = text.Write().Split('\n');
        Assert.Contains("# TYPE d_duration_seconds histogram", lines);
        Assert.Contains("d_duration_seconds_bucket{rule=\"raw\",le=\"0.01\"} 1", lines);
        Assert.Contains("d_duration_seconds_bucket{rule=\"raw\",le=\"1\"} 2", lines);
        Assert.Contains("d_duration_seconds_bucket{rule=\"raw\",le=\"3600\"} 2", lines);
        Assert.Contains("d_duration_seconds_bucket{rule=\"raw\",le=\"+Inf\"} 3", lines);
        Assert.Contains("d_duration_seconds_sum{rule=\"raw\"} 5000.51", lines);
        Assert.Contains("d_duration_seconds_count{rule=\"raw\"} 3", lines);
    }

    [Fact]
    public void Another_meter_is_not_listened_to()
    {
        using var other = new Meter("AutoCrunch.Tests");
        using var text = new PrometheusText(_meter);
        other.CreateCounter<long>("e").Add(1);
        Assert.Empty(text.Write());
    }

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://x", true)]
    [InlineData("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://x", true)]
    [InlineData("", false)]
    [InlineData("OTEL_SERVICE_NAME=x", false)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://x OTEL_SDK_DISABLED=true", false)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://x OTEL_METRICS_EXPORTER=none", false)]
    public void Metrics_are_sent_when_the_environment_names_where(string environment, bool isWanted)
    {
        Dictionary<string, string> variables = environment.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);
        Assert.Equal(isWanted, OtlpExport.IsWanted(variables.GetValueOrDefault));
    }
}
