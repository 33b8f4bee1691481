using System.Globalization;
using System.Text.Json.Nodes;

namespace AutoCrunch.Tests.Systemd;

/// <summary>
/// The installed service with a rule of type Systemd, and the service manager of its user, in which the jobs run.
/// </summary>
internal sealed class JobUnits(InstalledService service)
{
    private const string Own = "runuser -u autocrunch -- env XDG_RUNTIME_DIR=/run/user/$(id -u autocrunch)";

    /// <summary>The unit of the user's manager.</summary>
    public string Manager => $"user@{service.Machine.Run("id -u autocrunch")}.service";

    /// <summary>Starts afresh, with no unit left of another test.</summary>
    /// <param name="concurrency">How many jobs at once.</param>
    /// <param name="change">Changes the rule's section Dispatcher.</param>
    /// <param name="dropIn">Lines for the service's own unit.</param>
    public void Begin(int concurrency = 2, Action<JsonObject>? change = null, string dropIn = "")
    {
        service.Machine.Run($"systemctl stop autocrunch; systemctl start {Manager}");
        Wait.Until(() => service.Machine.TryRun($"{Own} systemctl --user is-system-running").Output.TrimEnd()
            is "running" or "degraded");
        Manage("stop 'autocrunch-*'");
        service.Begin(dropIn, section =>
        {
            JsonObject dispatcher = section["Rules"]!["raw"]!["Dispatcher"]!.AsObject();
            dispatcher["Type"] = "Systemd";
            dispatcher["Concurrency"] = concurrency;
            change?.Invoke(dispatcher);
        });
    }

    /// <summary>Asks the user's manager.</summary>
    public string Manage(string arguments) => service.Machine.Run($"{Own} systemctl --user {arguments}");

    /// <summary>The unit of the attempt that runs for a file.</summary>
    public string UnitOf(string name) =>
        Manage($"list-units --plain --no-legend --full 'autocrunch-*' | grep ': {name}$'").Split(' ')[0];

    /// <summary>A property of a running unit.</summary>
    public string Show(string unit, string property) => Manage($"show --value --property={property} {unit}");

    /// <summary>Units of jobs that are there.</summary>
    public int Count() => int.Parse(
        Manage("list-units --plain --no-legend 'autocrunch-*' | wc -l"), CultureInfo.InvariantCulture);

    /// <summary>Processes of the machine whose arguments match this; not the one that looks.</summary>
    public int Processes(string pattern) => int.Parse(
        service.Machine.TryRun(
            $"cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -o '{pattern}' | wc -l").Output,
        CultureInfo.InvariantCulture);
}
