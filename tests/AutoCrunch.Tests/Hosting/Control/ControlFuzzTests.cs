using System.Net.Sockets;
using System.Text;
using AutoCrunch.Hosting;

namespace AutoCrunch.Tests.Hosting.Control;

/// <summary>Random and mutilated requests, in random pieces, from clients that may leave at any moment.</summary>
public sealed class ControlFuzzTests
{
    private const int Rounds = 1500;

    private static readonly string[] s_seeds =
    [
        """{"verb":"echo","text":"a","lines":3}""",
        """{"verb":"typed","paths":["L2E=","L2L/"],"ids":[1,2,9223372036854775807],"rule":"raw","flag":true}""",
        """{"verb":"typed","path":"AA==","ids":[1e99],"rule":null,"flag":"no"}""",
        """{"verb":"\u0000","a":{"b":[[[[]]]]}}""",
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Nothing_a_client_sends_stops_the_service(int seed)
    {
        var typed = new TestVerb("typed", (request, stopping) =>
        {
            _ = request.Numbers("ids").Count + request.Paths("paths").Count;
            _ = (request.Path("path"), request.Text("rule"), request.Flag("flag"), request.Number("lines"));
            return Task.CompletedTask;
        });
        await using ControlRig rig = await new ControlRig(
            new ControlLimits { SendTime = TimeSpan.FromSeconds(0.03), RequestBytesMax = 65_536 }, typed).StartAsync();
        var random = new Random(seed);
        for (int round = 0; round < Rounds; round++)
            Play(rig, random);
        rig.AssertGoesOn();
        Assert.Empty(rig.Log.Lines);
    }

    private static void Play(ControlRig rig, Random random)
    {
        using Socket client = rig.Raw();
        byte[] bytes = Request(random);
        try
        {
            for (int sent = 0; sent < bytes.Length;)
                sent += client.Send(bytes.AsSpan(sent, random.Next(1, bytes.Length - sent + 1)));
            switch (random.Next(4))
            {
                case 0:
                    return; // leaves without an answer
                case 1:
                    client.Shutdown(SocketShutdown.Send);
                    break;
                case 2:
                    client.Receive(new byte[random.Next(1, 50)]);
                    return;
            }

            string answer = ControlRig.ReadAll(client);
            if (answer.Length > 0)
                Assert.EndsWith("}\n", answer, StringComparison.Ordinal);
        }
        catch (SocketException)
        {
            // The service has closed: it has read enough.
        }
    }

    private static byte[] Request(Random random)
    {
        byte[] bytes = random.Next(5) == 0
            ? new byte[random.Next(1, 70_000)]
            : Encoding.UTF8.GetBytes(s_seeds[random.Next(s_seeds.Length)]);
        if (bytes.Length > 1000)
            random.NextBytes(bytes);
        for (int change = random.Next(4); change > 0; change--)
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        if (random.Next(4) == 0)
            bytes = bytes[..random.Next(1, bytes.Length)];
        return random.Next(6) == 0 ? bytes : [.. bytes, (byte)'\n'];
    }
}
