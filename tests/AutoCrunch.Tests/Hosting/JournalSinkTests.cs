using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using AutoCrunch.Core;
using AutoCrunch.Hosting;
using AutoCrunch.Linux;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Serilog.Core;
using Serilog.Events;
using ILogger = Microsoft.Extensions.Logging.ILogger;

namespace AutoCrunch.Tests.Hosting;

/// <summary>
/// Log events as entries of a real journald, which runs for these tests alone, in a namespace of its own.
/// </summary>
public sealed partial class JournalSinkTests : IDisposable
{
    private const string Journald = "/usr/lib/systemd/systemd-journald";

    private readonly string _namespace = "autocrunch" + Guid.NewGuid().ToString("N")[..12];
    private readonly StringWriter _fallback = new(CultureInfo.InvariantCulture);
    private readonly ServiceProvider _services;
    private readonly ILogger _log;
    private Process? _journald;

    public JournalSinkTests()
    {
        Assert.Equal(0, JournalSocket.TryOpen(BytePath.Parse(SocketPath), out JournalSocket? socket));
        _services = new ServiceCollection()
            .AddSerilog(logger => logger.MinimumLevel.Debug().WriteTo.Sink(
                new JournalSink(socket!, new LogLines(LogTarget.Journal, _fallback))))
            .BuildServiceProvider();
        _log = _services.GetRequiredService<ILoggerFactory>().CreateLogger("AutoCrunch.Test");
    }

    private string SocketPath => $"/run/systemd/journal.{_namespace}/socket";

    public void Dispose()
    {
        _services.Dispose();
        _journald?.Kill();
        _journald?.WaitForExit();
        _journald?.Dispose();
        if (Directory.Exists($"/run/systemd/journal.{_namespace}"))
            Directory.Delete($"/run/systemd/journal.{_namespace}", recursive: true);
        foreach (string parent in new[] { "/var/log/journal", "/run/log/journal" })
            if (Directory.Exists(parent))
                foreach (string directory in Directory.GetDirectories(parent, "*." + _namespace))
                    Directory.Delete(directory, recursive: true);
    }

    [RequiresFact(RequiresFactAttribute.Root, Journald, "journalctl")]
    public void Every_value_of_a_message_is_a_field_of_its_entry()
    {
        StartJournald();

        Started(_log, 42, 3, "raw", BytePath.Parse(@"night/\xFF.raw"));

        JsonElement entry = Find("AUTOCRUNCH_JOB=42", "AUTOCRUNCH_RULE=raw");
        Assert.Equal(@"Job 42 attempt 3: night/\xFF.raw of raw", Text(entry, "MESSAGE"));
        Assert.Equal("4", Text(entry, "PRIORITY"));
        Assert.Equal("autocrunch", Text(entry, "SYSLOG_IDENTIFIER"));
        Assert.Equal("3", Text(entry, "AUTOCRUNCH_ATTEMPT"));
        Assert.Equal(@"night/\xFF.raw", Text(entry, "AUTOCRUNCH_PATH"));
        Assert.Equal("9999", Text(entry, "AUTOCRUNCH_EVENT_ID"));
        Assert.Equal(nameof(Started), Text(entry, "CODE_FUNC"));
        Assert.Equal("AutoCrunch.Test", Text(entry, "CODE_NAMESPACE"));
        Assert.Equal(Environment.ProcessId.ToString(CultureInfo.InvariantCulture), Text(entry, "_PID"));
        Assert.Equal("", _fallback.ToString());
    }

    [RequiresFact(RequiresFactAttribute.Root, Journald, "journalctl")]
    public void Messages_of_many_lines_and_of_any_size_stay_one_entry()
    {
        StartJournald();
        string large = string.Join('\n', Enumerable.Range(0, 60_000).Select(i => $"line {i} of a long story"));

        Started(_log, 1, 1, "raw", BytePath.Parse("a"), new InvalidOperationException("one\ntwo=2\n"));
        Told(_log, 2, large);

        JsonElement first = Find("AUTOCRUNCH_JOB=1");
        Assert.StartsWith(
            "Job 1 attempt 1: a of raw\nSystem.InvalidOperationException: one\ntwo=2\n", Text(first, "MESSAGE"),
            StringComparison.Ordinal);
        Assert.Equal("System.InvalidOperationException", Text(first, "AUTOCRUNCH_EXCEPTION"));
        Assert.Equal($"Job 2: {large}", Text(Find("AUTOCRUNCH_JOB=2"), "MESSAGE"));
        Assert.Equal("", _fallback.ToString());
    }

