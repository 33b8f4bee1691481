using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace AutoCrunch.Benchmarks;

/// <summary>From exec to READY=1 with an empty tree, and from SIGTERM to the end with nothing running.</summary>
internal sealed class StartBenchmark(string workDirectory, int rounds)
{
    public int Run()
    {
        var ready = new List<double>();
        var stopped = new List<double>();
        for (int round = 0; round < rounds; round++)
        {
            using var service = ServiceProcess.Start(workDirectory, "/bin/true", "RenameAndInPlace");
            ready.Add(service.ReadyMs);
            var stopwatch = Stopwatch.StartNew();
            service.Terminate();
            stopped.Add(stopwatch.Elapsed.TotalMilliseconds);
        }

        ready.Sort();
        stopped.Sort();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"exec to READY, empty tree: median {ready[rounds / 2]:F0} ms, max {ready[^1]:F0} ms; "
            + $"SIGTERM to end: median {stopped[rounds / 2]:F0} ms, max {stopped[^1]:F0} ms; {rounds} rounds"));
        return 0;
    }
}

/// <summary>The service under measurement, in a directory of its own.</summary>
internal sealed class ServiceProcess : IDisposable
{
    private const int PatienceMs = 600_000;
    private readonly Process _process;
    private readonly Socket _socket;

    private ServiceProcess(Process process, Socket socket, string incoming, double readyMs)
    {
        _process = process;
        _socket = socket;
        Incoming = incoming;
        ReadyMs = readyMs;
    }

    /// <summary>The watched directory.</summary>
    public string Incoming { get; }

    /// <summary>Milliseconds from exec to READY=1.</summary>
    public double ReadyMs { get; }

    public int Pid => _process.Id;

    /// <summary>The most memory it has held so far (VmHWM, proc(5)).</summary>
    public long PeakBytes => 1024 * long.Parse(
        File.ReadLines($"/proc/{Pid}/status").Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
            .AsSpan(6).Trim().TrimEnd("kB").Trim(),
        CultureInfo.InvariantCulture);

    public static ServiceProcess Start(string workDirectory, string job, string arrivals)
    {
        string home = Path.Combine(workDirectory, "autocrunch-" + Path.GetRandomFileName());
        Directory.CreateDirectory(Path.Combine(home, "incoming"));
        Configure(home, job, arrivals);
        return StartIn(home);
    }

    public static void Configure(string home, string job, string arrivals, string existingFiles = "Process") =>
        File.WriteAllText(Path.Combine(home, "appsettings.json"), $$"""
            { "AutoCrunch": { "Rules": { "raw": { "Path": "incoming", "Include": ["*.raw"],
              "Completion": { "Arrivals": "{{arrivals}}" }, "ExistingFiles": "{{existingFiles}}",
              "Dispatcher": { "Command": ["{{job}}", "{path}"], "Concurrency": 2 } } } },
              "Serilog": { "MinimumLevel": "Warning" } }
            """);

    /// <summary>Starts it in a directory that has its configuration, and waits until it is ready.</summary>
    public static ServiceProcess StartIn(string home)
    {
        string socketPath = Path.Combine(home, "notify");
        File.Delete(socketPath);
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(socketPath));
        socket.ReceiveTimeout = PatienceMs;
        string program = Path.Combine(AppContext.BaseDirectory, "autocrunch.dll");
        var start = new ProcessStartInfo("dotnet", $"exec {program} run --config {home}/appsettings.json");
        start.Environment["NOTIFY_SOCKET"] = socketPath;
        var stopwatch = Stopwatch.StartNew();
        Process process = Process.Start(start)!;
        byte[] message = new byte[4096];
        string state = "";
        while (!state.Contains("READY=1", StringComparison.Ordinal))
            state = Encoding.UTF8.GetString(message, 0, socket.Receive(message));
        return new ServiceProcess(
            process, socket, Path.Combine(home, "incoming"), stopwatch.Elapsed.TotalMilliseconds);
    }

    /// <summary>Asks the service to end and waits until it has.</summary>
    public void Terminate()
    {
        using Process kill = Process.Start("kill", $"-TERM {_process.Id}");
        kill.WaitForExit();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            Terminate();
        _process.Dispose();
        _socket.Dispose();
    }
}
