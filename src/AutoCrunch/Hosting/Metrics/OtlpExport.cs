using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace AutoCrunch.Hosting;

/// <summary>
/// Sends the metrics by OTLP when OpenTelemetry's own environment variables ask for it; nothing of OpenTelemetry is
/// even loaded otherwise.
/// </summary>
internal static class OtlpExport
{
    // A receiver that does not answer must not hold up the end of the service.
    private const int LastSendMs = 1000;

    /// <summary>True when an endpoint is named, and neither the SDK nor its metrics are switched off.</summary>
    /// <param name="variable">Reads an environment variable.</param>
    public static bool IsWanted(Func<string, string?> variable) =>
        (!string.IsNullOrEmpty(variable("OTEL_EXPORTER_OTLP_ENDPOINT"))
            || !string.IsNullOrEmpty(variable("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")))
        && !string.Equals(variable("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase)
        && !string.Equals(variable("OTEL_METRICS_EXPORTER"), "none", StringComparison.OrdinalIgnoreCase);

    /// <summary>Begins to send; the last numbers are sent when it is disposed of.</summary>
    public static IDisposable Start(Func<string, string?> variable)
    {
        bool hasName = !string.IsNullOrEmpty(variable("OTEL_SERVICE_NAME"))
            || (variable("OTEL_RESOURCE_ATTRIBUTES") ?? "").Contains("service.name=", StringComparison.Ordinal);
        MeterProviderBuilder builder = Sdk.CreateMeterProviderBuilder().AddMeter(ServiceMetrics.MeterName);
        if (!hasName)
            builder.ConfigureResource(resource => resource.AddService("autocrunch"));
        return new Sending(builder.AddOtlpExporter().Build());
    }

    private sealed class Sending(MeterProvider provider) : IDisposable
    {
        public void Dispose()
        {
            provider.Shutdown(LastSendMs);
            provider.Dispose();
        }
    }
}
