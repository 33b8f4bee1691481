using AutoCrunch.Core;
using AutoCrunch.Ledger;

namespace AutoCrunch.Tests.Ledger;

public sealed class JobTests : IDisposable
{
    private static readonly AttemptOutcome s_failed = new AttemptOutcome.Failed("exited with code 1", 1);

    private readonly LedgerRig _rig = new LedgerRig().Open();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void Jobs_run_in_the_order_in_which_their_files_completed()
    {
        string[] paths = [.. Enumerable.Range(0, 500).Select(i => $"f{i * 7919 % 500:D3}")];
        foreach (string path in paths)
            _rig.Complete(path);

        _rig.StartClaims();

        foreach (string path in paths)
        {
            Attempt attempt = _rig.Take();
            Assert.Equal(path, attempt.Job.Path.ToString());
            _rig.Succeed(attempt);
        }
    }

    [Fact]
    public void Concurrency_and_MaxRunning_are_never_exceeded_and_always_used()
    {
        _rig.Options = _rig.Options with { MaxRunning = 4 };
        _rig.Reopen(LedgerRig.Rule("one"), LedgerRig.Rule("two"), LedgerRig.Rule("three"));
        string[] rules = ["one", "two", "three"];
        for (int i = 0; i < 300; i++)
            _rig.Complete($"f{i}", rule: rules[i % 3]);
        foreach (string rule in rules)
            _rig.StartClaims(concurrency: 2, rule);
        var random = new Random(1);
        var running = new List<Attempt>();

        var left = rules.ToDictionary(rule => rule, _ => 100);
        for (int done = 0; done < 300; done++)
        {
            while (running.Count < Math.Min(4, left.Values.Sum(count => Math.Min(2, count))))
                running.Add(_rig.Take());
            _rig.AssertNothingClaimed();
            Assert.All(rules, rule => Assert.InRange(running.Count(attempt => attempt.Job.Rule == rule), 0, 2));
            Attempt next = running[random.Next(running.Count)];
            running.Remove(next);
            left[next.Job.Rule] -= 1;
            _rig.Succeed(next);
        }

        Assert.All(_rig.Jobs(), job => Assert.Equal((JobState.Succeeded, 1), (job.State, job.Attempts)));
    }

    [Fact]
    public void Where_MaxRunning_is_scarce_the_oldest_completion_of_all_rules_is_next()
    {
        _rig.Options = _rig.Options with { MaxRunning = 1 };
        _rig.Reopen(LedgerRig.Rule("one"), LedgerRig.Rule("two"));
        string[] order = ["two", "two", "one", "two", "one", "one"];
        for (int i = 0; i < order.Length; i++)
            _rig.Complete($"f{i}", rule: order[i]);
        _rig.Sync();
        // Both must be known before the first claim: the second one's round is the first that can claim.
        _rig.Ledger.StartClaims("one", 0, _rig.Claimed.Add);
        _rig.StartClaims(concurrency: 9, "two");
        Attempt first = _rig.Take();
        _rig.StartClaims(concurrency: 9, "one");
        var claimed = new List<string> { first.Job.Rule };
        _rig.Succeed(first);
        while (claimed.Count < order.Length)
        {
            Attempt attempt = _rig.Take();
            claimed.Add(attempt.Job.Rule);
            _rig.Succeed(attempt);
        }

        Assert.Equal(order, claimed);
    }

    [Fact]
    public void A_job_that_fails_is_tried_as_often_as_the_policy_says_and_each_attempt_is_recorded()
    {
        _rig.StartClaims();
        long id = Fail(_rig, 3);

        Job job = _rig.Job(id);
        Assert.Equal((JobState.Failed, 3, 3), (job.State, job.Attempts, job.Failures));
        Assert.NotNull(job.FinishedNs);
        IReadOnlyList<AttemptRecord> attempts = _rig.Read(reader => reader.Attempts(id));
        Assert.Equal([1, 2, 3], attempts.Select(attempt => attempt.Number));
        Assert.All(attempts, attempt => Assert.Equal(
            (AttemptResult.Failed, 1, null, "exited with code 1"),
            (attempt.Result, attempt.ExitCode, attempt.Signal, attempt.Reason)));
        Assert.All(attempts, attempt => Assert.True(attempt.FinishedNs >= attempt.StartedNs));
        Assert.Equal(1, _rig.Read(reader => reader.Counts()).Single().Failed);
    }

