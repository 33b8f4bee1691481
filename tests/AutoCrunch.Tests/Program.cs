using AutoCrunch.Tests.Recovery;

namespace AutoCrunch.Tests;

/// <summary>What a test may start as a process of its own, so that it can kill it.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments is not [LedgerChild.Verb, var directory, var seed, var isLast])
            return 64;
        LedgerChild.Run(directory, int.Parse(seed, null), bool.Parse(isLast));
        return 0;
    }
}
