using System.Net.Sockets;
using System.Text.Json;
using AutoCrunch.Cli;
using AutoCrunch.Core;
using AutoCrunch.Hosting;

namespace AutoCrunch.Tests.Hosting.Control;

/// <summary>The control socket: who may use it, and that nothing a client does harms anybody else.</summary>
public sealed class ControlServerTests
{
    private static readonly ControlLimits s_small = new()
    {
        ClientsMax = 2,
        RequestBytesMax = 10_000,
        RequestBytesTotal = 20_000,
    };

    // For what does not count clients: those that are left must not be so while they are counted.
    private static readonly ControlLimits s_hasty = s_small with
    {
        SendTime = TimeSpan.FromSeconds(0.3),
        TakeTime = TimeSpan.FromSeconds(0.3),
    };

    [Fact]
    public async Task A_client_gets_its_lines_and_the_last_one_in_order()
    {
        await using ControlRig rig = await new ControlRig().StartAsync();
        using ControlClient client = rig.Client();
        var lines = new List<string>();
        string text = "a\nb\u0001 \\xFF é";

        JsonElement last = client.Ask(
            "echo",
            json =>
            {
                json.WriteString("text", text);
                json.WriteNumber("lines", 5000);
            },
            line => lines.Add(line.GetProperty("text").GetString()!));

        Assert.Equal(Enumerable.Repeat(text, 5000), lines);
        Assert.Equal(text, last.GetProperty("text").GetString());
    }

    [Fact]
    public async Task The_socket_belongs_to_user_and_group_alone_and_goes_with_the_service()
    {
        await using ControlRig rig = await new ControlRig().StartAsync();
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
            File.GetUnixFileMode(rig.SocketPath));

        await rig.Server.StopAsync(CancellationToken.None);

