using System.Runtime.InteropServices;
using System.Text;
using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Cli;

/// <summary>
/// What a job's program wrote, as it wrote it; what was not kept of the middle (MaxLogBytes) is told instead of shown
/// as zeros.
/// </summary>
internal sealed class JobLog(CompiledConfiguration configuration, Terminal terminal)
{
    // A hole is whole blocks of zeros; programs hardly write so many themselves.
    private const int HoleMin = 4096;

    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(200);

    private readonly StateLayout _layout = new(configuration.StateDirectory);
    private readonly byte[] _buffer = new byte[65536];
    private long _zeros;

    /// <summary>Writes the log of an attempt; the exit code of the verb is returned.</summary>
    /// <param name="job">The job.</param>
    /// <param name="attempt">Which attempt; null for the last one.</param>
    /// <param name="follows">Goes on while the attempt runs, and waits for the first one to start.</param>
    public int Show(Job job, int? attempt, bool follows)
    {
        using var wake = new WakeEvent();
        using PosixSignalRegistration interrupt = OnSignal(PosixSignal.SIGINT, wake);
        using PosixSignalRegistration terminate = OnSignal(PosixSignal.SIGTERM, wake);
        Job? now = job;
        while (follows && now is { Attempts: 0, FinishedNs: null })
        {
            if (Rest(wake))
                return ExitCodes.Success;
            now = Look(job.Id);
        }

        if (now is null or { Attempts: 0 })
        {
            terminal.Error.WriteLine($"Job {job.Id} has no attempt: nothing of it has run.");
            return ExitCodes.Failure;
        }

        return Copy(now, attempt ?? now.Attempts, follows, wake);
    }

    private int Copy(Job job, int attempt, bool follows, WakeEvent wake)
    {
        BytePath path = _layout.LogFile(job.Id, attempt);
        int errno = PathOps.TryOpen(path, OpenMode.Read, 0, out SafeFileHandle? file);

        // Recorded as running a moment before its program is spawned, and the log is opened by that.
        while (errno == Errno.ENOENT && follows && IsUnderWay(job.Id, attempt) && !Rest(wake))
            errno = PathOps.TryOpen(path, OpenMode.Read, 0, out file);
        if (file is null)
        {
            terminal.Error.WriteLine(errno == Errno.ENOENT
                ? $"There is no log '{path}': attempt {attempt} could not be started, or its log was removed."
                : LinuxException.Explain("open", path, errno));
            return ExitCodes.Failure;
        }

        using (file)
        {
            long offset = 0;
            while (true)
            {
                // Asked before the rest is read: what it writes until its end is then read too.
                bool goesOn = follows && IsUnderWay(job.Id, attempt);
                offset = CopyFrom(file, offset);
                if (!goesOn || Rest(wake))
                    break;
            }

            TellHole();
            terminal.Raw.Flush();
        }

        return ExitCodes.Success;
    }

    private long CopyFrom(SafeFileHandle file, long offset)
    {
        for (int length; (length = RandomAccess.Read(file, _buffer, offset)) > 0; offset += length)
            Write(_buffer.AsSpan(0, length));
        terminal.Raw.Flush();
        return offset;
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int zeros = bytes.IndexOfAnyExcept((byte)0);
            zeros = zeros < 0 ? bytes.Length : zeros;
            _zeros += zeros;
            bytes = bytes[zeros..];
            if (bytes.IsEmpty)
                return;
            TellHole();
            int text = bytes.IndexOf((byte)0);
            text = text < 0 ? bytes.Length : text;
            terminal.Raw.Write(bytes[..text]);
            bytes = bytes[text..];
        }
    }

    private void TellHole()
    {
        if (_zeros >= HoleMin)
            terminal.Raw.Write(Encoding.UTF8.GetBytes(
                $"\n[... {Sizes.Of(_zeros)} of the middle were not kept (MaxLogBytes) ...]\n"));
        else
            terminal.Raw.Write(new byte[_zeros]);
        _zeros = 0;
    }

    private bool IsUnderWay(long jobId, int attempt) =>
        Look(jobId) is { State: JobState.Running } now && now.Attempts == attempt;

    private Job? Look(long jobId)
    {
        using LedgerReader? ledger = ReadingVerb.Open(configuration);
        return ledger?.Find(jobId);
    }

    // True when the operator has had enough.
    private static bool Rest(WakeEvent wake)
    {
        Span<PollFd> fds = [PollFd.ForRead(wake.FileDescriptor)];
        return Poller.Poll(fds, (long)s_step.TotalNanoseconds) > 0;
    }

    private static PosixSignalRegistration OnSignal(PosixSignal signal, WakeEvent wake) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            wake.Set();
        });
}
