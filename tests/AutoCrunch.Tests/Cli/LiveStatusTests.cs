using System.Text.Json;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Cli;

/// <summary><c>autocrunch status</c> beside a running service: what only the service knows.</summary>
public sealed class LiveStatusTests : IDisposable
{
    private const int Stop = 19;
    private const int Continue = 18;

    private readonly ServiceUnderTest _service = new(new RuleText(), new RuleText("other") { Path = "other" });

    public void Dispose() => _service.Dispose();

    [Fact]
    public void What_arrives_is_held_or_is_lost_is_told_with_what_mends_it()
    {
        _service.Start();
        var arena = new Arena(_service);
        arena.Script("""
            touch -d @0 "$D/$(printf 'held\n\377.raw')"
            (exec 3>$D/open.raw; until [ -e $B/stop ]; do sleep 0.05; done) & disown
            """);
        JsonElement raw = UntilRule("raw", rule => Number(rule, "held") == 1 && Number(rule, "arriving") == 1);
        Assert.Equal((2, 0), (Number(raw, "watched"), Number(raw, "unwatched")));
        Assert.Equal(JsonValueKind.String, raw.GetProperty("oldestWaiting").ValueKind);
        Assert.Equal(JsonValueKind.String, raw.GetProperty("lastScan").ValueKind);
        JsonElement status = Status();
        Assert.Equal("running", status.GetProperty("state").GetString());
        Assert.Equal(_service.Pid, status.GetProperty("pid").GetInt32());
        Assert.True(status.GetProperty("started").GetDateTime() < DateTime.UtcNow);
        Assert.Contains("autocrunch explain " + _service.Incoming(), Commands(status));

        File.WriteAllText(Path.Combine(arena.Base, "stop"), "");
        Directory.Delete(_service.Incoming("other"), recursive: true);
        JsonElement other = UntilRule("other", rule => !rule.GetProperty("isRootThere").GetBoolean());
        Assert.Equal(0, Number(other, "watched"));
        Assert.Contains("ls -ld " + _service.Incoming("other"), Commands(Status()));
        _service.Stop();
        Assert.Equal("stopped", Status().GetProperty("state").GetString());
    }

    [Fact]
    public void A_service_that_hangs_is_told_and_the_ledgers_part_is_shown_all_the_same()
    {
        _service.Start();
        new Arena(_service).Runs("new $S/a.raw; rsync -a $S/ $D/", "a.raw");
        Kill.Send(_service.Pid, Stop);
        JsonElement status = Status();
        Kill.Send(_service.Pid, Continue);

        Assert.Equal("unknown", status.GetProperty("state").GetString());
        Assert.Contains("did not answer", status.GetProperty("problems")[0].GetProperty("text").GetString(),
            StringComparison.Ordinal);
        Assert.Equal(1, Number(Rule(status, "raw"), "lastHour"));
        _service.Until(() => Status().GetProperty("state").GetString() == "running", () => "an answer again");
        _service.Stop();
    }

    private static int Number(JsonElement rule, string name) => rule.GetProperty(name).GetInt32();

    private static JsonElement Rule(JsonElement status, string name) => status.GetProperty("rules").EnumerateArray()
        .Single(rule => rule.GetProperty("rule").GetString() == name);

    private static IEnumerable<string?> Commands(JsonElement status) => status.GetProperty("problems").EnumerateArray()
        .Select(problem => problem.GetProperty("command").GetString());

    private JsonElement UntilRule(string name, Func<JsonElement, bool> isTrue)
    {
        JsonElement rule = default;
        _service.Until(() => isTrue(rule = Rule(Status(), name)), () => rule.ToString());
        return rule;
    }

    private JsonElement Status()
    {
        Command status = Command.AutoCrunch(_service.Base, "status", "--json", "--config", _service.ConfigurationFile);
        Assert.Equal((0, ""), (status.ExitCode, status.Error));
        return JsonDocument.Parse(status.Output).RootElement;
    }
}
