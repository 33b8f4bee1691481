namespace AutoCrunch.Tests.Engines;

/// <summary>Jobs as processes of the service.</summary>
public sealed class ProcessConformanceTests : CommandConformance
{
    protected override string Engine => "\"Type\": \"Process\"";

    protected override bool Outlives => false;
}
