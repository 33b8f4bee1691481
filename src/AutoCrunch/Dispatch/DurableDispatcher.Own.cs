using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Dispatch;

/// <summary>What dispatchers of a host of its own begin with.</summary>
public abstract partial class DurableDispatcher
{
    /// <summary>For dispatchers of a host of its own.</summary>
    /// <param name="context">What the host's registration was given.</param>
    protected DurableDispatcher(DispatcherContext context)
        : this(NotNull(context).Rule, context.Concurrency, context.Ledger, context.Logger)
    {
    }

    /// <summary>
    /// Opens the file of a job for reading. The way to do it: a name on Linux is bytes, and not every one of them is
    /// one that .NET can open.
    /// </summary>
    /// <exception cref="IOException">It cannot be opened; the message says why.</exception>
    protected FileStream OpenFile(Job job)
    {
        BytePath path = PathOf(job);
        int errno = PathOps.TryOpen(path, OpenMode.Read, 0, out SafeFileHandle? file);
        return errno == 0
            ? new FileStream(file!, FileAccess.Read)
            : throw new IOException(LinuxException.Explain("open", path, errno));
    }

    private static DispatcherContext NotNull(DispatcherContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context;
    }
}
