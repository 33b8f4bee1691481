using System.Text.Json;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Cli;

/// <summary>
/// Who may read the state directory may read the ledger, whoever wrote it and whether or not he still does.
/// </summary>
public sealed class ReadAccessTests : IDisposable
{
    private const string Nobody = "65534";

    private readonly ServiceUnderTest _service = new();
    private readonly Arena _arena;

    public ReadAccessTests() => _arena = new Arena(_service);

    private string State => Path.Combine(_service.Base, "state");

    public void Dispose() => _service.Dispose();

    [RequiresFact(RequiresFactAttribute.Root, "setpriv")]
    public void A_user_who_may_only_read_reads_beside_the_running_service()
    {
        _service.Start();
        Tool.Run("chmod", "755", State);
        _arena.Runs("new $S/a.raw; rsync -a $S/ $D/", "a.raw");
        AssertReads(mayAsk: false);
        _arena.Runs("new $S/b.raw; rsync -a $S/ $D/", "b.raw"); // and the service goes on
        Assert.Equal(2, Ids().Length);
        _service.Stop();
    }

    [RequiresFact(RequiresFactAttribute.Root, "setpriv")]
    public void A_ledger_that_was_closed_cleanly_is_read_where_the_reader_may_not_write()
    {
        _service.Start();
        _arena.Runs("new $S/a.raw; rsync -a $S/ $D/", "a.raw");
        _service.Stop();
        Tool.Run("chmod", "555", State);
        string before = Tool.Run("ls", "-la", State);
        AssertReads(mayAsk: true);
        Assert.Equal(before, Tool.Run("ls", "-la", State));
    }

    [RequiresFact(RequiresFactAttribute.Root, "setpriv")]
    public void A_ledger_of_a_killed_service_is_read_too()
    {
        _service.Start();
        _arena.Runs("new $S/a.raw; rsync -a $S/ $D/", "a.raw");
        _service.KillForGood();
        Tool.Run("chmod", "755", State);
        AssertReads(mayAsk: false); // its socket is still there, and not for everybody
    }

    [RequiresFact(RequiresFactAttribute.Root, "setpriv")]
    public void A_user_who_may_not_read_is_told_who_may()
    {
        _service.Start();
        _arena.Runs("new $S/a.raw; rsync -a $S/ $D/", "a.raw");
        Tool.Run("chmod", "750", State);
        Command jobs = AsNobody("jobs");
        Assert.Equal((78, ""), (jobs.ExitCode, jobs.Output));
        Assert.Contains("This user may not read the ledger", jobs.Error, StringComparison.Ordinal);
        Command status = AsNobody("status");
        Assert.Equal(0, status.ExitCode);
        Assert.Contains("This user may not read the ledger", status.Output, StringComparison.Ordinal);
        _service.Stop();
    }

    private void AssertReads(bool mayAsk)
    {
        Assert.Single(Ids());
        Command status = AsNobody("status", "--json");
        Assert.Equal((0, ""), (status.ExitCode, status.Error));
        JsonElement all = JsonDocument.Parse(status.Output).RootElement;
        Assert.Equal(1, all.GetProperty("rules")[0].GetProperty("lastHour").GetInt32());

        // The socket is not for everybody: what only the service knows is then not told, and that is said.
        Assert.Equal(mayAsk ? "stopped" : "unknown", all.GetProperty("state").GetString());
        Assert.Contains(
            mayAsk ? "does not run" : "is allowed to members of group",
            all.GetProperty("problems")[0].GetProperty("text").GetString(), StringComparison.Ordinal);
    }

    private string[] Ids()
    {
        Command jobs = AsNobody("jobs", "--json");
        Assert.Equal((0, ""), (jobs.ExitCode, jobs.Error));
        return jobs.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private Command AsNobody(params string[] arguments) => Command.Run(
        "setpriv",
        ["--reuid", Nobody, "--regid", Nobody, "--clear-groups", "dotnet", ServiceUnderTest.Program, .. arguments,
            "--config", _service.ConfigurationFile],
        "/");
}
