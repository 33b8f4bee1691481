using System.Globalization;
using AutoCrunch.Tests.EndToEnd.Harness;
using AutoCrunch.Tests.Systemd;

namespace AutoCrunch.Tests.Engines;

/// <summary>
/// Jobs as units of the system's service manager: the service is root, in a container whose machine this test has
/// booted, and its directory is seen on both sides.
/// </summary>
[Collection(SystemdMachineTests.Name)]
public sealed class SystemdConformanceTests(SystemdMachine machine) : CommandConformance
{
    protected override string Engine => "\"Type\": \"Systemd\"";

    protected override bool Outlives => true;

    private protected override ServiceUnderTest Create(string settings, RuleText rule) =>
        ServiceUnderTest.InAnotherPlace(machine.Shared, machine.Enter, settings, rule);
}

/// <summary>A machine with systemd that sees the tests' programs.</summary>
public sealed class SystemdMachine : IDisposable
{
    private readonly TempDirectory _shared = new("/var/tmp");
    private readonly Lazy<Container> _machine;

    // Lazy: a fixture is made even if all its tests are skipped.
    public SystemdMachine() => _machine = new Lazy<Container>(Boot);

    /// <summary>A directory that is there at the same place.</summary>
    public string Shared => _shared.Text;

    /// <summary>What starts a program there.</summary>
    public string[] Enter =>
        ["nsenter", "--target", _machine.Value.Init.ToString(CultureInfo.InvariantCulture), "--all", "--"];

    public void Dispose()
    {
        if (_machine.IsValueCreated)
            _machine.Value.Dispose();
        _shared.Dispose();
    }

    private Container Boot()
    {
        const string runtime = "/usr/share/dotnet";
        var machine = new Container([runtime, AppContext.BaseDirectory.TrimEnd('/')], Shared);
        File.Copy(HelperPrograms.Job, Path.Combine(Shared, "job"));
        machine.Run($"ln -s {runtime}/dotnet /usr/bin/dotnet; install -D {Shared}/job {HelperPrograms.Job}");
        return machine;
    }
}

/// <summary>The tests that share the machine.</summary>
[CollectionDefinition(Name)]
public sealed class SystemdMachineTests : ICollectionFixture<SystemdMachine>
{
    public const string Name = "a machine with systemd that sees the tests' programs";
}
