using System.IO.MemoryMappedFiles;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Faults;

/// <summary>
/// The service under test on file systems of its own, with a clock that can be set and calls that can be made to fail
/// (shim.c), and without root's right to read everything.
/// </summary>
internal sealed class FaultyService : IDisposable
{
    public const int Again = 11;
    public const int NoMemory = 12;
    public const int ReadOnly = 30;

    private const int ControlBytes = 4096;

    private static readonly Lazy<string> s_shim = new(BuildShim);

    private readonly List<string> _mounts = [];
    private readonly string _controlFile;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _control;

    public FaultyService(params RuleText[] rules)
    {
        Service = new ServiceUnderTest("""{ "ShutdownGrace": "00:00:05" }""", rules);
        _controlFile = Path.Combine(Service.OtherFileSystem, "control");
        _file = MemoryMappedFile.CreateFromFile(_controlFile, FileMode.Create, null, ControlBytes);
        _control = _file.CreateViewAccessor();
        Directory.CreateDirectory(Service.Incoming());
        Directory.CreateDirectory(State);
    }

    public ServiceUnderTest Service { get; }

    public string State => Path.Combine(Service.Base, "state");

    /// <summary>How far the service's wall clock is ahead of the machine's.</summary>
    public TimeSpan ClockAhead
    {
        set => _control.Write(0, value.Ticks * TimeSpan.NanosecondsPerTick);
    }

    /// <summary>The errno of posix_spawn.</summary>
    public int SpawnFails
    {
        set => _control.Write(8, (long)value);
    }

    /// <summary>The errno of writes to the ledger.</summary>
    public int LedgerWriteFails
    {
        set => _control.Write(16, (long)value);
    }

    /// <summary>Starts it with the shim.</summary>
    public void Start() => Start("env", $"LD_PRELOAD={s_shim.Value}", $"SHIM_CONTROL={_controlFile}");

    /// <summary>Starts it under the same rules as everybody else, though its user is root.</summary>
    public void StartWithoutRights() => Start("setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--");

    /// <summary>It cannot start: the exit code, and all it said.</summary>
    public (int ExitCode, string Text) StartRefused(params string[] wrapper)
    {
        string before = Service.Log;
        Service.Launch(wrapper);
        Service.Until(() => !Service.IsRunning, () => "the end of a start that cannot succeed");
        int exitCode = Service.ExitCode;
        return (exitCode, Service.Log[before.Length..]);
    }

    /// <summary>A file arrives by a rename.</summary>
    public void Arrive(string name, string content = "content")
    {
        string temporary = Path.Combine(Service.Incoming(), $".{name.Replace('/', '-')}.part0x");
        File.WriteAllText(temporary, content);
        File.Move(temporary, Path.Combine(Service.Incoming(), name));
    }

    /// <summary>Waits until all these files, and nothing else, have run once and to the end.</summary>
    public void UntilRan(params IEnumerable<string> names)
    {
        string[] expected = [.. names.Order(StringComparer.Ordinal)];
        Service.Until(
            () => Service.Records.Read() is var all && all.Count >= expected.Length && all.All(r => r.End is not null),
            () => $"{expected.Length} jobs");
        Assert.Equal(expected, Service.Records.Read().Select(Name).Order(StringComparer.Ordinal));
    }

    /// <summary>All jobs are done, none of them by more than one attempt, and none is blamed.</summary>
    public void AssertNoneBlamed()
    {
        Service.UntilIdle();
        using var ledger = new LedgerView(Service.Base);
        Assert.All(ledger.Jobs(), job =>
            Assert.Equal((LedgerView.Succeeded, 1, 0), (job.State, job.Attempts, job.Failures)));
    }

    /// <summary>What ran until now is of no interest: the file of records was removed.</summary>
    public void ForgetRecords() => Service.Records.Forget();

    /// <summary>How often the log has a line with this.</summary>
    public int TimesLogged(string text) =>
        Service.Log.Split('\n').Count(line => line.Contains(text, StringComparison.Ordinal));

    /// <summary>Mounts a tmpfs on a directory below the service's own, which is made if needed.</summary>
    public string Mount(string place, string options)
    {
        string path = Directory.CreateDirectory(Path.Combine(Service.Base, place)).FullName;
        Tool.Run("mount", "-t", "tmpfs", "-o", options, "tmpfs", path);
        _mounts.Add(path);
        return path;
    }

    public void Remount(string place, string options) =>
        Tool.Run("mount", "-o", "remount," + options, Path.Combine(Service.Base, place));

    /// <summary>Takes all room there is. Returns the file to remove.</summary>
    public string Fill(string place)
    {
        string ballast = Path.Combine(Service.Base, place, "ballast");
        using var file = new FileStream(ballast, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        byte[] block = new byte[4096];
        try
        {
            while (true)
                file.Write(block);
        }
        catch (IOException)
        {
            return ballast;
        }
    }

    public void Dispose()
    {
        Service.KillIfRunning();
        foreach (string mount in _mounts.AsEnumerable().Reverse())
            Tool.TryRun("umount", "-l", mount);
        Service.Dispose();
        _control.Dispose();
        _file.Dispose();
    }

    private void Start(params string[] wrapper)
    {
        Service.Launch(wrapper);
        Service.Until(() => Service.IsReady || !Service.IsRunning, () => "READY=1");
        if (!Service.IsRunning)
            Service.Fail("the service ended before it was ready");
    }

    private string Name(JobRecord record) =>
        record.Path.ToString()[(Service.Incoming().Length + 1)..];

    private static string BuildShim()
    {
        string directory = Directory.CreateTempSubdirectory("autocrunch-shim-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(directory, recursive: true);
        string shim = Path.Combine(directory, "shim.so");
        Tool.Run("gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", shim,
            Path.Combine(AppContext.BaseDirectory, "Faults", "shim.c"));
        return shim;
    }
}
