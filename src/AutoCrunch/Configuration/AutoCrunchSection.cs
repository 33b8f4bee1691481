namespace AutoCrunch.Configuration;

/// <summary>The section <c>AutoCrunch</c> as written. Initial values are the defaults.</summary>
internal sealed class AutoCrunchSection
{
    /// <summary>The section's name.</summary>
    public const string Key = "AutoCrunch";

    [Setting("Directory for the ledger and the logs of jobs, on a local file system. When the key is left out, "
        + "$STATE_DIRECTORY is used if it is set.", Example = "\"state\"")]
    public string StateDirectory { get; set; } = "state";

    [Setting("Directory for what lives only as long as the service, such as the control socket, where "
        + "commands look for it. When empty: $RUNTIME_DIRECTORY if it is set, else StateDirectory.")]
    public string RuntimeDirectory { get; set; } = "";

    [Setting("How many jobs may run at once over all rules. 0 = no limit beyond the rules' own.",
        Min = "0", Max = "100000")]
    public int MaxRunning { get; set; }

    [Setting("How long running jobs may go on when the service is stopped; then they are ended and run again at the "
        + "next start.", Min = "00:00:00", Max = "01:00:00")]
    public TimeSpan ShutdownGrace { get; set; } = TimeSpan.FromSeconds(20);

    [Setting("How long finished jobs are remembered. A file that still exists is never forgotten.",
        Min = "00:01:00", Max = "36500.00:00:00")]
    public TimeSpan KeepHistory { get; set; } = TimeSpan.FromDays(90);

    [Setting("A file into which metrics are written every ten seconds, in Prometheus' text format, for node_exporter's "
        + "textfile collector; its name must end in .prom for that. It is removed when the service stops. When empty: "
        + "none.", Example = "\"/var/lib/prometheus/node-exporter/autocrunch.prom\"")]
    public string MetricsFile { get; set; } = "";

    [Setting("The watch rules by name. A name consists of letters, digits, '_' and '-'. Rules may overlap: each has "
        + "its own jobs.", Required = true, Example = "{ \"raw\": { \"Path\": ..., \"Dispatcher\": ... } }")]
    public Dictionary<string, RuleSection> Rules { get; set; } = [];
}
