using Microsoft.Extensions.Logging;

namespace AutoCrunch.Cli;

/// <summary>
/// What the watch loop warns of while it is traced (a directory that cannot be read, a lost root) goes to standard
/// error.
/// </summary>
internal sealed class TraceLogger(Terminal terminal) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
            terminal.Error.WriteLine(formatter(state, exception));
    }
}
