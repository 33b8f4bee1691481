using AutoCrunch.Core;
using AutoCrunch.Ledger;

namespace AutoCrunch.Tests.Ledger;

/// <summary>What a sequence has broken; the kind stays the same while the sequence is made shorter.</summary>
internal sealed class PairException(string kind, string message) : Exception($"{kind}: {message}")
{
    public string Kind { get; } = kind;
}

/// <summary>The real SQL, in memory, and its twin: both are told the same, and must then hold the same.</summary>
internal sealed class LedgerPair : IDisposable
{
    private readonly SqliteDatabase _db = LedgerFile.OpenInMemory();
    private readonly WatchRule _settings;
    private readonly Func<string, bool> _isThere;
    private LedgerWriter _writer;
    private LedgerRule _rule;

    public LedgerPair(WatchRule settings, Func<string, bool> isThere)
    {
        _settings = settings;
        _isThere = isThere;
        Twin = new LedgerTwin(settings, isThere);
        using (SqliteStatement insert = _db.Prepare("INSERT INTO rules (id, name) VALUES (1, ?1)"))
            insert.Bind(1, settings.Name).Run();
        (_writer, _rule) = Open();
    }

    public LedgerTwin Twin { get; }

    /// <summary>What is told comes from a real tree. Else jobs may meet at one path that nobody wrote.</summary>
    public bool IsStory { get; init; }

    public void Arrive(Completion completion) =>
        Both((writer, rule) => writer.Arrive(rule, completion), () => Twin.Arrive(completion));

    public void Held(string path, FileStat stat, HoldReason reason, bool isMoved) => Both(
        (writer, rule) => writer.Held(rule, BytePath.Parse(path), stat, reason, isMoved),
        () => Twin.Held(path, stat, reason, isMoved));

    public void Gone(string path) =>
        Both((writer, rule) => writer.Gone(rule, BytePath.Parse(path)), () => Twin.Gone(path));

    public void MetadataChanged(string path, FileStat stat) => Both(
        (writer, rule) => writer.MetadataChanged(rule, BytePath.Parse(path), stat),
        () => Twin.MetadataChanged(path, stat));

    public void DirectoryGone(string directory, ulong device) => Both(
        (writer, rule) => writer.DirectoryGone(rule, BytePath.Parse(directory), device),
        () => Twin.DirectoryGone(directory));

    public void DirectoryMoved(string from, string to) => Both(
        (writer, rule) => writer.DirectoryMoved(rule, BytePath.Parse(from), BytePath.Parse(to)),
        () => Twin.DirectoryMoved(from, to));

    /// <summary>As the verb does: only the latest job of its path, whose file is there in the same version.</summary>
    public void Retry(long id, Func<string, FileVersion?> versionAt)
    {
        FoundJob found = _writer.FindJob(id, _ => _rule)!;
        string path = Twin.PathOf(id);
        Check(found.Job.Path.ToString() == path, "path", $"job {id} is looked for at {found.Job.Path}, not {path}");
        if (found.LatestId is { } latest && latest != id)
            return;
        if (versionAt(path) != found.Job.Version)
            return;
        Both((writer, _) => writer.Retry(found, _ => _rule), () => Twin.Retry(id));
        CheckWaiting(id);
    }

    public void Cancel(long id) => Both((writer, _) => writer.Cancel(id), () => Twin.Cancel(id));

    public void Submit(string path, FileStat stat) => Both(
        (writer, rule) => writer.Submit(rule, Seen(path, stat)), () => Twin.Submit(path, stat));

    public void Adopt(string path, FileStat stat, AdoptAs how) => Both(
        (writer, rule) => writer.Adopt(rule, [Seen(path, stat)], how, isDry: false),
        () => Twin.Adopt(path, stat, how));

    /// <summary>Claims a job; null when none can be.</summary>
    public Attempt? Claim()
    {
        var claimed = new List<Attempt>();
        TwinJob[] due = [.. Twin.Jobs.Values.Where(Twin.CanClaim)];
        Both(
            (writer, rule) => writer.Claim(rule, 1, claimed),
            () =>
            {
                if (claimed is [var attempt])
                {
                    Check(due.Any(job => job.Id == attempt.Job.Id), "claim", $"job {attempt.Job.Id} was claimed");
                    Twin.Claim(attempt.Job.Id);
                }
                else
                    Check(due.Length == 0, "claim", $"no job was claimed, and {due.Length} could be");
            });
        return claimed.SingleOrDefault();
    }

