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
}
