using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Hosting;

/// <summary>
/// Sends datagrams to the socket named by $NOTIFY_SOCKET: a path, or an abstract name behind '@' (sd_notify(3)).
/// </summary>
internal sealed class SystemdNotifier : ISystemdNotifier
{
    public const string SocketVariable = "NOTIFY_SOCKET";

    private readonly string? _socketName;
    private readonly ILogger<SystemdNotifier> _logger;

    /// <param name="socketName">The value of $NOTIFY_SOCKET; null or empty when nobody listens.</param>
    /// <param name="logger">Where a deaf manager is reported.</param>
    public SystemdNotifier(string? socketName, ILogger<SystemdNotifier> logger)
    {
        _socketName = string.IsNullOrEmpty(socketName) ? null : socketName;
        _logger = logger;
    }

    /// <inheritdoc/>
    public bool IsEnabled => _socketName is not null;

    /// <inheritdoc/>
    public void Notify(ServiceState state)
    {
        if (_socketName is null)
            return;
        string address = _socketName[0] == '@' ? string.Concat("\0", _socketName.AsSpan(1)) : _socketName;
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.SendTo(Encoding.UTF8.GetBytes(state.Assignment), new UnixDomainSocketEndPoint(address));
        }
        catch (Exception error) when (error is SocketException or ArgumentException)
        {
            _logger.NotifyFailed(state.Assignment, _socketName, error.Message);
        }
    }
}
