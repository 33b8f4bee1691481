namespace AutoCrunch.Cli;

/// <summary>What the command tells its caller; the numbers above 1 are those of sysexits(3).</summary>
internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>It failed; trying again may help.</summary>
    public const int Failure = 1;

    /// <summary>The command line is wrong (EX_USAGE).</summary>
    public const int Usage = 64;

    /// <summary>A restart cannot mend it: configuration, permissions, a damaged ledger (EX_CONFIG).</summary>
    public const int Configuration = 78;
}
