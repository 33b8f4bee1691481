using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Cli;

/// <summary><c>status --watch</c> in a real terminal (tmux), and without one.</summary>
public sealed class WatchScreenTests : IDisposable
{
    private readonly ServiceUnderTest _service = new();
    private readonly string _socket = Path.Combine(Path.GetTempPath(), "tmux-" + Guid.NewGuid().ToString("N")[..8]);
    private readonly Arena _arena;

    public WatchScreenTests() => _arena = new Arena(_service);

    public void Dispose()
    {
        Tool.TryRun("tmux", "-S", _socket, "kill-server");
        File.Delete(_socket);
        _service.Dispose();
    }

    [RequiresFact("tmux")]
    public void The_screen_shows_what_runs_arrives_and_has_ended_and_leaves_the_terminal_as_it_was()
    {
        string release = Path.Combine(_service.Base, "release");
        _service.Configure(new RuleText { Job = [$"wait-for={release}"] });
        _service.Start();
        _arena.Script("""
            new $S/runs.raw; rsync -a $S/ $D/
            (exec 3>"$D/$(printf 'grow\nin\377g.raw')"
             while ! [ -e $B/stop ]; do head -c 65536 /dev/zero >&3; sleep 0.05; done) & disown
            (exec 3>$D/.later.raw.Ab12Cd
             while ! [ -e $B/stop ]; do head -c 65536 /dev/zero >&3; sleep 0.05; done) & disown
            """);
        StartTerminal(120, 40);
        Type("before; stty -a >" + Path.Combine(_arena.Base, "before"));
        Type(Watch + "; stty -a >" + Path.Combine(_arena.Base, "after") + "; echo and-after");

        Until(@"autocrunch is running \(pid [0-9]+\), up");
        Until(@"^raw +[0-9]+ +1 +0 +0 +1 +0 +1 +1 ");
        Until(@"^ +1 +raw +[0-9.]+ m?i?n?.*s +1 +[0-9.]+ [KM]?i?B +/.*/runs\.raw$");
        Until(@"^raw +.*MiB +[0-9.]+ [KM]iB/s +being written +/.*/grow\\x0Ain\\xFFg\.raw$");
        Until(@"^raw +.*MiB +[0-9.]+ [KM]iB/s +being written +/.*/\.later\.raw\.Ab12Cd$");
        File.WriteAllText(release, "");
        Until(@"^ +1 +raw +succeeded +[0-9.]+ .*s +.*/runs\.raw$");
        Assert.DoesNotContain("before", Screen(), StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_arena.Base, "stop"), "");

