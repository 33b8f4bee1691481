using System.Text.Json;
using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Hosting;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Cli;

/// <summary>
/// A verb that changes something: done by the running service, through its control socket; while none runs by this
/// process, which takes the ledger's lock and runs the very same code (<see cref="IControlVerb"/>).
/// </summary>
/// <param name="Name">The verb.</param>
/// <param name="Offline">Makes what answers while no service runs.</param>
internal sealed record WritingVerb(string Name, Func<CompiledConfiguration, JobLedger, IControlVerb> Offline)
{
    // A service that starts or stops has the lock, but no socket.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_step = TimeSpan.FromSeconds(0.1);

    /// <summary>The ledger is made if there is none: what is done makes sense before the first start.</summary>
    public bool MakesLedger { get; init; }

    /// <summary>Nothing is changed: where there is no ledger, none is made.</summary>
    public bool IsDry { get; init; }

    /// <summary>Shows a line of the answer; else its message is, on standard error where it was not done.</summary>
    public Action<JsonElement>? Show { get; init; }

    /// <summary>Does it; returns the exit code. All that is to be said has been.</summary>
    public int Run(string? configFile, bool asJson, Terminal terminal, Action<Utf8JsonWriter> writeRequest)
    {
        Setup setup = Setup.Read(configFile, makesDispatchers: false);
        if (setup.Configuration is not { } configuration)
        {
            setup.TellMistakes(terminal, "nothing was changed");
            return ExitCodes.Configuration;
        }

        try
        {
            JsonElement last = Ask(configuration, writeRequest, line => Tell(line, asJson, terminal), terminal);
            if (asJson)
                terminal.Out.WriteLine(last.GetRawText());
            else if (last.TryGetProperty("message", out JsonElement message))
                terminal.Out.WriteLine(message.GetString());
            bool isRefused = last.TryGetProperty("refused", out JsonElement refused) && refused.GetInt64() > 0;
            return isRefused ? ExitCodes.Failure : ExitCodes.Success;
        }
        catch (ControlRefusedException error)
        {
            terminal.Error.WriteLine(error.Message);
            return error.IsUsage ? ExitCodes.Usage : ExitCodes.Failure;
        }
    }

    private void Tell(JsonElement line, bool asJson, Terminal terminal)
    {
        if (asJson)
            terminal.Out.WriteLine(line.GetRawText());
        else if (Show is not null)
            Show(line);
        else
            (line.GetProperty("done").GetBoolean() ? terminal.Out : terminal.Error).WriteLine(
                line.GetProperty("message").GetString());
    }

    private JsonElement Ask(
        CompiledConfiguration configuration, Action<Utf8JsonWriter> writeRequest, Action<JsonElement> takeLine,
        Terminal terminal)
    {
        using var never = new ManualResetEventSlim();
        for (TimeSpan waited = TimeSpan.Zero; ; waited += s_step)
        {
            using (ControlClient? client = ControlClient.TryConnect(configuration))
                if (client is not null)
                    return client.Ask(Name, writeRequest, takeLine);
            try
            {
                return AskOffline(configuration, writeRequest, takeLine, terminal);
            }
            catch (LedgerLockedException locked) when (waited >= s_patience)
            {
                string pid = locked.HolderPid is { } holder ? $" (pid {holder})" : "";
                throw new ControlRefusedException(
                    $"The ledger is in use{pid}, but '{ControlSocket.PathIn(configuration.RuntimeDirectory)}' is not "
                    + "answered: the service is just starting or stopping, or uses another RuntimeDirectory. Try "
                    + "again.",
                    locked);
            }
            catch (LedgerLockedException)
            {
                never.Wait(s_step);
            }
        }
    }

    private JsonElement AskOffline(
        CompiledConfiguration configuration, Action<Utf8JsonWriter> writeRequest, Action<JsonElement> takeLine,
        Terminal terminal)
    {
        var layout = new StateLayout(configuration.StateDirectory);
        bool isNew = FileStatReader.TryReadTarget(layout.Ledger, out _) == Errno.ENOENT;
        if (isNew && !MakesLedger)
            throw new LedgerUnusableException(
                $"There is no ledger '{layout.Ledger}': the service has not run yet with this StateDirectory.");
        if (PathOps.TryAccess(configuration.StateDirectory, AccessMode.Write | AccessMode.Execute) == Errno.EACCES)
            throw new ControlRefusedException(
                $"No service runs, and while none does the ledger in '{configuration.StateDirectory}' can be changed "
                + "by its owner and root only.");
        string? elsewhere = isNew && IsDry ? Directory.CreateTempSubdirectory("autocrunch-").FullName : null;
        try
        {
            using JobLedger ledger = JobLedger.Open(
                new LedgerOptions
                {
                    StateDirectory = elsewhere is null ? configuration.StateDirectory : BytePath.Parse(elsewhere),
                    Rules = [.. configuration.Rules.Select(rule => rule.Rule)],
                    KeepHistory = configuration.KeepHistory,
                    IsByHand = true,
                },
                new GoneCheck().IsGone,
                new LedgerErrors(terminal));
            Exception? failed = null;
            ledger.Failed = failure => failed = failure;
            ledger.Start();
            try
            {
                return AskHere(Offline(configuration, ledger), writeRequest, takeLine);
            }
            catch (OperationCanceledException) when (failed is not null)
            {
                throw new ControlRefusedException($"The ledger failed: {failed.Message}", failed);
            }
        }
        finally
        {
            if (elsewhere is not null)
                Directory.Delete(elsewhere, recursive: true);
            else if (isNew)
                GiveToOwner(layout);
        }
    }

    // Through the same lines as over the socket, so that nothing differs.
    private JsonElement AskHere(
        IControlVerb verb, Action<Utf8JsonWriter> writeRequest, Action<JsonElement> takeLine)
    {
        JsonElement? last = null;
        var answer = new ControlAnswer(bytes =>
        {
            using JsonDocument line = JsonDocument.Parse(bytes);
            if (line.RootElement.TryGetProperty("ok", out _))
                last = line.RootElement.Clone();
            else
                takeLine(line.RootElement);
            return Task.CompletedTask;
        });
        using JsonDocument request = JsonDocument.Parse(ControlClient.Request(Name, writeRequest));
        verb.AnswerAsync(new ControlRequest(request.RootElement), answer, CancellationToken.None)
            .GetAwaiter().GetResult();
        answer.EndAsync().GetAwaiter().GetResult();
        return last!.Value;
    }

    // Root has made it, in a directory that is another user's: the service's.
    private static void GiveToOwner(StateLayout layout)
    {
        if (!Accounts.IsRoot || Accounts.TryReadOwner(layout.Root, out (uint User, uint Group) owner) != 0)
            return;
        foreach (BytePath path in new[] { layout.Ledger, layout.Lock })
            if (Accounts.TryReadOwner(path, out (uint User, uint Group) now) == 0 && now != owner)
                Accounts.TrySetOwner(path, owner);
    }

    // What keeps the ledger from being written, for as long as it does: the disk is full.
    private sealed class LedgerErrors(Terminal terminal) : ILogger<JobLedger>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                terminal.Error.WriteLine(formatter(state, exception));
        }
    }
}
