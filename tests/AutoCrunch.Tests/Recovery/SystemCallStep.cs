using System.Globalization;
using System.Text.RegularExpressions;

namespace AutoCrunch.Tests.Recovery;

/// <summary>
/// A moment in the service's life: just before the system call of this name on this file that one of its threads makes
/// for the <see cref="Number"/>th time.
/// </summary>
/// <param name="Call">The system call.</param>
/// <param name="Path">The file, absolute; null for what has none.</param>
/// <param name="Number">Counted from 1, for each thread (strace(1), "inject").</param>
internal sealed partial record SystemCallStep(string Call, string? Path, int Number)
{
    // What changes something that outlives the process, or begins or ends what does.
    private const string Calls = "mkdir,openat,pwrite64,write,fsync,fdatasync,ftruncate,fallocate,unlink,unlinkat,"
        + "rename,renameat,renameat2,link,linkat,inotify_add_watch,getdents64,waitid";

    /// <summary>Starts a program, and writes down all its steps.</summary>
    public static string[] Recorder(string file) =>
        ["strace", "-D", "-f", "-y", "-qq", "--seccomp-bpf", "-e", "trace=" + Calls, "-o", file];

    /// <summary>
    /// Starts a program, and kills it at this step. Not with --seccomp-bpf: at its stops no signal can be sent.
    /// </summary>
    public string[] Killer =>
    [
        "strace", "-D", "-f", "-qq", "-o", "/dev/null", .. Path is null ? [] : new[] { "-P", Path },
        "-e", "trace=" + Call,
        "-e", string.Create(CultureInfo.InvariantCulture, $"inject={Call}:signal=KILL:when={Number}"),
    ];

    /// <summary>The recorded steps that concern the files below a directory, in order, each once.</summary>
    /// <param name="file">The record.</param>
    /// <param name="directory">The service's own directory.</param>
    /// <param name="more">Further directories in which it changes something.</param>
    public static List<SystemCallStep> Read(string file, string directory, params string[] more)
    {
        var steps = new List<SystemCallStep>();
        var counts = new Dictionary<(string, string, string?), int>();
        foreach (Match line in File.ReadLines(file).Select(text => Line().Match(text)).Where(match => match.Success))
        {
            string call = line.Groups["call"].Value;
            string? path = PathIn(call, line.Groups["rest"].Value);
            bool isOurs = call == "waitid" || (path is not null && (IsOurs(path, directory)
                || more.Any(other => path.StartsWith(other, StringComparison.Ordinal))));
            if (!isOurs)
                continue;
            var key = (line.Groups["thread"].Value, call, path);
            int number = counts[key] = counts.GetValueOrDefault(key) + 1;
            bool isReading = call == "openat"
                && !line.Groups["rest"].Value.Contains("O_CREAT", StringComparison.Ordinal);
            var step = new SystemCallStep(call, path, number);
            if (!isReading && !steps.Contains(step))
                steps.Add(step);
        }

        return steps;
    }

    public override string ToString() =>
        Path is null ? $"{Call} {Number}" : $"{Call} {System.IO.Path.GetFileName(Path)} {Number}";

    // Shared memory holds nothing that survives, and the job's own files are not the service's doing.
    private static bool IsOurs(string path, string directory) =>
        (path.StartsWith(directory + "/state", StringComparison.Ordinal)
            || path == directory + "/incoming")
        && !path.EndsWith("-shm", StringComparison.Ordinal) && !path.EndsWith(".log", StringComparison.Ordinal);

    private static string? PathIn(string call, string rest)
    {
        if (call == "waitid")
            return null;
        Match path = call is "pwrite64" or "write" or "fsync" or "fdatasync" or "ftruncate" or "fallocate"
            or "getdents64"
            ? Descriptor().Match(rest)
            : Quoted().Match(rest);
        return path.Success ? path.Groups["path"].Value : null;
    }

    [GeneratedRegex("^(?<thread>[0-9]+) +(?<call>[a-z0-9_]+)\\((?<rest>.*)$")]
    private static partial Regex Line();

    [GeneratedRegex("^[0-9]+<(?<path>/[^>]*)>")]
    private static partial Regex Descriptor();

    [GeneratedRegex("\"(?<path>/[^\"]*)\"")]
    private static partial Regex Quoted();
}