    [Fact]
    public void A_retry_waits_for_its_time_and_others_go_first()
    {
        _rig.Reopen(LedgerRig.Rule(retry: new RetryPolicy(3, TimeSpan.FromSeconds(0.4), TimeSpan.FromMinutes(1), [])));
        _rig.StartClaims();
        _rig.Complete("a");
        _rig.Complete("b");
        Attempt first = _rig.Take();
        long failedNs = _rig.Ledger.NowNs;
        _rig.Settle(first, s_failed);

        Attempt other = _rig.Take();
        _rig.Succeed(other);
        Attempt second = _rig.Take();

        Assert.Equal("b", other.Job.Path.ToString());
        Assert.Equal((first.Job.Id, 2), (second.Job.Id, second.Number));
        Assert.True(_rig.Ledger.NowNs - failedNs >= 400_000_000);
    }

    [Fact]
    public void What_was_not_started_keeps_its_place_and_its_number()
    {
        _rig.StartClaims();
        _rig.Complete("a");
        _rig.Complete("b");
        Attempt first = _rig.Take();
        _rig.Settle(first, new AttemptOutcome.NotStarted("no memory", TimeSpan.Zero));

        Attempt again = _rig.Take();

        Assert.Equal((first.Job.Id, 1), (again.Job.Id, again.Number));
        Assert.Empty(_rig.Read(reader => reader.Attempts(first.Job.Id)));
    }

    [Fact]
    public void What_was_not_started_the_second_time_still_tells_when_it_was_started_the_first_time()
    {
        _rig.StartClaims();
        _rig.Complete("a");
        Attempt first = _rig.Take();
        _rig.Settle(first, s_failed);
        _rig.Settle(_rig.Take(), new AttemptOutcome.NotStarted("no memory", TimeSpan.Zero));
        Attempt third = _rig.Take();
        _rig.Settle(third, AttemptOutcome.Gone.Value);

        Job job = _rig.Job(first.Job.Id);
        Assert.Equal(2, third.Number);
        Assert.Equal((1, first.Job.StartedNs), (job.Attempts, job.StartedNs));
    }

    [Fact]
    public void A_file_seen_changed_before_its_attempt_gets_its_own_job_even_if_it_ends_as_it_was()
    {
        _rig.StartClaims();
        Completion told = _rig.Complete("a");
        Attempt first = _rig.Take();
        _rig.Settle(first, new AttemptOutcome.Changed(told.Version with { SizeBytes = 1 }));
        Assert.Equal(["a:Cancelled/Superseded"], _rig.Story());

        _rig.Complete("a", told.Version, Evidence.MtimeSet);

        Assert.Equal(told.Version, _rig.Take().Job.Version);
    }

    [Fact]
    public void A_file_that_was_touched_just_before_its_attempt_still_runs_whichever_is_told_first()
    {
        _rig.StartClaims();
        Completion told = _rig.Complete("a");
        FileVersion touched = told.Version with { MtimeNs = 77 };
        Attempt first = _rig.Take();
        _rig.Settle(first, new AttemptOutcome.Changed(touched));
        _rig.Ledger.KnownFiles.MetadataChanged("raw", told.Path, LedgerRig.StatOf(touched));
        Attempt second = _rig.Take();
        Assert.Equal(touched, second.Job.Version);
        Assert.Equal(told.Evidence, second.Job.Evidence);

        FileVersion again = touched with { MtimeNs = 78 };
        _rig.Ledger.KnownFiles.MetadataChanged("raw", told.Path, LedgerRig.StatOf(again));
        _rig.Settle(second, new AttemptOutcome.Changed(again));
        Attempt third = _rig.Take();
        Assert.Equal((second.Job.Id, again, 1), (third.Job.Id, third.Job.Version, third.Number));
    }

    [Fact]
    public void A_job_whose_newer_version_was_only_recorded_runs_for_what_is_there()
    {
        _rig.Reopen(LedgerRig.Rule(completion: new CompletionPolicy { Updates = ProcessPolicy.Ignore }));
        _rig.StartClaims();
        _rig.Complete("a");
        Attempt first = _rig.Take();
        Completion second = _rig.Complete("a");
        _rig.Settle(first, s_failed);
        _rig.Settle(_rig.Take(), new AttemptOutcome.Changed(second.Version));

        Assert.Equal(second.Version, _rig.Take().Job.Version);
    }

