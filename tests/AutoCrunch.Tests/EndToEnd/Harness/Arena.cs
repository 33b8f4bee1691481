using System.Globalization;
using AutoCrunch.Core;

namespace AutoCrunch.Tests.EndToEnd.Harness;

/// <summary>
/// One case's own source and destination; the destination lies in the watched tree of a service that cases share.
/// Knows what ran there, and proves that nothing else did.
/// </summary>
internal sealed class Arena
{
    private static int s_count;
    private readonly ServiceUnderTest _service;
    private readonly Dictionary<BytePath, int> _expected = [];
    private readonly BytePath _destination;
    private readonly string _rule;

    /// <param name="service">The service.</param>
    /// <param name="rule">The rule whose directory is used and whose jobs are looked at; the first one without.</param>
    public Arena(ServiceUnderTest service, string? rule = null)
    {
        _service = service;
        _rule = rule ?? service.Rules[0].Name;
        string name = "case" + Interlocked.Increment(ref s_count).ToString(CultureInfo.InvariantCulture);
        Base = Directory.CreateDirectory(Path.Combine(service.Base, name)).FullName;
        Source = Directory.CreateDirectory(Path.Combine(Base, "src")).FullName;
        Destination = Directory.CreateDirectory(Path.Combine(service.Incoming(rule), name)).FullName;
        Other = Directory.CreateDirectory(Path.Combine(service.OtherFileSystem, name)).FullName;
        _destination = BytePath.Parse(Destination);
    }

    public string Base { get; }

    public string Source { get; }

    public string Destination { get; }

    /// <summary>On another file system.</summary>
    public string Other { get; }

    /// <summary>Runs a bash script; it must succeed.</summary>
    public void Script(string script) => Script("script", script, most: null);

    /// <summary>Runs a bash script while the test goes on: for as long as it takes.</summary>
    public Task ScriptBeside(string script)
    {
        string name = "script" + Interlocked.Increment(ref s_count).ToString(CultureInfo.InvariantCulture);
        return Task.Run(() => Script(name, script, TimeSpan.FromHours(2)));
    }

    /// <summary>
    /// Runs a script and waits until each of these files, relative to the destination as <see cref="BytePath.Parse"/>
    /// reads them, ran once more, with the content it has now; none of them: proves that nothing runs.
    /// </summary>
    public void Runs(string script, params string[] files)
    {
        Script(script);
        ExpectOneMore(files.Select(BytePath.Parse));
        if (files.Length == 0)
            Nothing();
    }

    /// <summary>
    /// Runs a script, then every regular file in the destination that <paramref name="isFinal"/> must run once.
    /// </summary>
    public void RunsAll(string script, int count, Func<BytePath, bool>? isFinal = null)
    {
        Script(script);
        BytePath[] files = [.. Files().Keys.Where(file => isFinal?.Invoke(file) ?? true)];
        Assert.Equal(count, files.Length);
        ExpectOneMore(files);
    }

    /// <summary>Runs a script after which a file must be held, shown in the log, and nothing runs.</summary>
    public void Holds(string script, string file, string reason)
    {
        Script(script);
        _service.UntilLogged("Held", Path.GetFileName(Destination) + "/" + file, reason);
        Nothing();
    }

    /// <summary>Proves that nothing but what was expected so far has run or will run.</summary>
    public void Nothing()
    {
        _service.Quiesce(_rule);
        var counts = Started().CountBy(record => Relative(record.Path)).ToDictionary();
        string[] wrong = [.. from path in counts.Keys.Union(_expected.Keys)
            let started = counts.GetValueOrDefault(path)
            let expected = _expected.GetValueOrDefault(path)
            where started != expected
            select $"{path}: {started} jobs, expected {expected}"];
        if (wrong.Length > 0)
            _service.Fail(string.Join('\n', wrong));
        _service.Records.AssertNoOverlap();
    }

    /// <summary>The jobs' starts in this destination.</summary>
    public IReadOnlyList<JobRecord> Started() =>
        [.. _service.Records.Read().Where(record => record.Rule == _rule
            && record.Path.IsAtOrBelow(_destination) && record.Path != _destination)];

    /// <summary>The regular files in the destination, with size and hash.</summary>
    public Dictionary<BytePath, (long SizeBytes, string Hash)> Files() => FilesIn(Destination);

    /// <summary>The regular files below a directory, with size and hash.</summary>
    public static Dictionary<BytePath, (long SizeBytes, string Hash)> FilesIn(string directory)
    {
        Command list = Command.Run(HelperPrograms.Tool, ["list", directory]);
        Assert.True(list.ExitCode == 0, list.Error);
        return list.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))
            .ToDictionary(
                fields => new BytePath(Convert.FromHexString(fields[0])),
                fields => (long.Parse(fields[1], CultureInfo.InvariantCulture), fields[2]));
    }

    /// <summary>Waits until these files ran once more each, to the end, and saw what the files hold.</summary>
    public void ExpectOneMore(IEnumerable<BytePath> files)
    {
        BytePath[] all = [.. files];
        foreach (BytePath file in all)
            Expected(file);
        Dictionary<BytePath, JobRecord[]> records = [];
        _service.Until(
            () =>
            {
                records = Started().GroupBy(record => Relative(record.Path)).ToDictionary(g => g.Key, g => g.ToArray());
                return Array.TrueForAll(all, file => records.TryGetValue(file, out JobRecord[]? starts)
                    && starts.Length >= _expected[file] && starts[^1].End is not null);
            },
            () => "jobs of " + string.Join(", ", all.Where(
                file => records.GetValueOrDefault(file, []).Length < _expected[file]).Take(20)));
        Dictionary<BytePath, (long, string)> contents = Files();
        foreach (BytePath file in all)
        {
            JobRecord[] starts = records[file];
            if (starts.Length != _expected[file])
                _service.Fail($"{file}: {starts.Length} jobs, expected {_expected[file]}");
            if (!contents.TryGetValue(file, out var content) || (starts[^1].SizeBytes, starts[^1].Hash) != content)
                _service.Fail($"{file}: the job saw {starts[^1].SizeBytes} bytes, the file is {content}");
        }
    }

    /// <summary>Takes a start for granted that was awaited in another way.</summary>
    public void Expected(BytePath file, int more = 1) => _expected[file] = _expected.GetValueOrDefault(file) + more;

    private void Script(string name, string script, TimeSpan? most)
    {
        string file = Path.Combine(Base, name);
        File.WriteAllText(file, $"source '{HelperPrograms.Prelude}'\n{script}\n");
        // Into a file: what the script leaves running must not keep a pipe open.
        string output = file + ".output";
        Command bash = Command.Run("bash", ["-c", "bash \"$0\" >\"$1\" 2>&1 </dev/null", file, output], Base, [
            new("S", Source), new("D", Destination), new("B", Base), new("O", Other),
            new("TOOL", HelperPrograms.Tool), new("RSH", HelperPrograms.RemoteShell)], most);
        Assert.True(bash.ExitCode == 0,
            $"exit code {bash.ExitCode} of the script\n{script}\n{File.ReadAllText(output)}");
    }

    private BytePath Relative(BytePath path) => new(path.Span[(_destination.Length + 1)..]);
}
