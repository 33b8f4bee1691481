using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Watching;

namespace AutoCrunch.Hosting;

/// <summary>
/// <c>adopt</c>: all files that are in the tree of a <c>rule</c> are recorded <c>as</c> done (no job) or pending (a job
/// each, unless it had one), before the rule's first start or later. In small transactions: what arrives and runs
/// meanwhile goes on. With <c>dryRun</c> nothing is recorded, and all is counted.
/// </summary>
internal sealed class AdoptControl(CompiledConfiguration configuration, JobLedger ledger, bool isLive = true)
    : IControlVerb
{
    private readonly SemaphoreSlim _one = new(1);

    /// <inheritdoc/>
    public string Verb => "adopt";

    /// <inheritdoc/>
    public bool IsWriting => true;

    /// <inheritdoc/>
    public async Task AnswerAsync(ControlRequest request, ControlAnswer answer, CancellationToken stopping)
    {
        WatchRule rule = JobLines.RuleOf(configuration, request.RequiredText("rule")).Rule;
        AdoptAs how = request.RequiredText("as") switch
        {
            "done" => AdoptAs.Done,
            "pending" => AdoptAs.Pending,
            _ => throw new ControlRefusedException("The request's field 'as' must be done or pending.")
            {
                IsUsage = true,
            },
        };
        if (!_one.Wait(TimeSpan.Zero, CancellationToken.None))
            throw new ControlRefusedException("Files are being adopted already: try again when that has ended.");
        try
        {
            var work = new Work(ledger, rule, how, request.Flag("dryRun"));
            await ControlWork.OnThreadAsync(() => work.Run(stopping)).ConfigureAwait(false);
            work.Tell(answer, isLive);
        }
        finally
        {
            _one.Release();
        }
    }

    private sealed class Work(JobLedger ledger, WatchRule rule, AdoptAs how, bool isDry)
    {
        private readonly AdoptCounts _counts = new();
        private long _files;
        private long _arriving;
        private TreeWalk? _walk;

        // Waits for the ledger after each part: it is never asked for more than that at once.
        public bool Run(CancellationToken stopping)
        {
            var files = new RuleFiles(rule);
            _walk = new TreeWalk(files);
            foreach (List<SeenFile> some in _walk.Parts(JobLedger.ByHandMost))
            {
                stopping.ThrowIfCancellationRequested();
                _files += some.Count;
                if (how == AdoptAs.Pending)
                    some.RemoveAll(file => !IsWhole(files, file));
                _counts.Add(
                    ledger.AdoptAsync(rule.Name, some, how, isDry).ByAsync(ledger, stopping).GetAwaiter().GetResult());
            }

            return true;
        }

        public void Tell(ControlAnswer answer, bool isLive) => answer.Result(json =>
        {
            json.WriteBoolean("dryRun", isDry);
            json.WriteNumber("files", _files);
            json.WriteNumber("recorded", _counts.Recorded);
            json.WriteNumber("jobs", _counts.Jobs);
            json.WriteNumber("cancelled", _counts.Cancelled);
            json.WriteNumber("known", _counts.Known);
            json.WriteNumber("running", _counts.Running);
            json.WriteNumber("held", _counts.Held);
            json.WriteNumber("changed", _counts.Changed);
            json.WriteNumber("arriving", _arriving);
            json.WriteNumber("refused", _walk!.Unreadable);
            json.WriteString("message", Message(isLive));
        });

        // A job must never run on a part of a file: what may be one is left to the service, which watches it.
        private bool IsWhole(RuleFiles files, SeenFile file)
        {
            BytePath path = rule.Path.Join(file.Path);
            ProbeAnswer look = FileProber.Look([.. path.Span, 0], ProbeDepth.Writers, files.TraitsOf(path.Directory));
            if (look.Status != ProbeStatus.Present || look.Stat.Version != file.Stat.Version
                || files.MayBeWritten(look))
            {
                _arriving += 1;
                return false;
            }

            bool isHeld = (look.Stat.HasZeroMtime && rule.Completion.Holds(HoldReason.ZeroMtime))
                || (look.Stat.LooksKilledInPlace && rule.Completion.Holds(HoldReason.OwnerOnly));
            if (isHeld)
                _counts.Held += 1;
            return !isHeld;
        }

        private string Message(bool isLive)
        {
            string would = isDry ? "would be " : "";
            string main = how == AdoptAs.Done
                ? $"{Number(_counts.Recorded)} {would}recorded as done"
                : $"{Number(_counts.Jobs)} {(isDry ? "would get" : "have got")} a job each";
            string when = how == AdoptAs.Pending && _counts.Jobs > 0 && !isLive && !isDry
                ? ", which run when the service is started"
                : "";
            string text = $"{Number(_files)} files of rule {rule.Name}: {main}{when}"
                + Part(_counts.Cancelled, $"{would}taken off the queue")
                + Part(_counts.Known, "known already")
                + Part(_counts.Running, "left alone, as their jobs run")
                + Part(_counts.Held, "left alone, as they are held ('autocrunch submit' runs them)")
                + Part(_counts.Changed, "left alone, as they changed meanwhile")
                + Part(_arriving, "left to the service, as they may still be written") + ".";
            return _walk!.Unreadable == 0
                ? text
                : $"{text} {Number(_walk.Unreadable)} directories could not be read: {_walk.FirstUnreadable}.";
        }

        private static string Part(long count, string what) => count == 0 ? "" : $"; {Number(count)} {what}";

        private static string Number(long count) => FormattableString.Invariant($"{count:N0}");
    }
}
