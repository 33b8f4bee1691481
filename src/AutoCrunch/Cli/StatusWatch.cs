using System.Runtime.InteropServices;
using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;

namespace AutoCrunch.Cli;

/// <summary>
/// <c>status --watch</c>: the state of everything again and again. On a terminal a live screen, which leaves the
/// terminal as it was, however it ends; elsewhere one report after the other.
/// </summary>
internal sealed class StatusWatch : IDisposable
{
    // Enough for the largest terminals.
    private const int JobsMax = 100;
    private const int FilesMax = 200;

    // The alternate screen, without the cursor; and back.
    private const string Enter = "\e[?1049h\e[?25l\e[2J";
    private const string Leave = "\e[?25h\e[?1049l";

    private static readonly TimeSpan s_step = TimeSpan.FromSeconds(1);

    private readonly CompiledConfiguration _configuration;
    private readonly Terminal _terminal;
    private readonly WakeEvent _wake = new();
    private readonly PosixSignalRegistration[] _signals;
    private readonly Dictionary<(string, BytePath), (long SizeBytes, long TimeNs)> _sizes = [];
    private volatile bool _isEnding;

    public StatusWatch(CompiledConfiguration configuration, Terminal terminal)
    {
        _configuration = configuration;
        _terminal = terminal;
        _signals =
        [
            .. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(
                signal => PosixSignalRegistration.Create(signal, End)),
            PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => _wake.Set()),
        ];
    }

    /// <summary>Until q, Ctrl-C or a signal.</summary>
    /// <param name="report">Writes one report, where nothing is drawn.</param>
    /// <param name="isDrawn">As a live screen, on the terminal.</param>
    public void Run(Action<StatusFacts> report, bool isDrawn)
    {
        if (isDrawn)
        {
            RunOnScreen();
            return;
        }

        do
            report(StatusFacts.Read(_configuration, files: 0));
        while (!Rest(hasKeys: false));
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration signal in _signals)
            signal.Dispose();
        _wake.Dispose();
    }

    private void RunOnScreen()
    {
        using RawTerminal? keys = RawTerminal.TryEnter();
        _terminal.Out.Write(Enter);
        try
        {
            do
                Draw();
            while (!Rest(keys is not null));
        }
        catch (IOException)
        {
            // The terminal is gone.
        }
        finally
        {
            Restore();
        }
    }

    private void Restore()
    {
        try
        {
            _terminal.Out.Write(Leave);
            _terminal.Out.Flush();
        }
        catch (IOException)
        {
            // There is nobody to see it.
        }
    }

    private void Draw()
    {
        Job[] running = [], ended = [];
        var paths = new Dictionary<long, BytePath>();
        StatusFacts facts = StatusFacts.Read(_configuration, FilesMax, ledger =>
        {
            running = [.. ledger.List(new JobQuery { State = JobState.Running, Limit = JobsMax })
                .OrderBy(job => job.StartedNs)];
            ended = [.. ledger.LatelyEnded(JobsMax)];
            foreach (Job job in running.Concat(ended))
                paths[job.Id] = ReadingVerb.PathOf(_configuration, ledger, job);
        });
        var happenings = new Happenings(running, ended, Rates(facts), job => paths[job.Id]);
        (int columns, int rows) = Size();
        IReadOnlyList<string> lines = StatusScreen.Lines(facts, happenings, _terminal, columns, rows);
        _terminal.Out.Write("\e[H" + string.Join("\r\n", lines.Select(line => line + "\e[K")) + "\e[J");
        _terminal.Out.Flush();
    }

    // From one look to the next.
    private Dictionary<(string, BytePath), double> Rates(StatusFacts facts)
    {
        var rates = new Dictionary<(string, BytePath), double>();
        var sizes = new Dictionary<(string, BytePath), (long, long)>();
        foreach (LiveFile file in facts.Live?.Files ?? [])
        {
            if (file.SizeBytes is not { } size)
                continue;
            (string, BytePath) key = (file.Rule, file.Path);
            sizes[key] = (size, facts.NowNs);
            if (_sizes.TryGetValue(key, out var before) && facts.NowNs > before.TimeNs && size >= before.SizeBytes)
                rates[key] = (size - before.SizeBytes) * 1e9 / (facts.NowNs - before.TimeNs);
        }

        _sizes.Clear();
        foreach (((string, BytePath) key, (long, long) value) in sizes)
            _sizes.Add(key, value);
        return rates;
    }

    // A terminal that does not tell its size has 80 columns and 24 rows.
    private static (int Columns, int Rows) Size()
    {
        try
        {
            return Console.WindowWidth > 0 && Console.WindowHeight > 0
                ? (Console.WindowWidth, Console.WindowHeight)
                : (80, 24);
        }
        catch (IOException)
        {
            return (80, 24);
        }
    }

    // True when the operator has had enough.
    private bool Rest(bool hasKeys)
    {
        Span<PollFd> fds = hasKeys
            ? [PollFd.ForRead(_wake.FileDescriptor), RawTerminal.Keys]
            : [PollFd.ForRead(_wake.FileDescriptor)];
        Poller.Poll(fds, (long)s_step.TotalNanoseconds);
        if (fds[0].IsReady)
            _wake.Clear();
        return _isEnding || (hasKeys && fds[1].IsReady && IsLeaving());
    }

    private static bool IsLeaving()
    {
        const byte CtrlC = 3, CtrlD = 4;
        Span<byte> keys = stackalloc byte[64];
        int count = RawTerminal.ReadKeys(keys);
        return count == 0 || keys[..count].ContainsAny([(byte)'q', (byte)'Q', CtrlC, CtrlD]);
    }

    private void End(PosixSignalContext context)
    {
        context.Cancel = true;
        _isEnding = true;
        _wake.Set();
    }
}
