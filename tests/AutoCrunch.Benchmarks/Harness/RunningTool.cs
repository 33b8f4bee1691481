using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using AutoCrunch.Linux;

namespace AutoCrunch.Benchmarks;

/// <summary>What the processes of a tool have used.</summary>
/// <param name="CpuSeconds">Their own time; not that of children that have ended.</param>
/// <param name="PeakBytes">The most memory each has held (VmHWM), together.</param>
/// <param name="ResidentBytes">What they hold now.</param>
/// <param name="WakeUps">How often a thread of theirs has waited and gone on.</param>
internal readonly record struct ToolUsage(double CpuSeconds, long PeakBytes, long ResidentBytes, long WakeUps);

/// <summary>A tool in a session of its own, watching a directory. Ended with all processes of that session.</summary>
internal sealed class RunningTool : IDisposable
{
    private const int SaidChars = 2_000;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);
    private static readonly double s_ticksPerSecond = double.Parse(
        Shell.Run("getconf", "CLK_TCK"), CultureInfo.InvariantCulture);

    private readonly Process _process;
    private readonly string _outputFile;
    private readonly Socket? _notifications;
    private readonly long _started = Stopwatch.GetTimestamp();
    private bool _isEnded;

    private RunningTool(Process process, string outputFile, Socket? notifications)
    {
        _process = process;
        _outputFile = outputFile;
        _notifications = notifications;
    }

    public int Pid => _process.Id;

    /// <summary>The end of what it has printed: of a run that fails, all that is left.</summary>
    public string Said
    {
        get
        {
            string said = File.ReadAllText(_outputFile);
            return said[Math.Max(0, said.Length - SaidChars)..];
        }
    }

    /// <summary>Milliseconds from exec to READY=1.</summary>
    public double ReadyMs { get; private set; }

    /// <summary>Starts a program; what it prints goes to a file.</summary>
    /// <param name="outputFile">That file.</param>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="notifySocket">Where it says that it is ready; null for one that does not.</param>
    public static RunningTool Start(string outputFile, IEnumerable<string> command, string? notifySocket = null)
    {
        Socket? socket = null;
        var start = new ProcessStartInfo(
            "setsid", ["sh", "-c", "exec \"$@\" >>\"$0\" 2>&1 </dev/null", outputFile, .. command]);
        if (notifySocket is not null)
        {
            File.Delete(notifySocket);
            socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.Bind(new UnixDomainSocketEndPoint(notifySocket));
            socket.ReceiveTimeout = (int)s_patience.TotalMilliseconds;
            start.Environment["NOTIFY_SOCKET"] = notifySocket;
        }

        start.Environment["DOTNET_EnableDiagnostics"] = "0";    // as the unit sets it
        return new RunningTool(Process.Start(start)!, outputFile, socket);
    }

    /// <summary>Waits for READY=1.</summary>
    public void AwaitReady()
    {
        if (ReadyMs > 0)
            return;
        byte[] message = new byte[4096];
        string state = "";
        while (!state.Contains("READY=1", StringComparison.Ordinal))
            state = Encoding.UTF8.GetString(message, 0, _notifications!.Receive(message));
        ReadyMs = Stopwatch.GetElapsedTime(_started).TotalMilliseconds;
    }

    /// <summary>Waits until it holds so many inotify watches, which needs no word of its own.</summary>
    public void AwaitWatches(int count)
    {
        bool isWatching = Patience.Until(() => _process.HasExited || Members().Any(pid => Watches(pid) >= count),
            TimeSpan.FromMinutes(1), stepMs: 2);
        if (!isWatching || _process.HasExited)
            throw new InvalidOperationException("a tool does not watch its directory");
    }

    public ToolUsage Usage()
    {
        ToolUsage sum = default;
        foreach (int pid in Members())
        {
            try
            {
                string[] stat = File.ReadAllText($"/proc/{pid}/stat").Split(") ")[^1].Split(' ');
                double ticks = double.Parse(stat[11], CultureInfo.InvariantCulture)
                    + double.Parse(stat[12], CultureInfo.InvariantCulture);
                string status = $"/proc/{pid}/status";
                sum = new ToolUsage(
                    sum.CpuSeconds + (ticks / s_ticksPerSecond),
                    sum.PeakBytes + (1024 * Field(status, "VmHWM:")),
                    sum.ResidentBytes + (1024 * Field(status, "VmRSS:")),
                    sum.WakeUps + Directory.EnumerateDirectories($"/proc/{pid}/task")
                        .Sum(task => Field($"{task}/status", "voluntary_ctxt_switches:")));
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }

        return sum;
    }

    /// <summary>What each thread has used so far: processor time to the nanosecond, and wake-ups.</summary>
    public Dictionary<string, (double Ms, long WakeUps)> ThreadTimes() => Members()
        .SelectMany(pid => Directory.EnumerateDirectories($"/proc/{pid}/task"))
        .ToDictionary(
            task => $"{File.ReadAllText($"{task}/comm").Trim()} {Path.GetFileName(task)}",
            task => (
                double.Parse(File.ReadAllText($"{task}/schedstat").Split(' ')[0], CultureInfo.InvariantCulture) / 1e6,
                Field($"{task}/status", "voluntary_ctxt_switches:")),
            StringComparer.Ordinal);

    /// <summary>Stops all its processes where they are.</summary>
    public void Freeze() => Signal("STOP");

    public void Thaw() => Signal("CONT");

    /// <summary>Asks it to end and waits until it has; what is left of its session then is killed.</summary>
    public void Dispose()
    {
        if (_isEnded)
            return;
        _isEnded = true;
        Signal("TERM");
        if (!_process.WaitForExit(TimeSpan.FromSeconds(30)) || Members().Count > 0)
        {
            Patience.Until(() => Members().Count == 0, TimeSpan.FromSeconds(2));
            Signal("KILL");
        }

        _process.WaitForExit();
        _process.Dispose();
        _notifications?.Dispose();
    }

    private List<int> Members() => [.. ProcessTable.InSession(Pid).Select(process => process.Pid)];

    private void Signal(string name)
    {
        List<int> members = Members();
        if (members.Count == 0)
            return;
        using Process kill = Process.Start("kill", [$"-{name}", .. members.Select(pid => $"{pid}")]);
        kill.WaitForExit();
    }

    private static long Field(string file, string name)
    {
        foreach (string line in File.ReadLines(file))
        {
            if (line.StartsWith(name, StringComparison.Ordinal))
                return long.Parse(
                    line.AsSpan(name.Length).Trim().TrimEnd("kB").Trim(), CultureInfo.InvariantCulture);
        }

        return 0;
    }

    private static int Watches(int pid)
    {
        try
        {
            return Directory.EnumerateFiles($"/proc/{pid}/fdinfo").Max(file =>
                File.ReadLines(file).Count(line => line.StartsWith("inotify wd:", StringComparison.Ordinal)));
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            return 0;
        }
    }
}
