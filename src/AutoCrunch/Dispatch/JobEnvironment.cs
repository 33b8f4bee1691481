using System.Globalization;
using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Dispatch;

/// <summary>
/// The environment of a rule's jobs, as bytes: the service's own without what concerns only the service, what the rule
/// adds, and what tells the job about itself.
/// </summary>
internal sealed class JobEnvironment
{
    /// <summary>Tells a job's id.</summary>
    public const string JobIdName = "AUTOCRUNCH_JOB_ID";

    /// <summary>Tells whose job it is: together with the id it finds what a crash left running.</summary>
    public const string LedgerName = "AUTOCRUNCH_LEDGER";

    private const int EnvironmentBytesMax = 16 * 1024 * 1024;

    // What systemd tells the service alone (sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3), systemd.exec(5)),
    // what tunes the service's runtime, and what a job that started this very service was told.
    private static readonly string[] s_own =
        ["NOTIFY_SOCKET=", "JOURNAL_STREAM=", "WATCHDOG_", "LISTEN_", "DOTNET_", "AUTOCRUNCH_"];

    private static readonly BytePath s_environ = new("/proc/self/environ"u8);

    private readonly byte[][] _constant;
    private readonly BytePath _root;

    /// <param name="inherited">"KEY=value" of the service.</param>
    /// <param name="added">What the rule adds; wins over what is inherited.</param>
    /// <param name="rule">The rule.</param>
    /// <param name="ledgerId">The ledger's id.</param>
    public JobEnvironment(
        IEnumerable<byte[]> inherited, IReadOnlyDictionary<string, string> added, WatchRule rule, string ledgerId)
    {
        _root = rule.Path;
        string[] left = [.. s_own, .. added.Keys.Select(name => name + "=")];
        byte[][] prefixes = Array.ConvertAll(left, Encoding.UTF8.GetBytes);
        _constant =
        [
            .. inherited.Where(entry => !Array.Exists(prefixes, prefix => entry.AsSpan().StartsWith(prefix))),
            .. added.Select(pair => Entry(pair.Key, Encoding.UTF8.GetBytes(pair.Value))),
            Entry("AUTOCRUNCH_RULE", Encoding.UTF8.GetBytes(rule.Name)),
            Entry(LedgerName, Encoding.UTF8.GetBytes(ledgerId)),
        ];
    }

    /// <summary>The environment this process was started with, byte for byte.</summary>
    /// <exception cref="LinuxException">/proc is not mounted.</exception>
    public static IReadOnlyList<byte[]> ReadInherited()
    {
        int errno = PathOps.TryReadSmallFile(s_environ, out byte[] content, EnvironmentBytesMax);
        if (errno != 0)
            throw new LinuxException("read", s_environ, errno);
        var entries = new List<byte[]>();
        foreach (Range range in content.AsSpan().Split((byte)0))
            if (content.AsSpan()[range] is { IsEmpty: false } entry)
                entries.Add(entry.ToArray());
        return entries;
    }

    /// <summary>What of the service's environment is not the service's alone.</summary>
    public static IReadOnlyList<byte[]> WithoutOwn(IEnumerable<byte[]> inherited)
    {
        byte[][] prefixes = Array.ConvertAll(s_own, Encoding.UTF8.GetBytes);
        return [.. inherited.Where(entry => !Array.Exists(prefixes, prefix => entry.AsSpan().StartsWith(prefix)))];
    }

    /// <summary>The entry that marks the processes of a job.</summary>
    public static byte[] JobIdEntry(long jobId) => Entry(JobIdName, jobId);

    /// <summary>The entry that marks the processes of a ledger's jobs.</summary>
    public static byte[] LedgerEntry(string ledgerId) => Entry(LedgerName, Encoding.UTF8.GetBytes(ledgerId));

    /// <summary>The whole environment of one attempt.</summary>
    public byte[][] Of(Attempt attempt)
    {
        Job job = attempt.Job;
        return
        [
            .. _constant,
            Entry("AUTOCRUNCH_PATH", _root.Join(job.Path).Span),
            Entry("AUTOCRUNCH_RELATIVE_PATH", job.Path.Span),
            Entry("AUTOCRUNCH_NAME", job.Path.Name.Span),
            JobIdEntry(job.Id),
            Entry("AUTOCRUNCH_ATTEMPT", attempt.Number),
            Entry("AUTOCRUNCH_SIZE", job.Version.SizeBytes),
        ];
    }

    /// <summary>The whole environment of an OnFailureCommand.</summary>
    /// <param name="notice">What it is run for.</param>
    /// <param name="untold">How many more there are that it is not run for.</param>
    public byte[][] Of(Notice notice, int untold)
    {
        byte[][] ofJob = notice.JobId is { } jobId
            ? [JobIdEntry(jobId), Entry("AUTOCRUNCH_ATTEMPT", notice.Attempt)]
            : [];
        return
        [
            .. _constant,
            .. ofJob,
            Entry("AUTOCRUNCH_PATH", _root.Join(notice.Path).Span),
            Entry("AUTOCRUNCH_RELATIVE_PATH", notice.Path.Span),
            Entry("AUTOCRUNCH_NAME", notice.Path.Name.Span),
            Entry("AUTOCRUNCH_SIZE", notice.SizeBytes),
            Entry("AUTOCRUNCH_EVENT", notice.JobId is null ? "held"u8 : "failed"u8),
            Entry("AUTOCRUNCH_REASON", Encoding.UTF8.GetBytes(notice.Reason)),
            Entry("AUTOCRUNCH_UNTOLD", untold),
        ];
    }

    private static byte[] Entry(string name, ReadOnlySpan<byte> value)
    {
        byte[] entry = new byte[name.Length + 1 + value.Length];
        Encoding.ASCII.GetBytes(name, entry);
        entry[name.Length] = (byte)'=';
        value.CopyTo(entry.AsSpan(name.Length + 1));
        return entry;
    }

    private static byte[] Entry(string name, long value) =>
        Entry(name, Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture)));
}
