using System.Net.Sockets;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Hosting;

/// <summary>
/// Where the service and its clients meet: <c>control.sock</c> in the runtime directory. A socket's address has room
/// for 107 bytes of text only, so the directory is opened and the socket named through it.
/// </summary>
internal sealed class ControlSocket : IDisposable
{
    /// <summary>The socket's name in the runtime directory.</summary>
    public const string Name = "control.sock";

    private const UnixFileMode OwnerAndGroup =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private readonly SafeFileHandle _place;

    private ControlSocket(Socket socket, SafeFileHandle place)
    {
        Socket = socket;
        _place = place;
    }

    /// <summary>Listens, or is connected.</summary>
    public Socket Socket { get; }

    /// <summary>The socket's path, for people.</summary>
    public static BytePath PathIn(BytePath runtimeDirectory) => runtimeDirectory.Join("control.sock"u8);

    /// <summary>
    /// Listens. What a killed service left is removed: nobody else can be using it, as the ledger's lock is ours; but
    /// for a service that has another ledger and, by mistake, the same runtime directory.
    /// </summary>
    /// <exception cref="SocketException">It cannot be made.</exception>
    /// <exception cref="LinuxException">The runtime directory cannot be used.</exception>
    /// <exception cref="IOException">It cannot be made; so the next ones.</exception>
    /// <exception cref="UnauthorizedAccessException">The socket's mode cannot be set.</exception>
    public static ControlSocket Listen(BytePath runtimeDirectory, int backlog)
    {
        if (TryConnect(runtimeDirectory, out _) is { } other)
        {
            other.Dispose();
            throw new IOException("another running service listens there: give each a RuntimeDirectory of its own");
        }

        bool isLeft = FileStatReader.TryRead(PathIn(runtimeDirectory), out FileStat left) == 0
            && left.Type == FileType.Other;
        if (isLeft)
            PathOps.TryUnlink(PathIn(runtimeDirectory));
        SafeFileHandle place = OpenPlace(runtimeDirectory);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var listening = new ControlSocket(socket, place);
        try
        {
            // Until it listens nobody can connect, so nobody does before the mode is set.
            socket.Bind(new UnixDomainSocketEndPoint(PathThrough(place)));
            File.SetUnixFileMode(PathThrough(place), OwnerAndGroup);
            socket.Listen(backlog);
            return listening;
        }
        catch
        {
            listening.Dispose();
            throw;
        }
    }

    /// <summary>Connects; null when nobody listens, or <paramref name="errno"/> is EACCES.</summary>
    /// <exception cref="SocketException">Another reason.</exception>
    public static ControlSocket? TryConnect(BytePath runtimeDirectory, out int errno)
    {
        errno = PathOps.TryOpenPlace(runtimeDirectory, out SafeFileHandle? place);
        if (place is null)
            return null;
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(PathThrough(place)));
            return new ControlSocket(socket, place);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            place.Dispose();

            // .NET's own codes: ENOENT is AddressNotAvailable.
            errno = e.SocketErrorCode == SocketError.AccessDenied ? Errno.EACCES : Errno.ECONNREFUSED;
            if (e.SocketErrorCode is SocketError.AccessDenied or SocketError.AddressNotAvailable
                or SocketError.ConnectionRefused)
                return null;
            throw;
        }
    }

    /// <summary>Closes it; a listening socket's name is removed.</summary>
    public void Dispose()
    {
        Socket.Dispose(); // removes the name, through the directory
        _place.Dispose();
    }

    private static SafeFileHandle OpenPlace(BytePath runtimeDirectory)
    {
        int errno = PathOps.TryOpenPlace(runtimeDirectory, out SafeFileHandle? place);
        return place ?? throw new LinuxException("open", runtimeDirectory, errno);
    }

    private static string PathThrough(SafeFileHandle place) =>
        $"/proc/self/fd/{place.DangerousGetHandle()}/{Name}";
}
