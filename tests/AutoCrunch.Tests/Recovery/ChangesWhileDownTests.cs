using AutoCrunch.Core;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Recovery;

/// <summary>What happened while the service was down is made up for, and nothing else runs.</summary>
public sealed class ChangesWhileDownTests
{
    private const int New = 1000;
    private const int Old = 100;
    private const int Each = 10;

    [ProgramFact("rsync")]
    public void A_thousand_new_and_ten_changed_files_are_1010_jobs_and_ten_deleted_and_ten_renamed_ones_are_none()
    {
        using var service = new ServiceUnderTest(new RuleText { Concurrency = 4 });
        service.Start();
        var arena = new Arena(service);
        arena.RunsAll($"$TOOL fill $S old- {Old} 1; rsync -a $S/ $D/", Old);
        arena.Nothing();

        // Metadata at any time, live, is no new version.
        arena.Script("touch $D/old-00005?.raw; chmod 600 $D/old-00006?.raw; chown 12:34 $D/old-00007?.raw");
        arena.Nothing();
        service.Stop();
        string[] changed = [.. Enumerable.Range(0, Each).Select(i => $"old-{i:000000}.raw")];
        arena.Script($$"""
            mkdir $B/more
            $TOOL fill $B/more new- {{New}} 2
            for i in {0..9}; do new $B/more/old-00000$i.raw 4321 2021-02-03; done
            rsync -a $B/more/ $D/
            rm $D/old-00001?.raw
            for i in {0..9}; do mv $D/old-00002$i.raw $D/moved-$i.raw; done
            chmod 640 $D/old-00003?.raw
            chown 56:78 $D/old-00004?.raw
            """);
        service.Start();
        arena.ExpectOneMore(
            Enumerable.Range(0, New).Select(i => $"new-{i:000000}.raw").Concat(changed).Select(BytePath.Parse));
        arena.Nothing();
        Assert.Equal(Old + New + Each, arena.Started().Count);
        AssertJobs(service, Old + New + Each);
        service.Stop();

        // A second start has nothing to do, whatever was done to the metadata meanwhile.
        arena.Script("chmod 644 $D/*.raw; chown 0:0 $D/*.raw");
        service.Start();
        arena.Nothing();
        AssertJobs(service, Old + New + Each);
        service.Stop();
    }

    // The jobs of markers, which the proofs of nothing need, are counted by themselves.
    private static void AssertJobs(ServiceUnderTest service, int count)
    {
        using var ledger = new LedgerView(service.Base);
        LedgerJob[] jobs = [.. ledger.Jobs().Where(job => !job.Path.Name.Span.StartsWith("marker-"u8))];
        Assert.Equal(count, jobs.Length);
        Assert.All(jobs, job => Assert.Equal((LedgerView.Succeeded, 1), (job.State, job.Attempts)));
    }
}
