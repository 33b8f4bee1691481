using AutoCrunch.Linux;
using Serilog.Core;
using Serilog.Events;

namespace AutoCrunch.Hosting;

/// <summary>
/// Log events as entries of the systemd journal, with every value in a field of its own: <c>journalctl
/// AUTOCRUNCH_RULE=raw</c>, <c>AUTOCRUNCH_JOB=42</c>. When journald does not take an entry, it goes to standard output,
/// which journald reads when it is back. Any thread.
/// </summary>
internal sealed class JournalSink : ILogEventSink, IDisposable
{
    private readonly Lock _gate = new();
    private readonly JournalSocket _journal;
    private readonly JournalEntry _entry = new();
    private readonly LogLines _fallback;

    /// <param name="journal">Owned.</param>
    /// <param name="fallback">Takes what journald does not take.</param>
    public JournalSink(JournalSocket journal, LogLines fallback)
    {
        _journal = journal;
        _fallback = fallback;
    }

    /// <inheritdoc/>
    public void Emit(LogEvent logEvent)
    {
        ArgumentNullException.ThrowIfNull(logEvent);
        bool isSent;
        lock (_gate)
            isSent = _journal.TrySend(_entry.Of(logEvent)) == 0;
        if (!isSent)
            _fallback.Emit(logEvent);
    }

    public void Dispose() => _journal.Dispose();
}
