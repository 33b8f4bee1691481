using System.Globalization;
using System.Text;
using AutoCrunch.Core;

namespace AutoCrunch.Dispatch;

/// <summary>
/// The two scripts of a unit, for /bin/sh. What reaches systemd has to be UTF-8, so the exact bytes of a command, its
/// environment and its paths are in a file, as words that the shell takes as they are, and the unit runs that. What the
/// unit runs when it has ended (ExecStopPost=, systemd.service(5)) writes down how.
/// </summary>
internal static class UnitScript
{
    /// <summary>The exit code of a unit whose attempt was withdrawn, or begun by another one.</summary>
    public const int NotClaimed = 121;

    private const int JournalBytesMax = 16 * 1024;

    // Arguments: the attempt's file without suffix, the unit, --user or --system, the log, how much of its end goes to
    // the journal. Job= is set while somebody has the unit stopped (org.freedesktop.systemd1(5)); a manager that does
    // not answer must not use up the time in which the outcome is to be written (TimeoutStopSec=). The line is written
    // over the beginning of the file, whose blocks are there: a full disk takes it too. What a unit that has not
    // claimed its attempt has to say is not about the attempt.
    private const string AtEnd = """
        if [ -e "$1.begun" ]; then was=begun
        elif [ -e "$1.ready" ] && [ "$EXIT_STATUS" != 121 ]; then was=ready
        else exit 0; fi
        job=$(timeout 3 systemctl "$3" show --property=Job --value "$2" 2>/dev/null)
        printf '%s %s %s %s %s\n' "$was" "${SERVICE_RESULT:--}" "${EXIT_CODE:--}" "${EXIT_STATUS:--}" \
            "${job:+stopped}" 1<>"$1.$was" && mv -f -- "$1.$was" "$1"
        if [ -s "$4" ]; then tail -c "$5" -- "$4" | tr -d '\000'; fi
        """;

    // What systemd tells a unit's processes (systemd.exec(5)), and env would take away. Those of the service are not
    // theirs.
    private static readonly string[] s_told =
    [
        "INVOCATION_ID", "XDG_RUNTIME_DIR", "CREDENTIALS_DIRECTORY", "RUNTIME_DIRECTORY", "STATE_DIRECTORY",
        "CACHE_DIRECTORY", "LOGS_DIRECTORY", "CONFIGURATION_DIRECTORY", "SYSTEMD_EXEC_PID",
    ];

    /// <summary>The service's environment without what each unit is told anew.</summary>
    public static IEnumerable<byte[]> WithoutTold(IEnumerable<byte[]> inherited)
    {
        byte[][] prefixes = [.. s_told.Select(name => Encoding.ASCII.GetBytes(name + "="))];
        return inherited.Where(entry => !Array.Exists(prefixes, prefix => entry.AsSpan().StartsWith(prefix)));
    }

    /// <summary>
    /// What the unit runs: goes to the working directory, claims the attempt by renaming it, which only one can, and
    /// becomes the program.
    /// </summary>
    /// <param name="attempt">The attempt's file without suffix.</param>
    /// <param name="program">Absolute.</param>
    /// <param name="arguments">What follows it; not argv[0], which is the program.</param>
    /// <param name="environment">"KEY=value", beside what systemd tells.</param>
    /// <param name="directory">Where it starts, absolute.</param>
    /// <param name="log">What takes its output, absolute.</param>
    public static byte[] OfProgram(
        BytePath attempt, BytePath program, IEnumerable<byte[]> arguments, IEnumerable<byte[]> environment,
        BytePath directory, BytePath log)
    {
        var script = new List<byte>();
        script.AddRange("#!/bin/sh\n# One attempt of a job of AutoCrunch, made for the unit that runs it.\n"u8);
        script.AddRange("exec 3>>"u8);
        AddWord(script, log.Span);
        script.AddRange("\ncd -- "u8);
        AddWord(script, directory.Span);
        script.AddRange(" || exit 1\nmv -- "u8);
        AddWord(script, [.. attempt.Span, .. ".ready"u8]);
        script.Add((byte)' ');
        AddWord(script, [.. attempt.Span, .. ".begun"u8]);
        script.AddRange(Text($" || exit {NotClaimed}\nexec /usr/bin/env -i --"));
        foreach (string name in s_told)
            script.AddRange(Text($" \\\n${{{name}+\"{name}=${name}\"}}"));

        // env(1) takes everything with '=' for a variable; one that begins with it has no name.
        foreach (byte[] entry in environment.Where(entry => entry.AsSpan().IndexOf((byte)'=') > 0))
            AddLine(script, entry);
        if (program.Span.Contains((byte)'='))
            script.AddRange(" \\\n/usr/bin/nice -n 0 --"u8);
        AddLine(script, program.Span);
        foreach (byte[] argument in arguments)
            AddLine(script, argument);
        script.AddRange(" >&3 2>&3 3>&-\n"u8);
        return [.. script];
    }

    /// <summary>The value of ExecStopPost=, as systemd-run reads it.</summary>
    /// <param name="attempt">The attempt's file without suffix.</param>
    /// <param name="unit">The unit's whole name.</param>
    /// <param name="manager"><c>--user</c> or <c>--system</c>.</param>
    /// <param name="log">The attempt's log.</param>
    /// <param name="maxLogBytes">How much of it is kept: half of it in one piece at the end.</param>
    public static string OfEnd(string attempt, string unit, string manager, string log, long maxLogBytes)
    {
        string bytes = Math.Min(JournalBytesMax, maxLogBytes / 2).ToString(CultureInfo.InvariantCulture);
        string[] arguments = ["-c", AtEnd, "autocrunch", attempt, unit, manager, log, bytes];

        // '+': whatever the unit's properties take from the job, such as a writable file system. ':': no '$' of it is
        // systemd's to expand.
        return "+:/bin/sh " + string.Join(' ', arguments.Select(QuoteForSystemd));
    }

    /// <summary>A word for /bin/sh that stands for these bytes, whatever they are.</summary>
    internal static void AddWord(List<byte> script, ReadOnlySpan<byte> word)
    {
        script.Add((byte)'\'');
        foreach (byte letter in word)
        {
            if (letter == (byte)'\'')
                script.AddRange("'\\''"u8);
            else
                script.Add(letter);
        }

        script.Add((byte)'\'');
    }

    // systemd.syntax(7), "Quoting".
    private static string QuoteForSystemd(string word)
    {
        var quoted = new StringBuilder("\"");
        foreach (char letter in word)
        {
            if (letter is '"' or '\\')
                quoted.Append('\\').Append(letter);
            else if (char.IsAscii(letter) && char.IsControl(letter))
                quoted.Append(CultureInfo.InvariantCulture, $"\\x{(int)letter:x2}");
            else
                quoted.Append(letter);
        }

        return quoted.Append('"').ToString();
    }

    private static void AddLine(List<byte> script, ReadOnlySpan<byte> word)
    {
        script.AddRange(" \\\n"u8);
        AddWord(script, word);
    }

    private static byte[] Text(string text) => Encoding.ASCII.GetBytes(text);
}
