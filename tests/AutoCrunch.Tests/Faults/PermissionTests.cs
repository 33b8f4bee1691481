using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Faults;

/// <summary>
/// Permissions that are taken away and given back under a service that has no right to override them.
/// </summary>
public sealed class PermissionTests : IDisposable
{
    private readonly FaultyService _faulty = new(new RuleText { Concurrency = 1 });

    public void Dispose() => _faulty.Dispose();

    private ServiceUnderTest Service => _faulty.Service;

    [RequiresFact(RequiresFactAttribute.Root, "setpriv")]
    public void What_arrives_in_directories_that_cannot_be_read_runs_when_they_can()
    {
        Directory.CreateDirectory(Path.Combine(Service.Incoming(), "sub"));
        _faulty.StartWithoutRights();
        _faulty.Arrive("a");
        _faulty.UntilRan("a");

        Change("000", "incoming/sub");
        _faulty.Arrive("sub/b");
        string line = Service.UntilLogged("incoming/sub", "EACCES");
        Assert.Contains("namei -l", line, StringComparison.Ordinal);
        Change("755", "incoming/sub");
        _faulty.UntilRan("a", "sub/b");

        Change("000", "incoming");
        _faulty.Arrive("c");
        Service.UntilLogged("'" + Service.Incoming() + "'", "EACCES");
        Change("755", "incoming");
        _faulty.UntilRan("a", "sub/b", "c");
        _faulty.AssertNoneBlamed();
        Service.Stop();
    }

    [RequiresFact(RequiresFactAttribute.Root, "setpriv")]
    public void A_job_whose_file_cannot_be_seen_waits_and_lets_others_pass()
    {
        string release = Path.Combine(Service.Base, "release");
        Service.Configure(new RuleText { Concurrency = 1, Job = [$"wait-for={release}"] });
        Directory.CreateDirectory(Path.Combine(Service.Incoming(), "sub"));
        _faulty.StartWithoutRights();
        foreach (string name in new[] { "1", "sub/2", "3" })
        {
            _faulty.Arrive(name);
            Service.UntilLogged($"Complete: {name} ");
        }

        Change("000", "incoming/sub");
        File.WriteAllText(release, "");
        Service.UntilLogged("waits, and is tried again until its file can be looked at: sub/2", "EACCES");
        _faulty.UntilRan("1", "3");
        Change("755", "incoming/sub");

        _faulty.UntilRan("1", "sub/2", "3");
        _faulty.AssertNoneBlamed();
        Service.Stop();
    }

    [RequiresFact(RequiresFactAttribute.Root, "setpriv")]
    public void Jobs_wait_while_the_state_directory_cannot_be_written()
    {
        _faulty.StartWithoutRights();
        _faulty.Arrive("a");
        _faulty.UntilRan("a");
        Change("555", "state");
        Change("555", "state/logs/0");
        _faulty.Arrive("b");
        string line = Service.UntilLogged("jobs cannot start at present", "state/logs/0", "EACCES");
        Assert.Contains("Give the user that AutoCrunch runs as access", line, StringComparison.Ordinal);
        Change("755", "state/logs/0");
        Service.UntilLogged("jobs start again");
        _faulty.UntilRan("a", "b");
        Change("755", "state");
        _faulty.AssertNoneBlamed();
        Service.Stop();
    }

    [RequiresFact(RequiresFactAttribute.Root, "setpriv")]
    public void A_working_directory_that_is_away_fails_no_job()
    {
        string work = Directory.CreateDirectory(Path.Combine(Service.Base, "work")).FullName;
        Service.Configure(new RuleText { Dispatcher = """{ "WorkingDirectory": "work" }""" });
        _faulty.StartWithoutRights();
        Directory.Delete(work);
        _faulty.Arrive("a");
        Service.UntilLogged("jobs cannot start at present", "working directory", "ENOENT");
        Directory.CreateDirectory(work);
        _faulty.UntilRan("a");
        _faulty.AssertNoneBlamed();
        Service.Stop();
    }

    private void Change(string mode, string path) => Tool.Run("chmod", mode, Path.Combine(Service.Base, path));
}
