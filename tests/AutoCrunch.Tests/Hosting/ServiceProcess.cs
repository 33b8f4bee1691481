using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Hosting;

/// <summary>
/// The program as operators have it: a process of its own, in a directory of its own, that tells when it is ready
/// through $NOTIFY_SOCKET. Disposing of it kills it if it still runs.
/// </summary>
internal sealed class ServiceProcess : IDisposable
{
    private readonly TempDirectory _own = new();
    private readonly Process _process;
    private readonly Socket _manager;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    /// <param name="directory">Where it runs.</param>
    /// <param name="arguments">The verb and its options.</param>
    public ServiceProcess(TempDirectory directory, params string[] arguments)
        : this(directory, [], [Program, .. arguments])
    {
    }

    private ServiceProcess(TempDirectory directory, Dictionary<string, string?> environment, string[] command)
    {
        string socket = _own["notify"].ToString();
        _manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)
        {
            ReceiveTimeout = (int)Wait.Bound.TotalMilliseconds,
        };
        _manager.Bind(new UnixDomainSocketEndPoint(socket));
        Tool.Run("chmod", "777", socket); // the service may run as another user

        var start = new ProcessStartInfo(command[0], command[1..])
        {
            WorkingDirectory = directory.Text,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["NOTIFY_SOCKET"] = socket;
        start.Environment["DOTNET_ENVIRONMENT"] = "Production";
        foreach ((string name, string? value) in environment)
            start.Environment[name] = value;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(_error, line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The program that was built with these tests.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "autocrunch");

    public int Pid => _process.Id;

    /// <summary>What it wrote to standard output so far: the log, or a verb's result.</summary>
    public string Output => Text(_output);

    /// <summary>What it wrote to standard error so far.</summary>
    public string Error => Text(_error);

    /// <summary>Starts it through other means.</summary>
    /// <param name="directory">Where it runs.</param>
    /// <param name="environment">Variables set, or removed where null.</param>
    /// <param name="command">What is executed.</param>
    public static ServiceProcess Of(
        TempDirectory directory, Dictionary<string, string?> environment, params string[] command) =>
        new(directory, environment, command);

    /// <summary>The next change of its state that it tells the service manager: "READY=1".</summary>
    public string NextState()
    {
        string told;
        do
            told = NextNotification();
        while (told is not ("READY=1" or "STOPPING=1"));
        return told;
    }

    /// <summary>The next thing it tells the service manager, whatever it is.</summary>
    public string NextNotification()
    {
        byte[] buffer = new byte[1024];
        try
        {
            return Encoding.UTF8.GetString(buffer, 0, _manager.Receive(buffer));
        }
        catch (SocketException)
        {
            Assert.Fail($"No notification.\n{Output}{Error}");
            throw;
        }
    }

    /// <summary>Waits until it is ready.</summary>
    public ServiceProcess Ready()
    {
        Assert.Equal("READY=1", NextState());
        return this;
    }

    public void Signal(int signal) => Tool.Run("kill", $"-{signal}", $"{Pid}");

    /// <summary>Waits for its end; returns the exit code (128 + signal when one ended it).</summary>
    public int ExitCode()
    {
        if (!_process.WaitForExit(Wait.Bound))
            Assert.Fail($"Still running.\n{Output}{Error}");
        _process.WaitForExit(); // until the output has been read to its end, too
        return _process.ExitCode;
    }

    /// <summary>SIGTERM, and the exit code.</summary>
    public int Stop()
    {
        Signal(Signals.SIGTERM);
        return ExitCode();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true); // what it was started through, too
            _process.WaitForExit();
        }

        _process.Dispose();
        _manager.Dispose();
        _own.Dispose();
    }

    private static void Keep(StringBuilder text, string? line)
    {
        if (line is null)
            return;
        lock (text)
            text.Append(line).Append('\n');
    }

    private static string Text(StringBuilder text)
    {
        lock (text)
            return text.ToString();
    }
}
