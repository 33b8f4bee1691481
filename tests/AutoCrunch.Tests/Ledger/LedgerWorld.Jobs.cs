using AutoCrunch.Core;

namespace AutoCrunch.Tests.Ledger;

/// <summary>Attempts, operators, and how it all ends.</summary>
internal sealed partial class LedgerWorld
{
    private const int Slots = 2;

    /// <summary>All is told, scanned and run: nothing that is there may have been lost.</summary>
    public void Finish()
    {
        for (int round = 0; round < 3; round++)
        {
            Deliver(int.MaxValue);
            Drain();
            Scan(0);
        }

        Deliver(int.MaxValue);
        Drain();
        foreach ((string path, WorldFile file) in _files)
        {
            if (_processed.Contains(file.Content) || _excused.Contains(file.Content) || IsLeftAlone(path))
                continue;
            LedgerTwin.Row? row = _pair.Twin.Rows.TryGetValue(path, out LedgerTwin.Row found) ? found : null;
            LedgerPair.Check(
                row is { State: EntryState.Held } held && held.Version == Stat(file).Version, "lost",
                $"{path} {Stat(file).Version} was not processed; it is {row}");
        }

        foreach ((string path, LedgerTwin.Row row) in _pair.Twin.Rows)
            LedgerPair.Check(
                !(row is { State: EntryState.Present, JobId: { } id } && _pair.Twin.Jobs[id] is
                    { State: JobState.Cancelled, Reason: not JobReason.ByHand }), "called off", $"{path} {row}");
    }

    // By the rule: found by the first scan, or an update of what was processed. Nothing leads from one that was renamed
    // since to what it was an update of.
    private bool IsLeftAlone(string path) => _pair.Twin.Rows.TryGetValue(path, out LedgerTwin.Row row)
        && row.State == EntryState.Present && row.Version == Stat(_files[path]).Version
        && ((_rule.ExistingFiles == ProcessPolicy.Ignore && row.JobId is null)
            || (_rule.Completion.Updates == ProcessPolicy.Ignore && (_wasAdopted || (row.LastJobId is { } id
                ? KnownEntry.IsProcessed(_pair.Twin.Jobs[id].State, _pair.Twin.Jobs[id].Reason)
                : _files[path].WasRenamed))));

    private void Drain()
    {
        for (Claim(); _slots.Count > 0; Claim())
            GoOn(_slots[0], 0);
    }

    private void Claim()
    {
        if (_slots.Count < Slots && _pair.Claim() is { } attempt)
        {
            Log.Add($"ledger: claimed job {attempt.Job.Id} {attempt.Job.Path}");
            _slots.Add(new Slot(attempt));
        }
    }

    // The first step looks at the file, by the path that the job had when it was claimed; the second one ends.
    private void GoOn(Slot slot, int how)
    {
        Job job = slot.Attempt.Job;
        if (slot.Content is { } content)
        {
            End(slot, (how % 16) switch
            {
                < 9 => AttemptOutcome.Succeeded.Value,
                < 11 => new AttemptOutcome.Failed("it failed", ExitCode: 1),
                11 => new AttemptOutcome.Failed("it failed", ExitCode: 1, IsPermanent: true),
                < 14 => new AttemptOutcome.Interrupted(ByCrash: false),
                14 => new AttemptOutcome.EndedByHand(null, 15),
                _ => new AttemptOutcome.NotStarted("not now", TimeSpan.Zero),
            });
            JobState state = _pair.Twin.Jobs[job.Id].State;
            if (state is JobState.Succeeded or JobState.Failed)
                _processed.Add(content);
            if (_pair.Twin.Jobs[job.Id].Reason == JobReason.ByHand)
                _excused.Add(content);
        }
        else if (!_files.TryGetValue(job.Path.ToString(), out WorldFile? file))
            End(slot, AttemptOutcome.Gone.Value);
        else if (Stat(file).Version != job.Version)
            End(slot, new AttemptOutcome.Changed(Stat(file).Version));
        else
            slot.Content = file.Content;
    }

    private void End(Slot slot, AttemptOutcome outcome)
    {
        _slots.Remove(slot);
        Log.Add($"ledger: job {slot.Attempt.Job.Id} {outcome}");
        _pair.Settle(slot.Attempt, outcome);
    }

    // What was told and not written is lost; the start scans.
    private void Crash()
    {
        Log.Add("-- crash");
        _told.Clear();
        _slots.Clear();
        _pair.Reopen();
        Scan(0);
    }

    private void ByHand(LedgerStep step, string path)
    {
        long id = _pair.Twin.Jobs.Count == 0 ? 0 : 1 + (step.A % _pair.Twin.Jobs.Count);
        _files.TryGetValue(path, out WorldFile? file);
        Log.Add($"ledger: {step.Kind} job {id} or {path}");
        switch (step.Kind)
        {
            case LedgerStepKind.Retry when id != 0:
                _pair.Retry(id, at => _files.TryGetValue(at, out WorldFile? there) ? Stat(there).Version : null);
                break;
            case LedgerStepKind.Cancel when id != 0:
                Excuse(_pair.Twin.Jobs[id].Version.Inode);
                _pair.Cancel(id);
                break;
            case LedgerStepKind.Submit when file is not null:
                _pair.Submit(path, Stat(file));
                break;
            case LedgerStepKind.Adopt when file is not null:
                AdoptAs how = step.B % 2 == 0 ? AdoptAs.Done : AdoptAs.Pending;
                if (how == AdoptAs.Done)
                {
                    Excuse(file.Inode);
                    _wasAdopted = true;
                }

                _pair.Adopt(path, Stat(file), how);
                break;
        }
    }

    private void Excuse(ulong inode) =>
        _excused.UnionWith(_files.Values.Where(file => file.Inode == inode).Select(file => file.Content));

    private void Say(LedgerStep step, string path, string other)
    {
        int c = step.C;
        var stat = new FileStat(
            FileType.Regular, 1, (ulong)(c % 3), 1, 1 + (c / 3 % 2), c / 6 % 2 == 0 ? 1 : 9, c / 12 % 3,
            c / 36 % 3 == 0 ? 0x180u : 0x1A4u, c / 108 % 4 == 0 ? 2u : 1u);
        Log.Add($"say:    {step.Kind} {path}, {other}, {stat}");
        (string from, string to) = s_moves[step.B % s_moves.Length];
        switch (step.Kind)
        {
            case LedgerStepKind.SayCompleted:
                _pair.Arrive(new Completion(_rule.Name, BytePath.Parse(path), stat, (Evidence)(step.A / 7 % 6), 1, 1)
                {
                    RenamedFrom = step.A % 3 == 0 && other != path ? BytePath.Parse(other) : null,
                    IsExisting = step.A % 5 == 0,
                });
                break;
            case LedgerStepKind.SayHeld:
                _pair.Held(path, stat, (HoldReason)(step.A / 7 % 5), step.B / 7 % 2 == 0);
                break;
            case LedgerStepKind.SayGone: _pair.Gone(path); break;
            case LedgerStepKind.SayTouched: _pair.MetadataChanged(path, stat); break;
            case LedgerStepKind.SayDirectoryMoved: _pair.DirectoryMoved(from, to); break;
            case LedgerStepKind.SayDirectoryGone: _pair.DirectoryGone(from, (ulong)(c % 2)); break;
        }
    }

    private sealed class Slot(Attempt attempt)
    {
        public Attempt Attempt { get; } = attempt;

        /// <summary>What the attempt saw; null before it has looked.</summary>
        public int? Content { get; set; }
    }
}
