using System.Diagnostics;
using System.Globalization;

namespace AutoCrunch.Tests.Systemd;

/// <summary>
/// A machine of its own with systemd as its first process: a copy of <see cref="BaseSystem"/> booted by systemd-nspawn.
/// Ends nothing but what it started.
/// </summary>
internal sealed class Container : IDisposable
{
    // Where the host runs systemd, systemd-nspawn gets a scope of its own from it. Where it does not, control groups of
    // its own are made by hand: containers must not find each other's units in theirs.
    private const string Start = """
        if [ -d /run/systemd/system ]; then
            exec systemd-nspawn --register=no "$@"
        fi
        for hierarchy in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
            if [ -e $hierarchy/cgroup.procs ]; then
                mkdir $hierarchy/autocrunch-test-$$
                echo $$ >$hierarchy/autocrunch-test-$$/cgroup.procs
            fi
        done
        exec systemd-nspawn --register=no --keep-unit "$@"
        """;

    // systemd(1), "Signals": SIGRTMIN+4 is poweroff.
    private const string PowerOffSignal = "RTMIN+4";

    // systemd's own hierarchy of cgroup v1, the same of v2 beside it, or v2 alone.
    private static readonly string[] s_hierarchies =
        ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"];

    private readonly TempDirectory _directory = new();
    private readonly string _tree;
    private readonly string[] _binds;
    private Process? _nspawn;
    private int _init;

    /// <param name="readOnly">Directories of the host that are seen in it, at the same place.</param>
    /// <param name="shared">
    /// One that can be written in too. It has to be empty and outside /tmp: a system that boots removes what it finds
    /// there (tmpfiles.d(5)), the host's own files as any other.
    /// </param>
    public Container(string[]? readOnly = null, string? shared = null)
    {
        bool isSafe = shared is null
            || (!IsRemovedAtBoot(shared) && !Directory.EnumerateFileSystemEntries(shared).Any());
        Assert.True(isSafe, $"{shared} may not be shared with a container");
        _binds = [.. (readOnly ?? []).Select(directory => "--bind-ro=" + directory)];
        if (shared is not null)
            _binds = [.. _binds, "--bind=" + shared];
        _tree = Path.Combine(_directory.Text, "root");
        Tool.Run("cp", "-a", "--reflink=auto", BaseSystem.Get(), _tree);
        try
        {
            Boot();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Its first process, for nsenter(1).</summary>
    public int Init => _init;

    /// <summary>Where the host sees a file of the container; not those in its /run, /tmp and /proc.</summary>
    public string this[string path] => _tree + path;

    /// <summary>Runs a shell command as root in the container; fails the test unless it exits with 0.</summary>
    public string Run(string script)
    {
        (int exitCode, string output, string error) = TryRun(script);
        if (exitCode != 0)
            Assert.Fail($"{script}: exit code {exitCode}\n{output}{error}");
        return output.TrimEnd('\n');
    }

    /// <inheritdoc cref="Run"/>
    public (int ExitCode, string Output, string Error) TryRun(string script) => Tool.TryRun(
        "nsenter", "-t", Text(_init), "-a", "sh", "-c", script);

    /// <summary>Starts a shell command of the user <c>sender</c> that goes on by itself.</summary>
    public void Begin(string script) => Run(
        $"systemd-run --quiet --uid=sender --property=SupplementaryGroups=autocrunch -- sh -c '{script}'");

    /// <summary>
    /// Runs a shell command that sees the files of the host and the process ids of the container.
    /// </summary>
    public void RunAmongItsProcesses(string script) => Tool.Run(
        "nsenter", "-t", Text(_init), "-p", "sh", "-c", script);

    /// <summary>Copies a file of the host into the container.</summary>
    public void CopyIn(string file, string path) => File.Copy(file, this[path], overwrite: true);

    /// <summary>Writes a file that the test has as text.</summary>
    public void Write(string path, string text, UnixFileMode mode = (UnixFileMode)0b110_100_100)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[path])!);
        File.WriteAllText(this[path], text);
        File.SetUnixFileMode(this[path], mode);
    }

    /// <summary>Reboots in good order; returns when the machine is up again.</summary>
    public void Reboot()
    {
        Run("systemctl reboot --no-wall");
        AwaitEnd();
        Boot();
    }

    public void Dispose()
    {
        if (_nspawn is not null)
        {
            if (_init != 0)
                Tool.TryRun("kill", "-s", PowerOffSignal, Text(_init));
            AwaitEnd();
        }

        _directory.Dispose();
    }

    private static bool IsRemovedAtBoot(string directory) =>
        Path.GetFullPath(directory + "/").StartsWith("/tmp/", StringComparison.Ordinal)
        || "/var/tmp/".StartsWith(Path.GetFullPath(directory + "/"), StringComparison.Ordinal);

    private void Boot()
    {
        // Not registered with machined and in no unit of its own: the host need not run systemd.
        _nspawn = Process.Start(new ProcessStartInfo(
            "sh", ["-c", Start, "sh", "--quiet", "-D", _tree, "--boot", "--console=pipe", "--hostname=autocrunch",
             .. _binds])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _nspawn.OutputDataReceived += (_, _) => { };
        _nspawn.ErrorDataReceived += (_, _) => { };
        _nspawn.BeginOutputReadLine();
        _nspawn.BeginErrorReadLine();
        Wait.Until(() => (_init = FindInit()) != 0 || _nspawn.HasExited);
        Wait.Until(
            () => TryRun("systemctl is-system-running").Output.TrimEnd() is "running" or "degraded", 4 * Wait.Bound);
    }

    // The container's first process is the only child of systemd-nspawn, once it is what it is to be.
    private int FindInit()
    {
        string child = Tool.TryRun("pgrep", "--parent", Text(_nspawn!.Id), "--exact", "systemd").Output.TrimEnd();
        return int.TryParse(child, CultureInfo.InvariantCulture, out int pid) ? pid : 0;
    }

    private void AwaitEnd()
    {
        if (!_nspawn!.WaitForExit(2 * Wait.Bound))
        {
            _nspawn.Kill(entireProcessTree: true);
            Assert.Fail("the container did not go down");
        }

        foreach (string hierarchy in s_hierarchies)
        {
            string group = $"{hierarchy}/autocrunch-test-{Text(_nspawn.Id)}";
            if (Directory.Exists(group))
                Tool.Run("find", group, "-depth", "-type", "d", "-delete");
        }

        _nspawn.Dispose();
        _nspawn = null;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
