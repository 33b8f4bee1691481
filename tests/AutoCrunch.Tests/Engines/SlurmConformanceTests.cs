using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Engines;

/// <summary>Jobs in Slurm.</summary>
[Collection(SlurmGroup.Name)]
public sealed class SlurmConformanceTests(SlurmCluster cluster) : CommandConformance
{
    protected override string Engine =>
        $"\"Type\": \"Slurm\", \"Interval\": \"00:00:01\", \"SharedDirectory\": \"{cluster.SharedDirectory}\"";

    protected override bool Outlives => true;

    protected override string Grace => ""; // KillWait in slurm.conf

    private protected override void Start(ServiceUnderTest service)
    {
        service.Launch("env", "SLURM_CONF=" + cluster.Configuration);
        service.Until(() => service.IsReady, () => "READY=1");
    }
}
