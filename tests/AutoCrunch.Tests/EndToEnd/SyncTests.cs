using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary><c>sync</c>, and who may ask the service at all.</summary>
public sealed class SyncTests : IDisposable
{
    private readonly ServiceUnderTest _service = new(new RuleText());

    public void Dispose() => _service.Dispose();

    [Fact]
    public void What_arrived_before_the_call_is_recorded_when_it_returns()
    {
        _service.Start();
        var arena = new Arena(_service);
        using var ledger = new LedgerView(_service.Base);
        for (int round = 1; round <= 3; round++)
        {
            // New directories are scanned, renames are judged at once, what is written in place needs its quiet period.
            arena.Script($"mkdir -p $S/{round}/a/b; for i in $(seq 200); do echo $i >$S/{round}/a/b/$i; done");
            arena.Script($"rsync -a $S/ $D/; echo x >$D/in-place{round}");
            Command sync = Verb("sync", "--timeout", "1m");
            Assert.True(sync.ExitCode == 0, sync.Text);
            Assert.Equal("All that has arrived is recorded.\n", sync.Output);
            Assert.Equal(201 * round, ledger.Jobs().Count);
        }

        _service.UntilIdle();
        _service.Stop();
    }

    [Fact]
    public void What_is_still_being_written_is_named_and_not_waited_for()
    {
        _service.Start();
        var arena = new Arena(_service);
        arena.Script($$"""
            echo x >$D/done.raw; exec 3>>$D/$'o\npen.raw'; echo x >&3
            cd $B; dotnet {{ServiceUnderTest.Program}} sync --config {{_service.ConfigurationFile}} >$B/said 2>$B/named
            """);
        Assert.Equal("All that has arrived is recorded, but for 1 that still arrive.\n",
            File.ReadAllText(Path.Combine(arena.Base, "said")));
        Assert.Equal($"{arena.Destination}/o\\x0Apen.raw: not recorded: it is still being written.\n",
            File.ReadAllText(Path.Combine(arena.Base, "named")));
        _service.Quiesce();
        _service.Stop();
    }

    [Fact]
    public void After_the_timeout_it_says_what_is_missing()
    {
        _service.Configure(new RuleText { Completion = """{ "QuietPeriod": "01:00:00" }""" });
        _service.Start();
        new Arena(_service).Script("echo x >$D/slow.raw");
        Command sync = Verb("sync", "--timeout", "300ms");
        for (int i = 0; i < 20 && !sync.Error.Contains("slow.raw", StringComparison.Ordinal); i++)
            sync = Verb("sync", "--timeout", "2s"); // its event had not been read yet
        Assert.Equal(1, sync.ExitCode);
        Assert.Contains("slow.raw' is being looked at, or its quiet period runs", sync.Error, StringComparison.Ordinal);
        _service.Stop();
        Command down = Verb("sync");
        Assert.Equal(1, down.ExitCode);
        Assert.Contains("The service does not run", down.Error, StringComparison.Ordinal);
        Assert.Equal(64, Verb("sync", "--timeout", "10").ExitCode);
    }

    [RequiresFact(RequiresFactAttribute.Root, "setpriv", "chmod")]
    public void A_user_outside_the_group_is_refused_clearly_and_one_inside_is_not()
    {
        _service.Configure(new RuleText { Command = ["true"] }); // which everybody may run
        _service.Start();
        Command.Run("chmod", ["-R", "a+rX", _service.Base]);

        Command outside = As("--reuid=65534", "--regid=65534", "--clear-groups");
        Assert.True(outside.ExitCode == 1, outside.Text);
        Assert.Equal(
            $"Asking the service at '{_service.Base}/state/control.sock' is allowed to members of group 'root' and "
            + "root.\n", outside.Error);
        Command inside = As("--reuid=65534", "--regid=65534", "--groups=0");
        Assert.True(inside.ExitCode == 0, inside.Text);
        Command.Run("chmod", ["go-x", Path.Combine(_service.Base, "state")]);
        Assert.Contains("the service's user, members of its group and root",
            As("--reuid=65534", "--regid=65534", "--clear-groups").Error, StringComparison.Ordinal);
        _service.Stop();
    }

    private Command As(params string[] user) => Command.Run(
        "setpriv",
        [.. user, "dotnet", ServiceUnderTest.Program, "pause", "raw", "--config", _service.ConfigurationFile], "/");

    private Command Verb(params string[] arguments) => Command.AutoCrunch(_service.Base, arguments);
}
