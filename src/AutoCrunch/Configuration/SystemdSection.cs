namespace AutoCrunch.Configuration;

/// <summary>A section <c>Dispatcher</c> of type <c>Systemd</c> as written.</summary>
internal sealed class SystemdSection : ProcessSection
{
    [Setting("Properties of each job's unit, by the names of systemd.exec(5), systemd.resource-control(5) and "
        + "systemd.service(5). Type Systemd only.",
        Example = "{ \"MemoryMax\": \"8G\", \"CPUQuota\": \"200%\", \"Nice\": \"10\" }")]
    public Dictionary<string, string> Properties { get; set; } = [];
}
