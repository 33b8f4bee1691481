using System.Globalization;

namespace AutoCrunch.Tests.Systemd;

/// <summary>
/// A small Debian with systemd as a directory tree, made by debootstrap once and kept outside the repository:
/// $XDG_CACHE_HOME/autocrunch-tests, else ~/.cache/autocrunch-tests. Never booted itself: containers are copies of it.
/// </summary>
internal static class BaseSystem
{
    // Part of the name, so that other contents make another tree.
    private const string Suite = "bookworm";
    private const string Packages = "systemd,systemd-sysv,libpam-systemd,dbus,rsync,libstdc++6";

    private static readonly string[] s_notNeeded =
        ["var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "usr/share/man"];

    /// <summary>The tree; takes a minute or two the first time.</summary>
    public static string Get()
    {
        string cache = Path.Combine(CacheHome(), "autocrunch-tests");
        string tree = Path.Combine(cache, $"{Suite}-{Packages.Replace(',', '-')}");
        if (Directory.Exists(tree))
            return tree;
        // Under its final name it is complete; of two that are made at once, one is thrown away.
        string made = string.Create(CultureInfo.InvariantCulture, $"{tree}.{Environment.ProcessId}");
        Directory.CreateDirectory(cache);
        Tool.Run("debootstrap", "--variant=minbase", $"--include={Packages}", Suite, made);
        foreach (string directory in s_notNeeded)
            Tool.Run("rm", "-rf", Path.Combine(made, directory));
        Directory.CreateDirectory(Path.Combine(made, "var/lib/apt/lists/partial"));
        Directory.CreateDirectory(Path.Combine(made, "var/cache/apt/archives/partial"));
        if (Tool.TryRun("mv", "--no-target-directory", "--no-clobber", made, tree).ExitCode != 0
            || Directory.Exists(made))
            Tool.Run("rm", "-rf", made);
        return tree;
    }

    private static string CacheHome() =>
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } directory
            ? directory
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
}
