using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace AutoCrunch.Dispatch;

/// <summary>
/// What an attempt is called in Slurm and in SharedDirectory: the same in every life of the service, so that after any
/// interruption Slurm can be asked for it.
/// </summary>
internal static class SlurmToken
{
    /// <summary>What the names of our jobs in Slurm begin with.</summary>
    public const string NamePrefix = "ac";

    /// <summary>Characters of a token.</summary>
    public const int Length = 32;

    /// <summary>The token of an attempt: hex of 16 bytes that no other ledger, job or attempt has.</summary>
    public static string Of(string ledgerId, long jobId, int attempt)
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"{ledgerId}\n{jobId}\n{attempt}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, Length / 2));
    }

    /// <summary>The name of its job in Slurm.</summary>
    public static string NameOf(string token) => NamePrefix + token;

    /// <summary>The attempt's directory in SharedDirectory: "3f/TOKEN-JOB-ATTEMPT".</summary>
    public static string DirectoryOf(string ledgerId, long jobId, int attempt)
    {
        string token = Of(ledgerId, jobId, attempt);
        return string.Create(CultureInfo.InvariantCulture, $"{token[..2]}/{token}-{jobId}-{attempt}");
    }

    /// <summary>The attempt that such a directory is of, by its last name; null for another ledger's.</summary>
    public static (long Job, int Attempt)? AttemptOf(string name, string ledgerId) =>
        name.Split('-') is [var token, var job, var attempt]
        && long.TryParse(job, NumberStyles.None, CultureInfo.InvariantCulture, out long jobId)
        && int.TryParse(attempt, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
        && token == Of(ledgerId, jobId, number)
            ? (jobId, number)
            : null;
}