    [Fact]
    public void While_journald_does_not_listen_lines_go_to_standard_output()
    {
        Told(_log, 7, "nobody hears");

        Assert.Equal("<6>Job 7: nobody hears\n", _fallback.ToString());
    }

    [Fact]
    public void An_entry_is_in_the_native_protocol_byte_for_byte()
    {
        var entry = new JournalEntry();
        var sink = new EntrySink(entry);
        using ServiceProvider services = new ServiceCollection()
            .AddSerilog(logger => logger.WriteTo.Sink(sink)).BuildServiceProvider();
        ILogger log = services.GetRequiredService<ILoggerFactory>().CreateLogger("AutoCrunch.Test");

        Told(log, 1, new string('x', 100_000));
        Told(log, 2, "ä\r\nb");

        byte[] text = [.. "ä\r\nb"u8];
        byte[] message = [.. "Job 2: "u8, .. text];
        byte[] expected =
        [
            .. "MESSAGE\n"u8, (byte)message.Length, 0, 0, 0, 0, 0, 0, 0, .. message, (byte)'\n',
            .. "PRIORITY=6\nSYSLOG_IDENTIFIER=autocrunch\n"u8,
            .. Encoding.UTF8.GetBytes($"SYSLOG_PID={Environment.ProcessId}\n"),
            .. "AUTOCRUNCH_JOB=2\n"u8,
            .. "AUTOCRUNCH_TEXT\n"u8, (byte)text.Length, 0, 0, 0, 0, 0, 0, 0, .. text, (byte)'\n',
            .. "AUTOCRUNCH_EVENT_ID=9998\nCODE_NAMESPACE=AutoCrunch.Test\nCODE_FUNC=Told\n"u8,
        ];
        Assert.Equal(Encoding.UTF8.GetString(expected), Encoding.UTF8.GetString(sink.Last));
        Assert.Equal(expected, sink.Last);
    }

    [Theory]
    [InlineData("Rule", "AUTOCRUNCH_RULE")]
    [InlineData("JobId", "AUTOCRUNCH_JOB_ID")]
    [InlineData("pathHTTP", "AUTOCRUNCH_PATH_HTTP")]
    [InlineData("a-b.ü", "AUTOCRUNCH_A_B__")]
    [InlineData("ANameThatIsLongerThanWhatTheJournalTakesForTheNameOfAFieldOfItsEntries", null)]
    public void Field_names_are_such_as_journald_takes(string property, string? expected)
    {
        string name = JournalEntry.FieldName(property);

        Assert.Matches("^[A-Z][A-Z0-9_]{0,63}$", name);
        if (expected is not null)
            Assert.Equal(expected, name);
    }

    [Fact]
    public void Only_the_stream_that_the_variable_names_is_the_journals()
    {
        using FileStream file = File.OpenRead("/proc/self/status");
        int fd = (int)file.SafeFileHandle.DangerousGetHandle();
        Assert.Equal(0, FileStatReader.TryReadTarget(BytePath.Parse($"/proc/self/fd/{fd}"), out FileStat stat));

        Assert.True(JournalSocket.IsStream($"{stat.Device}:{stat.Inode}", fd));
        foreach (string? other in new[] { null, "", "1", "1:2", "x:y", $"{stat.Device}:{stat.Inode + 1}" })
            Assert.False(JournalSocket.IsStream(other, fd));
    }

    [LoggerMessage(9999, LogLevel.Warning, "Job {Job} attempt {Attempt}: {Path} of {Rule}")]
    private static partial void Started(
        ILogger log, long job, int attempt, string rule, BytePath path, Exception? error = null);

    [LoggerMessage(9998, LogLevel.Information, "Job {Job}: {Text}")]
    private static partial void Told(ILogger log, long job, string text);

    private sealed class EntrySink(JournalEntry entry) : ILogEventSink
    {
        public byte[] Last { get; private set; } = [];

        public void Emit(LogEvent logEvent) => Last = entry.Of(logEvent).ToArray();
    }

    private static string Text(JsonElement entry, string field) => entry.GetProperty(field).GetString()!;

    private void StartJournald()
    {
        _journald = Process.Start(new ProcessStartInfo(Journald, [_namespace]) { RedirectStandardError = true })!;
        Wait.Until(() => File.Exists(SocketPath));
    }

    private JsonElement Find(params string[] matches)
    {
        string output = "";
        Wait.Until(() =>
        {
            output = Tool.TryRun(
                "journalctl", ["--namespace=" + _namespace, "--all", "-o", "json", .. matches]).Output;
            return output.Trim().Length > 0;
        });
        return JsonDocument.Parse(Assert.Single(output.Trim().Split('\n'))).RootElement;
    }
}
