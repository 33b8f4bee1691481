using System.Security.Cryptography;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;

namespace AutoCrunch.Sample;

/// <summary>Writes the checksum of each file that has arrived into a catalogue, as sha256sum does.</summary>
internal sealed class CatalogueDispatcher : DurableDispatcher
{
    private readonly Lock _gate = new();
    private readonly string _catalogue;

    public CatalogueDispatcher(DispatcherContext context)
        : base(context) => _catalogue = context.Settings["Catalogue"];

    // Everything else is done: the job is in the ledger, its file is there and finished, no other attempt of it runs,
    // and what is returned or thrown is recorded, told, and tried again as the rule says.
    protected override async Task<AttemptOutcome> RunAsync(Attempt attempt, CancellationToken stopping)
    {
        await using FileStream file = OpenFile(attempt.Job);
        if (file.Length == 0)
            return new AttemptOutcome.Failed("the file is empty", IsPermanent: true);
        byte[] checksum = await SHA256.HashDataAsync(file, stopping);
        lock (_gate) // Concurrency attempts run at once
            File.AppendAllText(_catalogue, $"{Convert.ToHexStringLower(checksum)}  {attempt.Job.Path}\n");
        return AttemptOutcome.Succeeded.Value;
    }
}
