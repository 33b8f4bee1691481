using System.Globalization;
using AutoCrunch.Core;

namespace AutoCrunch.Dispatch;

/// <summary>
/// Whether a unit with the properties of a rule can be started: it runs true(1), which does nothing, and is gone.
/// </summary>
/// <param name="manager">Whose units these are.</param>
internal sealed class SystemdCheck(UnitManager manager) : IEngineCheck
{
    private const string TypeKey = "Type";
    private const string PropertiesKey = nameof(SystemdOptions.Properties);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<EngineFinding>> CheckAsync(
        WatchRule rule, DispatcherOptions options, CancellationToken stop)
    {
        var systemd = (SystemdOptions)options;
        var unit = new UnitStart(
            string.Create(
                CultureInfo.InvariantCulture, $"autocrunch-check-{Environment.ProcessId}-{rule.Name}.service"),
            $"AutoCrunch check of rule {rule.Name}",
            [
                "Type=oneshot", "TimeoutStartSec=20s",
                .. systemd.Properties.Select(property => $"{property.Key}={property.Value}"),
            ],
            ["/bin/true"]);
        UnitRefusal? refusal = await manager.TryAsync(unit).WaitAsync(stop).ConfigureAwait(false);
        EngineFinding finding = refusal switch
        {
            null => new EngineFinding(IsError: false, TypeKey, $"{manager.Description} can start units of this rule"),
            { IsUnreachable: true } => new EngineFinding(IsError: true, TypeKey, refusal.Text),
            _ => new EngineFinding(
                IsError: true, PropertiesKey,
                $"{manager.Description} starts no unit with these properties: {refusal.Text}"),
        };
        return [finding];
    }
}
