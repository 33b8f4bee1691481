using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>The real service, asked for every verb with fields of every kind, right and wrong.</summary>
public sealed class ControlFuzzTests
{
    private const int Clients = 4;
    private const int Requests = 250;

    private static readonly string[] s_verbs =
    [
        "retry", "cancel", "pause", "resume", "submit", "adopt", "status", "inFlight", "explain", "sync", "none",
    ];

    private static readonly string[] s_fields =
    [
        "ids", "rule", "failed", "queued", "path", "paths", "as", "dryRun", "timeoutMs", "limit", "wait", "root",
        "patterns", "covered", "below", "inFlight", "verb",
    ];

    [Fact]
    public async Task The_service_goes_on_whatever_it_is_asked()
    {
        using var service = new ServiceUnderTest(
            """{ "MetricsFile": "autocrunch.prom" }""", new RuleText(), new RuleText("other") { Path = "elsewhere" });
        service.Start();
        string socket = Path.Combine(service.Base, "state", "control.sock");
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(() =>
        {
            var random = new Random(7 + client);
            for (int i = 0; i < Requests; i++)
                Ask(socket, Request(random), hangsUp: random.Next(3) == 0);
        }))).WaitAsync(6 * Wait.Bound);

        new Arena(service).Runs("new $S/a.raw; rsync -a $S/ $D/", "a.raw");
        Assert.DoesNotContain("because of a bug", service.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("bug in AutoCrunch", service.Log, StringComparison.Ordinal);
        service.Stop();
    }

    private static string Request(Random random)
    {
        var request = new JsonObject { ["verb"] = s_verbs[random.Next(s_verbs.Length)] };
        if (random.Next(2) == 0)
            request["rule"] = "other"; // so that more is done than refused
        for (int fields = random.Next(5); fields > 0; fields--)
            request[s_fields[random.Next(s_fields.Length - (random.Next(8) == 0 ? 0 : 1))]] = Value(random);
        if (request["verb"] is JsonValue verb && verb.TryGetValue(out string? name) && name == "sync")
            request["timeoutMs"] = random.Next(1, 200);
        return request.ToJsonString() + "\n";
    }

    // Never the rule that must go on working.
    private static JsonNode? Value(Random random) => random.Next(12) switch
    {
        0 => null,
        1 => JsonValue.Create(random.NextInt64(long.MinValue, long.MaxValue)),
        2 => JsonValue.Create(random.Next(4)),
        3 => JsonValue.Create(random.Next(2) == 0),
        4 => JsonValue.Create("other"),
        5 => JsonValue.Create("done"),
        6 => JsonValue.Create(Convert.ToBase64String(Encoding.UTF8.GetBytes("/proc/self/\nfd"))),
        7 => new JsonArray(1, 2, random.Next()),
        8 => new JsonArray(Convert.ToBase64String("elsewhere/../x"u8), Convert.ToBase64String([0xFF, (byte)'/'])),
        9 => JsonValue.Create("pending"),
        10 => new JsonObject { ["a"] = new JsonArray() },
        _ => JsonValue.Create("\ud83d\ude00\u0000"),
    };

    private static void Ask(string path, string request, bool hangsUp)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        {
            ReceiveTimeout = (int)Wait.Bound.TotalMilliseconds,
        };
        socket.Connect(new UnixDomainSocketEndPoint(path));
        socket.Send(Encoding.UTF8.GetBytes(request));
        if (hangsUp)
            return;
        byte[] answer = new byte[65536];
        int length = 0;
        for (int count; (count = socket.Receive(answer, length, answer.Length - length, SocketFlags.None)) > 0;)
            length = (length + count) % (answer.Length / 2);
        Assert.True(length > 0, request);
    }
}
