using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Tests.Hosting;

namespace AutoCrunch.Tests.Dispatch;

/// <summary>What ended units have left is removed, and nothing else.</summary>
public sealed class LeftoverTests : IDisposable
{
    private const string Prefix = "autocrunch-0123abcd-";

    private readonly DispatchRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void Only_what_recorded_attempts_of_this_ledger_left_is_removed()
    {
        _rig.Start("case $1 in */1.raw) [ $AUTOCRUNCH_ATTEMPT = 2 ] ;; *) until [ -e go ]; do sleep 0.1; done ;; esac");
        _rig.Complete("1.raw");
        _rig.WaitForAll();
        _rig.Complete("2.raw");
        Wait.Until(() => _rig.Jobs() is [{ State: JobState.Succeeded }, { State: JobState.Running }]);
        string[] others =
        [
            Prefix + "1-3.ready", Prefix + "2-1.begun", Prefix + "3-1", Prefix + "x-1", Prefix + "1",
            "autocrunch-00000000-1-1", "other",
        ];
        foreach (string name in others.Append(Prefix + "1-1").Append(Prefix + "1-2.begun"))
            _rig.Directory.Write("outcomes/" + name);

        UnitSweep.Run(_rig.Directory["outcomes"], Prefix, _rig.Ledger, new ListLogger<LeftoverTests>());

        Assert.Equal(
            others.Order(StringComparer.Ordinal),
            Directory.GetFiles(_rig.Directory["outcomes"].ToString()).Select(Path.GetFileName)
                .Order(StringComparer.Ordinal));
        _rig.Directory.Write("out/go");
        _rig.WaitForAll();
    }
}
