using System.Net.Sockets;
using System.Text;

namespace AutoCrunch.Tests.EndToEnd.Harness;

/// <summary>Stands in for systemd's end of <c>$NOTIFY_SOCKET</c> (sd_notify(3)): collects what it is told.</summary>
internal sealed class NotifySocket : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly List<string> _messages = [];
    private readonly Task _reader;

    public NotifySocket(string path)
    {
        Path = path;
        File.Delete(path);
        _socket.Bind(new UnixDomainSocketEndPoint(path));
        _reader = Task.Run(ReadAsync);
    }

    /// <summary>What goes into NOTIFY_SOCKET.</summary>
    public string Path { get; }

    /// <summary>True once a line like "READY=1" was sent.</summary>
    public bool Has(string line)
    {
        lock (_messages)
            return _messages.Contains(line);
    }

    public void Dispose()
    {
        _socket.Dispose();
        _reader.Wait(Wait.Bound);
    }

    private async Task ReadAsync()
    {
        byte[] buffer = new byte[65536];
        try
        {
            while (true)
            {
                int length = await _socket.ReceiveAsync(buffer.AsMemory());
                lock (_messages)
                    _messages.AddRange(Encoding.UTF8.GetString(buffer, 0, length).Split('\n'));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The socket was closed: the service's life under test is over.
        }
    }
}