    public void Settle(Attempt attempt, AttemptOutcome outcome)
    {
        JobTransition transition = After(attempt.Job, outcome);
        Both(
            (writer, rule) =>
            {
                writer.Settle(rule, attempt, outcome, transition);
                writer.Release(rule, attempt.Job.Id);
            },
            () => Twin.Settle(attempt, outcome, transition));
        CheckWaiting(attempt.Job.Id);
    }

    /// <summary>The service starts again; what ran when it ended was interrupted.</summary>
    public void Reopen()
    {
        (_writer, _rule) = Open();
        foreach (Job job in _writer.FindRunning(_rule.Id, _rule.Name))
        {
            var outcome = new AttemptOutcome.Interrupted(ByCrash: true);
            Both(
                (writer, rule) => writer.RecoverCrashed(rule, job),
                () => Twin.Settle(new Attempt(job, job.Attempts), outcome, After(job, outcome)));
        }
    }

    public void Dispose() => _db.Dispose();

    public static void Check(bool isTrue, string kind, string message)
    {
        if (!isTrue)
            throw new PairException(kind, message);
    }

    private static SeenFile Seen(string path, FileStat stat) => new(BytePath.Parse(path), stat, long.MaxValue);

    private JobTransition After(Job job, AttemptOutcome outcome) =>
        JobTransitions.After(JobCounts.Of(job), outcome, _settings.Retry, _writer.NowNs, random: 1);

    private (LedgerWriter Writer, LedgerRule Rule) Open()
    {
        var rule = new LedgerRule(1, _settings);
        var writer = new LedgerWriter(_db, (_, path, _) => !_isThere(path.ToString()));
        writer.PrepareStart([rule]);
        return (writer, rule);
    }

    private void Both(Action<LedgerWriter, LedgerRule> real, Action twin)
    {
        _writer.Begin();
        real(_writer, _rule);
        _writer.Commit();
        twin();
        string[] expected = [.. Twin.Describe()];
        string[] actual = [.. Describe()];
        if (!expected.SequenceEqual(actual))
            throw new PairException(
                "differs",
                "\n  ledger: " + string.Join("\n          ", actual.Except(expected))
                + "\n  twin:   " + string.Join("\n          ", expected.Except(actual)));
    }

    // Of a path, one job waits at most. Only a job that was replaced, and whose successor's file is elsewhere by now,
    // may wait until its attempt sees that what comes to the path is another file.
    private void CheckWaiting(long id)
    {
        TwinJob job = Twin.Jobs[id];
        TwinJob? other = Twin.Jobs.Values.FirstOrDefault(
            other => other.Id != id && other.State == JobState.Queued && other.Path == job.Path);
        Check(
            !IsStory || job.State != JobState.Queued || other is null, "waiting",
            $"of {job.Path} wait the jobs {id} and {other?.Id}");
    }

    private List<string> Describe()
    {
        var files = new List<string>();
        Read("directory, name, inode, size, mtime_ns, birth_ns, state, hold, job_id, previous_id, linked FROM files",
            row => files.Add("file " + Text(row)));
        files.Sort(StringComparer.Ordinal);
        Read("directory, name, inode, size, mtime_ns, birth_ns, state, hold, job_id, previous_id, linked FROM "
            + "displaced ORDER BY id", row => files.Add("displaced " + Text(row)));
        Read(LedgerRows.JobColumns + " FROM jobs j ORDER BY id", row =>
        {
            Job job = LedgerRows.ReadJob(row, "");
            files.Add(new TwinJob(job.Id, job.Path.ToString(), job.Version, job.Evidence)
            {
                State = job.State,
                Reason = job.Reason,
                Attempts = job.Attempts,
                Failures = job.Failures,
                Crashes = job.Crashes,
                PreviousId = job.PreviousId,
            }.Describe());
        });
        return files;
    }

    private void Read(string what, Action<SqliteStatement> row)
    {
        using SqliteStatement select = _db.Prepare("SELECT " + what);
        while (select.Step())
            row(select);
    }

    private static string Text(SqliteStatement row) => string.Create(
        null,
        $"{SplitPath.Join(row.Blob(0), row.Blob(1))} {row.Number(2)},{row.Number(3)},{row.Number(4)} "
        + $"born {row.Number(5)} "
        + $"{(EntryState)row.Int(6)} {(HoldReason?)row.OptionalInt(7)} job {row.OptionalNumber(8)} "
        + $"previous {row.OptionalNumber(9)} linked {row.Int(10) != 0}");
}
