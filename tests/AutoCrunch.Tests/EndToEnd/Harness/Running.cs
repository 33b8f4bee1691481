using System.Diagnostics;
using System.Text;

namespace AutoCrunch.Tests.EndToEnd.Harness;

/// <summary>A process that runs beside the test, and what it has written so far.</summary>
internal sealed class Running : IDisposable
{
    private readonly StringBuilder _text = new();
    private readonly Process _process;

    public Running(
        string program, IEnumerable<string> arguments, string directory, params KeyValuePair<string,
            string>[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Append(line.Data);
        _process.ErrorDataReceived += (_, line) => Append(line.Data);
        _process.Start();
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Pid => _process.Id;

    public bool HasEnded => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>Both streams so far, line by line.</summary>
    public string Text
    {
        get
        {
            lock (_text)
                return _text.ToString();
        }
    }

    /// <summary>Waits for the end, and for the last of what it wrote.</summary>
    public int UntilEnded()
    {
        Wait.Until(() => HasEnded);
        _process.WaitForExit();
        return ExitCode;
    }

    public void Dispose()
    {
        if (!HasEnded)
        {
            Kill.Send(Pid, Kill.Terminate);
            if (!_process.WaitForExit(TimeSpan.FromSeconds(20)))
                Kill.Send(Pid, Kill.ForGood);
        }

        _process.Dispose();
    }

    private void Append(string? line)
    {
        if (line is null)
            return;
        lock (_text)
            _text.Append(line).Append('\n');
    }
}
