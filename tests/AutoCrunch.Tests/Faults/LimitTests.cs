using System.Globalization;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Faults;

/// <summary>
/// A machine that has no descriptor, no process, no memory to give: jobs wait, and none is blamed.
/// </summary>
public sealed class LimitTests : IDisposable
{
    private readonly FaultyService _faulty = new(
        new RuleText { Concurrency = 8, Further = """{ "RescanInterval": "00:00:01" }""" });

    public void Dispose() => _faulty.Dispose();

    private ServiceUnderTest Service => _faulty.Service;

    [RequiresFact(RequiresFactAttribute.Root, "prlimit")]
    public void Without_descriptors_jobs_go_on_and_directories_are_looked_at_again()
    {
        Service.Start();
        _faulty.Arrive("a");
        _faulty.UntilRan("a");
        LimitDescriptors(Service, OpenDescriptors(Service) - 4);
        string directory = Directory.CreateDirectory(Path.Combine(Service.Incoming(), "sub")).FullName;
        File.WriteAllText(Path.Combine(directory, "c"), "content");
        Service.UntilLogged("incoming/sub", "EMFILE", "raise LimitNOFILE= in the unit, or ulimit -n");
        _faulty.Arrive("b");
        Service.UntilLogged("Job ", "b (rule", "succeeded");

        LimitDescriptors(Service, 1000);

        Service.UntilLogged("incoming/sub", "can be read again");
        _faulty.UntilRan("a", "b", "sub/c");
        _faulty.AssertNoneBlamed();
        Service.Stop();
    }

    [RequiresFact(RequiresFactAttribute.Root, "prlimit")]
    public void Without_descriptors_a_job_whose_time_is_over_is_ended_and_the_service_goes_on()
    {
        using var faulty = new FaultyService(new RuleText
        {
            Command = ["sh", "-c", "trap 'rm $0; exit' TERM; touch $0; while :; do sleep 0.1; done", "{path}.runs"],
            Include = ["a"],
            Dispatcher = """{ "Timeout": "00:00:02" }""",
            Retry = """{ "MaxAttempts": 1 }""",
        });
        ServiceUnderTest service = faulty.Service;
        service.Start();
        faulty.Arrive("a");
        string mark = Path.Combine(service.Incoming(), "a.runs");
        service.Until(() => File.Exists(mark), () => "a job that runs");
        LimitDescriptors(service, OpenDescriptors(service) - 4);
        service.Until(() => !File.Exists(mark), () => "its end");

        LimitDescriptors(service, 1000);

        service.UntilLogged("Job 1 failed for good", "ran longer than its Timeout");
        service.Stop();
    }

    [RequiresTheory("gcc")]
    [InlineData(FaultyService.Again, "raise TasksMax= or LimitNPROC= in the unit")]
    [InlineData(FaultyService.NoMemory, "or the unit (MemoryMax=), has no memory left")]
    public void Without_processes_or_memory_jobs_wait(int errno, string advice)
    {
        _faulty.Start();
        _faulty.SpawnFails = errno;
        string[] names = [.. Enumerable.Range(0, 20).Select(i => $"f{i}")];
        foreach (string name in names)
            _faulty.Arrive(name);
        Service.UntilLogged("jobs cannot start at present", advice);
        Assert.Empty(Service.Started());

        _faulty.SpawnFails = 0;

        _faulty.UntilRan(names);
        Service.UntilLogged("jobs start again");
        _faulty.AssertNoneBlamed();
        Assert.Equal(1, _faulty.TimesLogged("jobs cannot start at present"));
        Service.Stop();
    }

    [RequiresFact("gcc")]
    public void A_stop_is_not_kept_waiting_by_what_is_missing()
    {
        _faulty.Start();
        _faulty.SpawnFails = FaultyService.Again;
        _faulty.Arrive("a");
        Service.UntilLogged("jobs cannot start at present");
        Assert.InRange(Service.Stop(), TimeSpan.Zero, TimeSpan.FromSeconds(4));
        _faulty.SpawnFails = 0;
        Service.Start();
        _faulty.UntilRan("a");
        _faulty.AssertNoneBlamed();
        Service.Stop();
    }

    private static int OpenDescriptors(ServiceUnderTest service) =>
        Directory.GetFileSystemEntries($"/proc/{service.Pid}/fd").Length;

    private static void LimitDescriptors(ServiceUnderTest service, int most) => Tool.Run(
        "prlimit", "--pid", service.Pid.ToString(CultureInfo.InvariantCulture),
        string.Create(CultureInfo.InvariantCulture, $"--nofile={most}:"));
}
