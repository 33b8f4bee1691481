using System.Net.Sockets;
using System.Text;
using AutoCrunch.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoCrunch.Tests.Hosting;

public sealed class SystemdNotifierTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Ready_reaches_the_socket(bool isAbstract)
    {
        string name = Path.Combine(Path.GetTempPath(), "autocrunch-notify-" + Guid.NewGuid().ToString("N"));
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(isAbstract ? "\0" + name : name));
        manager.ReceiveTimeout = 30_000;
        try
        {
            var notifier = new SystemdNotifier(isAbstract ? "@" + name : name, NullLogger<SystemdNotifier>.Instance);

            notifier.Notify(ServiceState.Ready);
            notifier.Notify(ServiceState.Stopping);

            Assert.True(notifier.IsEnabled);
            Assert.Equal("READY=1", Receive(manager));
            Assert.Equal("STOPPING=1", Receive(manager));
        }
        finally
        {
            File.Delete(name);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Without_a_service_manager_nothing_is_sent(string? socketName)
    {
        var notifier = new SystemdNotifier(socketName, NullLogger<SystemdNotifier>.Instance);

        notifier.Notify(ServiceState.Ready);

        Assert.False(notifier.IsEnabled);
    }

    [Fact]
    public void A_manager_that_went_away_is_a_warning_and_no_failure()
    {
        var log = new ListLogger<SystemdNotifier>();
        var notifier = new SystemdNotifier("/nonexistent/notify", log);

        notifier.Notify(ServiceState.Ready);

        Assert.Contains("READY=1", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    private static string Receive(Socket socket)
    {
        byte[] buffer = new byte[256];
        return Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer));
    }
}
