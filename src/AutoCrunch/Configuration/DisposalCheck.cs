using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Configuration;

/// <summary>Whether files can be moved and deleted as a rule says, as far as can be told without doing it.</summary>
internal static class DisposalCheck
{
    /// <summary>What stands in the way, one sentence each.</summary>
    public static IEnumerable<string> Of(WatchRule rule)
    {
        DisposalPolicy[] policies = [.. new[] { rule.OnSuccess, rule.OnFailure }.Where(
            policy => policy.Kind != DisposalKind.Keep)];
        if (policies.Length > 0 && Refused(rule.Path) is { } cannot)
            yield return "files cannot be taken away: " + cannot;
        var values = new CommandValues(rule.Name, rule.Path, BytePath.Parse("directory/name"), 1, 1);
        foreach (DisposalPolicy policy in policies)
        {
            if (policy.DestinationOf(values) is not { } destination)
                continue;
            BytePath above = destination.Directory;
            while (above.Length > 1 && FileStatReader.TryReadTarget(above, out _) is Errno.ENOENT or Errno.ENOTDIR)
                above = above.Directory;
            if (Refused(above) is { } refused)
                yield return $"files cannot be moved to {ConfigurationLayers.Quote(policy.To!.Text)}: {refused}";
        }
    }

    private static string? Refused(BytePath directory)
    {
        int errno = FileStatReader.TryReadTarget(directory, out FileStat stat);
        if (errno == Errno.ENOENT)
            return null; // said of the rule's Path elsewhere
        if (errno == 0)
            errno = stat.Type == FileType.Directory
                ? PathOps.TryAccess(directory, AccessMode.Write | AccessMode.Execute)
                : Errno.ENOTDIR;
        return errno == 0 ? null : LinuxException.Explain("write to", directory, errno);
    }
}
