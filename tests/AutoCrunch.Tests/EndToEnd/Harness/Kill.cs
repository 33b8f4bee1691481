using System.Runtime.InteropServices;

namespace AutoCrunch.Tests.EndToEnd.Harness;

/// <summary>kill(2), and who is still there.</summary>
internal static partial class Kill
{
    public const int Interrupt = 2;
    public const int ForGood = 9;
    public const int Terminate = 15;

    /// <summary>Sends a signal to one process.</summary>
    public static void Send(int pid, int signal) => _ = NativeKill(pid, signal);

    /// <summary>Processes (not zombies) in whose environment a text stands.</summary>
    public static int[] ProcessesWith(string environmentText) =>
        [.. from directory in Directory.EnumerateDirectories("/proc")
            let pid = int.TryParse(Path.GetFileName(directory), out int number) ? number : 0
            where pid != 0 && Read($"{directory}/environ").Contains(environmentText, StringComparison.Ordinal)
            select pid];

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int NativeKill(int pid, int signal);
}