        Tmux("send-keys", "q");
        Until("^([#$] )?and-after$");
        Assert.Contains("before", Screen(), StringComparison.Ordinal);
        string Mode(string when) => File.ReadAllText(Path.Combine(_arena.Base, when));
        Assert.Equal(Mode("before"), Mode("after"));
        _service.KillIfRunning();
    }

    [RequiresFact("tmux")]
    public void The_screen_follows_the_terminals_size_and_the_service()
    {
        _service.Start();
        StartTerminal(120, 30);
        Type(Watch + "; echo and-after");
        Until(@"WAITS +ARRIVED");
        foreach ((int columns, int rows) in new[] { (60, 12), (20, 4), (140, 50) })
        {
            Tmux("resize-window", "-x", $"{columns}", "-y", $"{rows}");
            Until(@"^q: leave$");
            Wait.Until(() => Lines() is var lines && lines.Length == rows && lines[^1] == "q: leave"
                && lines[0].StartsWith("autocrunch is", StringComparison.Ordinal));
        }

        _service.Stop();
        Until("autocrunch is stopped; this is what the ledger says");
        Until("systemctl start autocrunch");
        Tmux("send-keys", "C-c");
        Until("^([#$] )?and-after$");
    }

    [RequiresFact("tmux")]
    public void On_a_terminal_status_says_the_same_in_colours()
    {
        string piped = Command.AutoCrunch(_service.Base, "status", "--config", _service.ConfigurationFile).Output;
        Assert.DoesNotContain('\e', piped);
        StartTerminal(200, 24);
        Type($"clear; dotnet {ServiceUnderTest.Program} status --config {_service.ConfigurationFile}; echo and-after");
        Until("^([#$] )?and-after$");

        string[] shown = [.. Lines().SkipWhile(line => !line.StartsWith("autocrunch is", StringComparison.Ordinal))
            .TakeWhile(line => !line.EndsWith("and-after", StringComparison.Ordinal))];
        Assert.Equal(piped.TrimEnd('\n').Split('\n'), shown);
        string coloured = Tool.Run("tmux", "-S", _socket, "capture-pane", "-p", "-e");
        Assert.Contains("\e[31mstopped", coloured, StringComparison.Ordinal);
        Assert.Contains("\e[33msystemctl start autocrunch", coloured, StringComparison.Ordinal);
    }

    [RequiresFact("tmux")]
    public void A_signal_leaves_the_terminal_as_it_was()
    {
        StartTerminal(80, 24);
        Type(Watch + "; echo and-after");
        Until("autocrunch is stopped");
        string pid = Tool.Run("pgrep", "-f", $"status --watch --config {_service.ConfigurationFile}").Split('\n')[^2];
        Kill.Send(int.Parse(pid, CultureInfo.InvariantCulture), Kill.Terminate);
        Until("^([#$] )?and-after$");
        Assert.DoesNotContain("autocrunch is stopped", Screen(), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_terminal_there_is_one_report_after_the_other_and_nothing_for_a_terminal()
    {
        using var watch = new Running(
            "dotnet", [ServiceUnderTest.Program, "status", "--watch", "--config", _service.ConfigurationFile],
            _service.Base);
        Wait.Until(() => watch.Text.Split("autocrunch is stopped").Length > 3);
        Kill.Send(watch.Pid, Kill.Interrupt);
        Assert.Equal(0, watch.UntilEnded());
        Assert.DoesNotContain('\e', watch.Text);
        Command once = Command.AutoCrunch(_service.Base, "status", "--config", _service.ConfigurationFile);
        Assert.StartsWith(once.Output.TrimEnd(), watch.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_are_shared_so_that_nobody_lacks_what_another_does_not_need()
    {
        Assert.Equal([2, 4, 4], AutoCrunch.Cli.StatusScreen.Share(10, [2, 9, 9]));
        Assert.Equal([2, 3, 1], AutoCrunch.Cli.StatusScreen.Share(100, [2, 3, 1]));
        Assert.Equal([1, 0, 0], AutoCrunch.Cli.StatusScreen.Share(1, [5, 5, 5]));
    }

    private string Watch => $"dotnet {ServiceUnderTest.Program} status --watch --config {_service.ConfigurationFile}";

    private void StartTerminal(int columns, int rows)
    {
        Tool.Run(
            "env", "LC_ALL=C.UTF-8", "tmux", "-f", "/dev/null", "-u", "-S", _socket, "new-session", "-d",
            "-x", $"{columns}", "-y", $"{rows}", "sh");
        Until("^[#$]"); // the prompt
    }

    private void Type(string line)
    {
        Tmux("send-keys", "-l", line);
        Tmux("send-keys", "Enter");
    }

    private void Tmux(params string[] arguments) => Tool.Run("tmux", ["-S", _socket, .. arguments]);

    private string Screen() => Tool.Run("tmux", "-S", _socket, "capture-pane", "-p");

    private string[] Lines() => Screen()[..^1].Split('\n');

    private void Until(string pattern)
    {
        string screen = "";
        bool isThere = false;
        long start = Stopwatch.GetTimestamp();
        Wait.Until(
            () => (isThere = Regex.IsMatch(screen = Screen(), pattern, RegexOptions.Multiline, Wait.Bound))
                || Stopwatch.GetElapsedTime(start) > Wait.Bound,
            2 * Wait.Bound);
        Assert.True(isThere, $"{pattern} is not on the screen:\n{screen}");
    }
}
