using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Dispatch;

/// <summary>
/// Has Slurm say whether it would take a job with the rule's partition, account and limits (sbatch --test-only), and
/// whether this machine can use SharedDirectory.
/// </summary>
/// <param name="inherited">The environment.</param>
internal sealed class SlurmCheck(IReadOnlyList<byte[]> inherited) : IEngineCheck
{
    private const string DispatcherKey = "Type";
    private const uint FilePermissions = 0b110_100_000;

    private static readonly (string Words, string Key)[] s_blame =
    [
        ("partition", nameof(SlurmOptions.Partition)), ("account", nameof(SlurmOptions.Account)),
        ("memory", nameof(SlurmOptions.Memory)), ("time limit", nameof(SlurmOptions.Time)),
        ("CPU", nameof(SlurmOptions.Cpus)), ("option", nameof(SlurmOptions.Options)),
    ];

    private readonly SlurmTools _tools = new(inherited);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<EngineFinding>> CheckAsync(
        WatchRule rule, DispatcherOptions options, CancellationToken stop)
    {
        var slurm = (SlurmOptions)options;
        var findings = new List<EngineFinding>();
        if (CheckShared(slurm.SharedDirectory) is { } shared)
            findings.Add(shared);
        ProgramCall call = _tools.TestSubmit(slurm);
        ProgramResult result = await new ProgramRunner("slurm check", 1).RunAsync(call).WaitAsync(stop)
            .ConfigureAwait(false);
        if (!result.IsSuccess)
        {
            string reason = result.Explain(call);
            string key = result.WasNotStarted ? DispatcherKey : s_blame.FirstOrDefault(
                blame => reason.Contains(blame.Words, StringComparison.OrdinalIgnoreCase)).Key ?? DispatcherKey;
            findings.Add(new EngineFinding(
                IsError: true, key, $"Slurm would not take its jobs: {reason}. Try it with: sbatch --test-only"));
        }
        else
        {
            findings.Add(new EngineFinding(IsError: false, DispatcherKey, "Slurm would take jobs of this rule"));
        }

        return findings;
    }

    private static EngineFinding? CheckShared(BytePath shared)
    {
        BytePath trial = shared.Join("autocrunch-check"u8);
        int errno = PathOps.TryOpen(trial, OpenMode.Append, FilePermissions, out SafeFileHandle? file);
        file?.Dispose();
        if (errno == 0)
            PathOps.TryUnlink(trial);
        return errno == 0 ? null : new EngineFinding(
            IsError: true, nameof(SlurmOptions.SharedDirectory),
            $"cannot be written: {LinuxException.Explain("open", trial, errno)}; every node must be able to, too");
    }
}
