using System.Net.Sockets;
using System.Text;
using AutoCrunch.Cli;
using AutoCrunch.Configuration;
using AutoCrunch.Hosting;

namespace AutoCrunch.Tests.Hosting.Control;

/// <summary>A control server with verbs of the test's own, in a runtime directory of its own.</summary>
internal sealed class ControlRig : IAsyncDisposable
{
    private readonly TempDirectory _temp = new();

    public ControlRig(ControlLimits? limits = null, params IControlVerb[] verbs)
    {
        Configuration = new CompiledConfiguration
        {
            File = "appsettings.json",
            BaseDirectory = _temp.Path,
            StateDirectory = _temp.Path,
            RuntimeDirectory = _temp.MakeDirectory("run"),
            MaxRunning = 0,
            ShutdownGrace = TimeSpan.Zero,
            KeepHistory = TimeSpan.FromDays(1),
            Rules = [],
        };
        Server = new ControlServer(Configuration, [new EchoVerb(), .. verbs], Log, limits);
    }

    public CompiledConfiguration Configuration { get; init; }

    public ControlServer Server { get; }

    public ListLogger<ControlServer> Log { get; } = new();

    public string SocketPath => Path.Combine(_temp.Text, "run", "control.sock");

    public async Task<ControlRig> StartAsync()
    {
        await Server.StartAsync(CancellationToken.None);
        return this;
    }

    /// <summary>As the commands do.</summary>
    public ControlClient Client() => ControlClient.TryConnect(Configuration)!;

    /// <summary>As nobody should.</summary>
    public Socket Raw()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        {
            ReceiveTimeout = (int)Wait.Bound.TotalMilliseconds,
        };
        socket.Connect(new UnixDomainSocketEndPoint(SocketPath));
        return socket;
    }

    /// <summary>Sends, and reads what comes back until the other side closes.</summary>
    public string Say(params ReadOnlySpan<byte> bytes)
    {
        using Socket socket = Raw();
        try
        {
            socket.Send(bytes);
        }
        catch (SocketException)
        {
            // It had enough, and said why.
        }

        return ReadAll(socket);
    }

    public static string ReadAll(Socket socket)
    {
        var all = new MemoryStream();
        byte[] buffer = new byte[4096];
        try
        {
            for (int count = socket.Receive(buffer); count > 0; count = socket.Receive(buffer))
                all.Write(buffer, 0, count);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            // It closed with something of ours unread.
        }

        return Encoding.UTF8.GetString(all.ToArray());
    }

    /// <summary>The service goes on: it answers others as ever, and keeps nothing of those that have left.</summary>
    public void AssertGoesOn()
    {
        Wait.Until(() => Server.ClientCount == 0 && Server.ReservedBytes == 0);
        using ControlClient client = Client();
        Assert.Equal("still here", client.Ask("echo", json => json.WriteString("text", "still here"))
            .GetProperty("text").GetString());
        Assert.False(Server.ExecuteTask!.IsCompleted);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.StopAsync(CancellationToken.None);
        Server.Dispose();
        _temp.Dispose();
    }

    /// <summary>Answers with what it is given, once per line asked for, and at the end.</summary>
    private sealed class EchoVerb : IControlVerb
    {
        public string Verb => "echo";

        public async Task AnswerAsync(ControlRequest request, ControlAnswer answer, CancellationToken stopping)
        {
            string text = request.Text("text") ?? "";
            for (long i = 0; i < (request.Number("lines") ?? 0); i++)
                await answer.LineAsync(json => json.WriteString("text", text));
            answer.Result(json => json.WriteString("text", text));
        }
    }
}

/// <summary>A verb that does what the test says.</summary>
internal sealed class TestVerb(string verb, Func<ControlRequest, CancellationToken, Task> answer) : IControlVerb
{
    public string Verb => verb;

    public bool IsWaiting { get; init; }

    public bool Waits(ControlRequest request) => IsWaiting;

    public Task AnswerAsync(ControlRequest request, ControlAnswer control, CancellationToken stopping) =>
        answer(request, stopping);
}