    [Fact]
    public void A_file_gone_before_its_attempt_is_a_new_arrival_when_it_is_back()
    {
        _rig.StartClaims();
        Completion told = _rig.Complete("a");
        _rig.Settle(_rig.Take(), AttemptOutcome.Gone.Value);
        _rig.Complete("a", told.Version, Evidence.Found);

        Assert.Equal(told.Version, _rig.Take().Job.Version);
        Assert.Equal(["a:Cancelled/Gone", "a:Running"], _rig.Story());
    }

    [Fact]
    public async Task An_operator_can_retry_what_failed_for_good_once_more_under_its_id()
    {
        _rig.StartClaims();
        long id = Fail(_rig, 3);

        Assert.True(await _rig.Ledger.RetryAsync(id));
        Attempt fourth = _rig.Take();
        Assert.Equal((id, 4), (fourth.Job.Id, fourth.Number));
        Assert.False(await _rig.Ledger.RetryAsync(id)); // it runs
        _rig.Settle(fourth, s_failed);
        Assert.Equal(JobState.Failed, _rig.Job(id).State);

        Assert.True(await _rig.Ledger.RetryAsync(id));
        _rig.Succeed(_rig.Take());
        Assert.Equal((JobState.Succeeded, 5), (_rig.Job(id).State, _rig.Job(id).Attempts));
        Assert.False(await _rig.Ledger.RetryAsync(id + 1));
    }

    [Fact]
    public async Task An_operator_can_cancel_what_waits()
    {
        _rig.Complete("a");
        long id = _rig.Jobs().Single().Id;

        Assert.True(await _rig.Ledger.CancelAsync(id));

        Assert.Equal(["a:Cancelled/ByHand"], _rig.Story());
        Assert.False(await _rig.Ledger.CancelAsync(id));
    }

    [Fact]
    public void A_burst_with_every_completion_told_twice_runs_each_file_exactly_once()
    {
        const int Files = 10_000;
        _rig.StartClaims(concurrency: 8);
        for (int i = 0; i < Files; i++)
        {
            Completion told = _rig.Complete($"d{i % 10}/f{i}");
            _rig.Complete(told.Path.ToString(), told.Version, Evidence.Found);
        }

        var seen = new HashSet<string>();
        for (int i = 0; i < Files; i++)
        {
            Attempt attempt = _rig.Take();
            Assert.True(seen.Add(attempt.Job.Path.ToString()));
            _rig.Succeed(attempt);
        }

        _rig.AssertNothingClaimed();
        Assert.All(_rig.Jobs(), job => Assert.Equal((JobState.Succeeded, 1), (job.State, job.Attempts)));
    }

    [Fact]
    public void Lists_are_filtered_newest_first()
    {
        _rig.Reopen(LedgerRig.Rule(), LedgerRig.Rule("other"));
        for (int i = 0; i < 10; i++)
            _rig.Complete($"f{i}", rule: i % 2 == 0 ? "raw" : "other");
        _rig.StartClaims();
        _rig.Succeed(_rig.Take());
        Attempt running = _rig.Take();

        string[] List(JobQuery query) =>
            [.. _rig.Read(reader => reader.List(query)).Select(job => job.Path.ToString())];
        Assert.Equal(["f9", "f7"], List(new JobQuery { Rule = "other", Limit = 2 }));
        Assert.Equal(["f8", "f6", "f4"], List(new JobQuery { Rule = "raw", State = JobState.Queued }));
        Assert.Equal(["f0"], List(new JobQuery { State = JobState.Succeeded }));
        Assert.Equal(["f1", "f0"], List(new JobQuery { BeforeId = running.Job.Id }));
        Assert.Empty(List(new JobQuery { Rule = "unknown" }));
        Assert.Equal(
            [new RuleCounts("other", 0, 5, 0, 0), new RuleCounts("raw", 0, 3, 1, 0)],
            _rig.Read(reader => reader.Counts()));
    }

    private static long Fail(LedgerRig rig, int times)
    {
        rig.Complete("a");
        Attempt attempt = rig.Take();
        for (int i = 1; i < times; i++)
        {
            rig.Settle(attempt, s_failed);
            attempt = rig.Take();
        }

        rig.Settle(attempt, s_failed);
        return attempt.Job.Id;
    }
}
