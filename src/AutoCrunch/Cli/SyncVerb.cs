using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;
using AutoCrunch.Hosting;

namespace AutoCrunch.Cli;

/// <summary><c>autocrunch sync</c>: returns when all that arrived before is recorded.</summary>
internal static class SyncVerb
{
    public static Command Create(Option<string?> config, Terminal terminal)
    {
        Option<TimeSpan?> timeout = new("--timeout")
        {
            Description = "Give up after this time, such as 30s or 5m. Default: never.",
            HelpName = "TIME",
            CustomParser = ReadTimeout,
        };
        Option<bool> json = new("--json") { Description = "One JSON object a line." };
        var sync = new Command(
            "sync", "Returns when all that arrived before the call is recorded, and names what still arrives.")
        {
            timeout, json,
        };
        sync.SetAction(parsed => Run(
            parsed.GetValue(config), parsed.GetValue(timeout), parsed.GetValue(json), terminal));
        return sync;
    }

    private static int Run(string? configFile, TimeSpan? timeout, bool asJson, Terminal terminal)
    {
        Setup setup = Setup.Read(configFile, makesDispatchers: false);
        if (setup.Configuration is not { } configuration)
        {
            setup.TellMistakes(terminal, "so it is not known which service to ask");
            return ExitCodes.Configuration;
        }

        try
        {
            using ControlClient client = ControlClient.TryConnect(configuration)
                ?? throw new ControlRefusedException(
                    "The service does not run: what has arrived is recorded when it is started.");
            JsonElement last = client.Ask(
                "sync",
                request =>
                {
                    if (timeout is { } time)
                        request.WriteNumber("timeoutMs", (long)Math.Min(time.TotalMilliseconds, int.MaxValue));
                },
                line => Tell(line, asJson, terminal));
            terminal.Out.WriteLine(asJson ? last.GetRawText() : last.GetProperty("message").GetString());
            return ExitCodes.Success;
        }
        catch (ControlRefusedException error)
        {
            terminal.Error.WriteLine(error.Message);
            return ExitCodes.Failure;
        }
    }

    private static void Tell(JsonElement line, bool asJson, Terminal terminal)
    {
        if (asJson)
            terminal.Out.WriteLine(line.GetRawText());
        else
            terminal.Error.WriteLine(line.GetProperty("message").GetString());
    }

    private static TimeSpan? ReadTimeout(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        if (TraceVerb.ReadTime(text) is { } time && time > TimeSpan.Zero)
            return time;
        result.AddError($"--timeout {text}: a time is expected, such as 30s, 5m or 00:05:00");
        return null;
    }
}
