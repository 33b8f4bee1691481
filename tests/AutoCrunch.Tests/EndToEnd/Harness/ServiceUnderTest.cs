using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using AutoCrunch.Core;

namespace AutoCrunch.Tests.EndToEnd.Harness;

/// <summary>
/// The real service as a child process, in a directory of its own: appsettings.json, incoming/, state/, the records of
/// its jobs. Lives until it is disposed of; may be stopped, killed and started again on the same state.
/// </summary>
internal sealed class ServiceUnderTest : IDisposable
{
    // How long anything that will happen may take on a busy machine.
    private static readonly TimeSpan s_bound = TimeSpan.FromSeconds(60);

    private const string Memory = "/dev/shm";

    private readonly List<string> _temporaries = [];
    private readonly JsonObject _settings;
    private string[] _wrapper = [];
    private string _earlierLog = "";
    private Running? _running;
    private NotifySocket? _notify;
    private int _markers;

    public ServiceUnderTest(params RuleText[] rules)
        : this("{}", rules)
    {
    }

    /// <param name="settings">Members of the section AutoCrunch besides the rules, as JSON text.</param>
    /// <param name="rules">The rules; one that runs the job under test on everything when there is none.</param>
    public ServiceUnderTest(string settings, params RuleText[] rules)
        : this(settings, Path.GetTempPath(), rules)
    {
    }

    private ServiceUnderTest(string settings, string parent, RuleText[] rules)
    {
        Base = NewDirectory(parent);
        OtherFileSystem = NewDirectory(Memory);
        Records = new JobRecords(Path.Combine(Base, "records"));
        Rules = rules.Length == 0 ? [new RuleText()] : rules;
        Arguments = ["run", "--config", ConfigurationFile];
        _settings = JsonNode.Parse(settings)!.AsObject();
        Configure(Rules);
    }

    /// <summary>One whose directory is in memory: for so many files that a disk would be what is waited for.</summary>
    public static ServiceUnderTest InMemory(string minimumLevel, RuleText rule) =>
        new("{}", Memory, [rule]) { MinimumLevel = minimumLevel };

    /// <summary>
    /// One whose directory is in another one, and which is started by a program that makes it its only child.
    /// </summary>
    public static ServiceUnderTest InAnotherPlace(string parent, string[] wrapper, string settings, RuleText rule) =>
        new(settings, parent, [rule]) { _wrapper = wrapper };

    /// <summary>The built service.</summary>
    public static string Program => Path.Combine(AppContext.BaseDirectory, "autocrunch.dll");

    /// <summary>The service's own directory.</summary>
    public string Base { get; }

    /// <summary>A directory on another file system.</summary>
    public string OtherFileSystem { get; }

    public string ConfigurationFile => Path.Combine(Base, "appsettings.json");

    /// <summary>What the service is started with.</summary>
    public string[] Arguments { get; set; }

    public JobRecords Records { get; }

    public RuleText[] Rules { get; private set; }

    /// <summary>The process id of the running service.</summary>
    public int Pid => _wrapper.Length == 0 ? _running!.Pid : Kill.OnlyChildOf(_running!.Pid);

    /// <summary>What the service wrote to stdout and stderr, in all its lives.</summary>
    public string Log => _earlierLog + _running?.Text;

    /// <summary>True once this life of the service has said READY=1.</summary>
    public bool IsReady => _notify?.Has("READY=1") ?? false;

    /// <summary>What the log shows: Serilog's MinimumLevel, as JSON text.</summary>
    public string MinimumLevel
    {
        get;
        init
        {
            field = value;
            Configure(Rules);
        }
    } = "\"Debug\"";

    /// <summary>True while the process is there.</summary>
    public bool IsRunning => _running is { HasEnded: false };

    /// <summary>True when this life has ended with exit code 0.</summary>
    public bool HasEndedWell => _running is { HasEnded: true, ExitCode: 0 };

    /// <summary>How many lines of this life's log contain a text.</summary>
    public int LogCount(string text) =>
        _running!.Text.Split('\n').Count(line => line.Contains(text, StringComparison.Ordinal));

    /// <summary>The directory of a rule; of the first one without a name.</summary>
    public string Incoming(string? rule = null) => Path.Combine(Base, RuleOf(rule).Path);

    /// <summary>Writes appsettings.json anew, for the next start.</summary>
    public void Configure(params RuleText[] rules)
    {
        Rules = rules;
        JsonObject section = _settings.DeepClone().AsObject();
        section["Rules"] = new JsonObject(
            rules.Select(rule => KeyValuePair.Create(rule.Name, (JsonNode?)rule.ToJson(Records.File))));
        var root = new JsonObject
        {
            ["AutoCrunch"] = section,
            ["Serilog"] = new JsonObject { ["MinimumLevel"] = JsonNode.Parse(MinimumLevel) },
        };
        File.WriteAllText(ConfigurationFile, root.ToJsonString());
    }

    /// <summary>Starts the service and waits until it says READY=1.</summary>
    /// <returns>The time that took.</returns>
    public TimeSpan Start()
    {
        long startTime = Stopwatch.GetTimestamp();
        Launch(_wrapper);
        Until(() => IsReady || !IsRunning, () => "READY=1");
        TimeSpan taken = Stopwatch.GetElapsedTime(startTime);
        if (!IsRunning)
            Fail("The service ended before it was ready");
        return taken;
    }