        Assert.False(File.Exists(rig.SocketPath));
        Assert.Null(ControlClient.TryConnect(rig.Configuration));
    }

    [Fact]
    public async Task What_a_killed_service_left_is_replaced()
    {
        await using var rig = new ControlRig();
        using (var left = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            left.Bind(new UnixDomainSocketEndPoint(Path.Combine(Path.GetDirectoryName(rig.SocketPath)!, "left")));
            File.Move(Path.Combine(Path.GetDirectoryName(rig.SocketPath)!, "left"), rig.SocketPath);
        }

        Assert.Null(ControlClient.TryConnect(rig.Configuration)); // nobody listens
        await rig.StartAsync();
        rig.AssertGoesOn();
    }

    [Fact]
    public async Task The_socket_of_another_running_service_is_left_alone()
    {
        await using ControlRig rig = await new ControlRig().StartAsync();
        var log = new ListLogger<ControlServer>();
        using var second = new ControlServer(rig.Configuration, [], log);
        await second.StartAsync(CancellationToken.None);

        Assert.Contains(log.Lines, line => line.Contains("RuntimeDirectory of its own", StringComparison.Ordinal));
        await second.StopAsync(CancellationToken.None);
        rig.AssertGoesOn();
    }

    [Fact]
    public async Task A_runtime_directory_with_a_long_name_that_is_no_text_works_too()
    {
        using var temp = new TempDirectory();
        byte[] name = [.. "a\nb"u8, 0xFF, .. Enumerable.Repeat((byte)'x', 200)];
        BytePath directory = temp.Path.Join(name);
        temp.MakeDirectory(new BytePath(name).ToString());
        await using var rig = new ControlRig();
        using var server = new ControlServer(
            rig.Configuration with { RuntimeDirectory = directory },
            [new TestVerb("ping", (_, _) => Task.CompletedTask)], rig.Log);
        await server.StartAsync(CancellationToken.None);
        using (ControlClient? client = ControlClient.TryConnect(
            rig.Configuration with { RuntimeDirectory = directory }))
            Assert.True(client!.Ask("ping").GetProperty("ok").GetBoolean());
        await server.StopAsync(CancellationToken.None);
        Assert.Empty(rig.Log.Lines);
        Assert.Null(ControlClient.TryConnect(rig.Configuration with { RuntimeDirectory = directory }));
    }

    [Theory]
    [InlineData("\n", "one JSON object")]
    [InlineData("[]\n", "one JSON object")]
    [InlineData("{} {}\n", "one JSON object")]
    [InlineData("{\"verb\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}\n", "one JSON object")]
    [InlineData("{}\n", "no field 'verb'")]
    [InlineData("{\"verb\":1}\n", "'verb' must be a string")]
    [InlineData("{\"verb\":\"\\ud800\"}\n", "'verb' must be valid UTF-8")]
    [InlineData("{\"verb\":\"none\"}\n", "another version")]
    [InlineData("{\"verb\":\"echo\",\"lines\":1.5}\n", "'lines' must be a whole number")]
    [InlineData("{\"verb\":\"path\",\"path\":\"L2E=\"}\n", "\"ok\":true")]
    [InlineData("{\"verb\":\"path\",\"path\":\"AAA=\"}\n", "base64")]
    [InlineData("{\"verb\":\"path\",\"path\":\"/a\"}\n", "base64")]
    [InlineData("{\"verb\":\"path\",\"path\":\"\"}\n", "base64")]
    public async Task What_is_no_request_is_refused_by_name(string said, string answer)
    {
        var path = new TestVerb("path", (request, _) => Task.FromResult(request.Path("path")));
        await using ControlRig rig = await new ControlRig(null, path).StartAsync();
        string got = rig.Say(System.Text.Encoding.UTF8.GetBytes(said));
        Assert.Contains(answer, got, StringComparison.Ordinal);
        Assert.EndsWith("\n", got, StringComparison.Ordinal);
        rig.AssertGoesOn();
    }

    [Fact]
    public async Task A_verb_that_fails_fails_for_its_client_and_is_told_in_the_log()
    {
        var broken = new TestVerb("broken", (_, _) => throw new FormatException("oops"));
        await using ControlRig rig = await new ControlRig(null, broken).StartAsync();
        using ControlClient client = rig.Client();
        ControlRefusedException error = Assert.Throws<ControlRefusedException>(() => client.Ask("broken"));
        Assert.Contains("bug", error.Message, StringComparison.Ordinal);
        Assert.Contains(rig.Log.Lines, line => line.Contains("broken", StringComparison.Ordinal));
        rig.AssertGoesOn();
    }

    [Fact]
    public async Task A_client_that_asks_for_nothing_is_left()
    {
        await using ControlRig rig = await new ControlRig(s_hasty).StartAsync();
        using Socket client = rig.Raw();
        Assert.Contains("not complete within", ControlRig.ReadAll(client), StringComparison.Ordinal);
        rig.AssertGoesOn();
    }

    [Fact]
    public async Task More_clients_than_are_answered_at_once_are_turned_away()
    {
        await using ControlRig rig = await new ControlRig(s_small).StartAsync();
        using (Socket first = rig.Raw())
        using (Socket second = rig.Raw())
        {
            Wait.Until(() => rig.Server.ClientCount == 2);
            Assert.Contains("Too many", rig.Say("{\"verb\":\"echo\"}\n"u8), StringComparison.Ordinal);
        }

        rig.AssertGoesOn();
    }

    [Fact]
    public async Task A_client_that_takes_no_answer_is_left()
    {
        await using ControlRig rig = await new ControlRig(s_hasty).StartAsync();
        using Socket client = rig.Raw();
        client.Send("{\"verb\":\"echo\",\"lines\":1000000,\"text\":\"many many many bytes\"}\n"u8);
        Assert.True(client.Poll(Wait.Bound, SelectMode.SelectRead)); // it is being answered
        rig.AssertGoesOn();
    }

    [Fact]
    public async Task A_client_that_takes_its_answer_drop_by_drop_is_left()
    {
        await using ControlRig rig = await new ControlRig(new ControlLimits
        {
            TakeTimeTotal = TimeSpan.FromSeconds(0.5),
        }).StartAsync();
        using Socket client = rig.Raw();
        client.Send("{\"verb\":\"echo\",\"lines\":100000000,\"text\":\"many many many bytes\"}\n"u8);
        byte[] drop = new byte[100_000];
        using var pause = new PeriodicTimer(TimeSpan.FromSeconds(0.02));
        var all = System.Diagnostics.Stopwatch.StartNew();
        try
        {
            while (client.Receive(drop) > 0)
            {
                Assert.True(all.Elapsed < Wait.Bound);
                await pause.WaitForNextTickAsync();
            }
        }
        catch (SocketException)
        {
            // It is left.
        }

        rig.AssertGoesOn();
    }

    [Fact]
    public async Task Those_that_wait_leave_room_for_others()
    {
        var waits = new TestVerb("wait", (_, stopping) => new TaskCompletionSource().Task.WaitAsync(stopping))
        {
            IsWaiting = true,
        };
        await using ControlRig rig = await new ControlRig(s_small with { ClientsMax = 4 }, waits).StartAsync();
        Assert.Equal(2, new ControlLimits { ClientsMax = 4 }.WaitingMax);
        using (Socket first = rig.Raw())
        using (Socket second = rig.Raw())
        {
            first.Send("{\"verb\":\"wait\"}\n"u8);
            second.Send("{\"verb\":\"wait\"}\n"u8);
            Wait.Until(() => rig.Server.WaitingCount == 2);
            Assert.Contains("2 commands wait", rig.Say("{\"verb\":\"wait\"}\n"u8), StringComparison.Ordinal);
            Assert.Contains("\"ok\":true", rig.Say("{\"verb\":\"echo\"}\n"u8), StringComparison.Ordinal);
        }

        Wait.Until(() => rig.Server.WaitingCount == 0);
        rig.AssertGoesOn();
    }

    [Fact]
    public async Task A_request_that_is_too_long_is_refused_while_it_is_sent()
    {
        await using ControlRig rig = await new ControlRig(s_small).StartAsync();
        using ControlClient client = rig.Client();
        ControlRefusedException error = Assert.Throws<ControlRefusedException>(
            () => client.Ask("echo", json => json.WriteString("text", new string('x', 1_000_000))));
        Assert.Contains("longer than 10000 bytes", error.Message, StringComparison.Ordinal);
        rig.AssertGoesOn();
    }

    [Fact]
    public async Task Long_requests_of_several_clients_have_one_bound_together()
    {
        await using ControlRig rig = await new ControlRig(s_small with
        {
            ClientsMax = 8,
            RequestBytesTotal = 9000,
            SendTime = Wait.Bound,
        }).StartAsync();
        using Socket first = rig.Raw();
        first.Send(new byte[5000]);
        Wait.Until(() => rig.Server.ReservedBytes >= 5000);
        Assert.Contains("Other long requests", rig.Say([.. new byte[4096], (byte)'\n']), StringComparison.Ordinal);
        first.Dispose();
        rig.AssertGoesOn();
    }

    [Fact]
    public async Task A_verb_is_told_when_its_client_goes()
    {
        var told = new TaskCompletionSource();
        var waits = new TestVerb("wait", async (_, stopping) =>
        {
            await using CancellationTokenRegistration registration = stopping.Register(told.SetResult);
            await told.Task;
        });
        await using ControlRig rig = await new ControlRig(null, waits).StartAsync();
        using (Socket client = rig.Raw())
            client.Send("{\"verb\":\"wait\"}\n"u8);
        await told.Task.WaitAsync(Wait.Bound);
        rig.AssertGoesOn();
    }

    [Fact]
    public async Task A_client_that_waits_is_told_that_the_service_stops()
    {
        var waits = new TestVerb("wait", (_, stopping) => new TaskCompletionSource().Task.WaitAsync(stopping));
        await using ControlRig rig = await new ControlRig(null, waits).StartAsync();
        using ControlClient client = rig.Client();
        Task<ControlRefusedException> asked = Task.Run(
            () => Assert.Throws<ControlRefusedException>(() => client.Ask("wait")));
        Wait.Until(() => rig.Server.ClientCount == 1);
        await rig.Server.StopAsync(CancellationToken.None);
        Assert.Contains("The service stops", (await asked.WaitAsync(Wait.Bound)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_verb_that_hangs_does_not_hold_up_the_end_of_the_service()
    {
        using var release = new ManualResetEventSlim();
        var hangs = new TestVerb("hang", (_, _) => ControlWork.OnThreadAsync(() =>
        {
            release.Wait();
            return true;
        }));
        await using ControlRig rig = await new ControlRig(
            new ControlLimits { StopPatience = TimeSpan.FromSeconds(0.2) }, hangs).StartAsync();
        using Socket client = rig.Raw();
        client.Send("{\"verb\":\"hang\"}\n"u8);
        Wait.Until(() => rig.Server.ClientCount == 1);
        await rig.Server.StopAsync(CancellationToken.None).WaitAsync(Wait.Bound);
        release.Set();
        Wait.Until(() => rig.Server.ClientCount == 0);
    }
}
