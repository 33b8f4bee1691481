using System.Runtime.InteropServices;

namespace AutoCrunch.Tests.EndToEnd.Harness;

/// <summary>kill(2), and who is still there.</summary>
internal static partial class Kill
{
    public const int Interrupt = 2;
    public const int ForGood = 9;
    public const int Terminate = 15;

    /// <summary>Sends a signal to one process; never to a group, which is what 0 and less stand for.</summary>
    public static void Send(int pid, int signal) => _ = pid > 0 ? NativeKill(pid, signal) : -1;

    /// <summary>The only child of a process that waits for it; 0 when there is none.</summary>
    public static int OnlyChildOf(int pid) =>
        int.TryParse(Read($"/proc/{pid}/task/{pid}/children").TrimEnd(), out int child) ? child : 0;

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