    /// <summary>Starts the service and waits for nothing.</summary>
    /// <param name="wrapper">A program, with arguments, that starts it in its turn; none: as it is.</param>
    public void Launch(params string[] wrapper)
    {
        Assert.False(IsRunning);
        _earlierLog = Log;
        _running?.Dispose();
        _notify?.Dispose();
        _notify = new NotifySocket(Path.Combine(Base, "notify"));
        string[] command = [.. wrapper, "dotnet", Program, .. Arguments];
        _running = new Running(
            command[0], command[1..], Base, KeyValuePair.Create("NOTIFY_SOCKET", _notify.Path));
    }

    /// <summary>Ends the service by SIGTERM and asserts that it says STOPPING=1 and ends with exit code 0.</summary>
    /// <returns>The time that took.</returns>
    public TimeSpan Stop()
    {
        long startTime = Stopwatch.GetTimestamp();
        Kill.Send(Pid, Kill.Terminate);
        Until(() => !IsRunning, () => "the end of the service after SIGTERM");
        TimeSpan taken = Stopwatch.GetElapsedTime(startTime);
        if (_running!.ExitCode != 0)
            Fail($"exit code {_running.ExitCode} after SIGTERM");
        Until(() => _notify!.Has("STOPPING=1"), () => "STOPPING=1");
        return taken;
    }

    /// <summary>Ends the service by SIGKILL; its jobs go on.</summary>
    public void KillForGood()
    {
        Kill.Send(Pid, Kill.ForGood);
        Until(() => !IsRunning, () => "the end of the service after SIGKILL");
    }

    /// <summary>The exit code, once the service has ended and all it said is in <see cref="Log"/>.</summary>
    public int ExitCode => _running!.UntilEnded();

    /// <summary>Ends the service by SIGKILL, if it runs.</summary>
    public void KillIfRunning()
    {
        if (IsRunning)
            KillForGood();
    }

    /// <summary>Waits for a fact; what is known is in the message if it does not come.</summary>
    public void Until(Func<bool> isTrue, Func<string> what)
    {
        long startTime = Stopwatch.GetTimestamp();
        bool isOver = false;
        Wait.Until(() => isTrue() || (isOver = Stopwatch.GetElapsedTime(startTime) > s_bound), 2 * s_bound);
        if (isOver)
            Fail($"not within {s_bound.TotalSeconds} s: {what()}");
    }

    /// <summary>Waits for a fact for as long as there is hope of it.</summary>
    public void Until(Func<bool> isTrue, Func<bool> isHopeless, Func<string> what)
    {
        bool isOver = false;
        Wait.Until(() => isTrue() || (isOver = isHopeless()), TimeSpan.FromHours(2));
        if (isOver)
            Fail($"no progress any more: {what()}");
    }

    /// <summary>Waits for a line of the log that contains all of <paramref name="parts"/>.</summary>
    public string UntilLogged(params string[] parts)
    {
        string? found = null;
        Until(
            () => (found = Log.Split('\n').FirstOrDefault(
                line => parts.All(part => line.Contains(part, StringComparison.Ordinal)))) is not null,
            () => "a log line with " + string.Join(" and ", parts));
        return found!;
    }

    /// <summary>
    /// Waits until everything that has happened so far has had its consequences: a file written in place now needs the
    /// whole quiet period, so when its job has run, every earlier event was processed and every earlier quiet period is
    /// over; then no job is queued or running.
    /// </summary>
    public void Quiesce(string? rule = null)
    {
        RuleText text = RuleOf(rule);
        string name = $"marker-{++_markers}.raw", path = Path.Combine(Incoming(rule), name);
        if (text.MarkerByRename)
        {
            File.WriteAllText(Path.Combine(Base, name), name);
            File.Move(Path.Combine(Base, name), path);
        }
        else
        {
            File.WriteAllText(path, name);
        }

        BytePath marker = BytePath.Parse(path);
        Until(
            () => Records.Read().Any(r => r.Path == marker && r.Rule == text.Name && r.End is not null),
            () => $"the job of {path}");
        UntilIdle();
    }

    /// <summary>Waits until no job is queued or running.</summary>
    public void UntilIdle()
    {
        using var ledger = new LedgerView(Base);
        Until(() => ledger.UnfinishedJobs() == 0, () => "no job queued or running");
    }

    /// <summary>The jobs' starts, without those of markers.</summary>
    public IReadOnlyList<JobRecord> Started() =>
        [.. Records.Read().Where(record => !record.Path.Name.Span.StartsWith("marker-"u8))];

    /// <summary>Fails the test, showing the end of the log and of the records.</summary>
    [DoesNotReturn]
    public void Fail(string message)
    {
        string log = Log;
        Assert.Fail($"""
            {message}
            --- the last records
            {string.Join('\n', Records.Read().TakeLast(20))}
            --- the end of the service's log ({Base})
            {log[Math.Max(0, log.Length - 6000)..]}
            """);
    }

    public void Dispose()
    {
        _running?.Dispose();
        foreach (int pid in Kill.ProcessesWith(Base))
            Kill.Send(pid, Kill.ForGood);
        _notify?.Dispose();
        foreach (string directory in _temporaries)
            Command.Run("rm", ["-rf", "--", directory], most: TimeSpan.FromMinutes(10)); // of a million files
    }

    private RuleText RuleOf(string? name) => name is null ? Rules[0] : Rules.Single(rule => rule.Name == name);

    private string NewDirectory(string parent)
    {
        string path = Directory.CreateDirectory(
            Path.Combine(parent, "autocrunch-" + Guid.NewGuid().ToString("N")[..12])).FullName;
        _temporaries.Add(path);
        return path;
    }
}
