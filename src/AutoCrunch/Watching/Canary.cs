using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Watching;

/// <summary>
/// A file of our own that the watch loop writes to again and again, and watches: what it hears of it proves that the
/// kernel's events still reach the loop, and that the loop goes round. Lies in the runtime directory, which is in
/// memory under a service manager, and never in a watched tree. Watch thread.
/// </summary>
/// <param name="options">Where, and who is told.</param>
/// <param name="inotify">The loop's own instance: another one would prove nothing.</param>
internal sealed class Canary(CanaryOptions options, Inotify inotify)
{
    private const uint OwnerOnly = 0b110_000_000;

    private int _wd;
    private long _nextBeatNs;

    /// <summary>What kept the last beat from being made; 0 when it was made.</summary>
    public int ErrorNumber { get; private set; }

    /// <summary>Makes a beat if one is due. Returns when the next one is.</summary>
    public long Beat(long nowNs)
    {
        if (nowNs < _nextBeatNs)
            return _nextBeatNs;
        _nextBeatNs = nowNs + (options.Interval.Ticks * 100);
        ErrorNumber = Write();
        return _nextBeatNs;
    }

    /// <summary>Takes an event if it is the canary's. False when it is of another watch.</summary>
    public bool Hear(int wd, uint mask)
    {
        if (wd != _wd || wd == 0)
            return false;
        if ((mask & InotifyMask.IN_IGNORED) != 0)
            _wd = 0; // somebody has tidied up: the next beat makes the file anew
        else if ((mask & InotifyMask.IN_CLOSE_WRITE) != 0)
            options.Heard();
        return true;
    }

    private int Write()
    {
        int errno = PathOps.TryOpen(options.File, OpenMode.Append, OwnerOnly, out SafeFileHandle? file);
        if (file is null)
            return errno;
        using (file)
        {
            if (_wd > 0)
                return 0;
            int wd = inotify.AddWatch(options.File, InotifyMask.IN_CLOSE_WRITE | InotifyMask.IN_DONT_FOLLOW);
            _wd = Math.Max(0, wd);
            return Math.Max(0, -wd);
        }
    }
}

/// <summary>The canary of the watchdog.</summary>
/// <param name="File">The file that is written; made when it is not there.</param>
/// <param name="Interval">Time between two beats.</param>
/// <param name="Heard">Called on the watch thread for each beat that was heard; must not wait.</param>
internal sealed record CanaryOptions(BytePath File, TimeSpan Interval, Action Heard);
