using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Engines;

/// <summary>
/// Slurm on this machine, with four nodes of its own making, in a directory of its own and on free ports; started once
/// for all tests that ask something of it, and ended with them.
/// </summary>
public sealed class SlurmCluster : IDisposable
{
    /// <summary>A partition of the last node alone, whose jobs make room for those of the default one.</summary>
    public const string Yielding = "yielding";

    /// <summary>A partition that Slurm's programs do not show unless they are asked to.</summary>
    public const string Hidden = "hidden";

    /// <summary>How many CPUs a node has.</summary>
    public const int CpusOfNode = 100;

    private const int Nodes = 4;

    private readonly TempDirectory _directory = new();
    private readonly List<Process> _nodes = [];
    private readonly bool _isInstalled = File.Exists("/usr/sbin/slurmctld");
    private Process? _controller;

    public SlurmCluster()
    {
        SharedDirectory = PathOf("shared");
        if (!_isInstalled)
            return; // the tests say so
        foreach (string name in new[] { "shared", "state", "spool" })
            Directory.CreateDirectory(PathOf(name));
        File.WriteAllBytes(PathOf("munge.key"), [.. Enumerable.Range(0, 1024).Select(_ => (byte)Random.Shared.Next())]);
        File.SetUnixFileMode(PathOf("munge.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        WriteConfiguration();
        try
        {
            StartAll();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What SLURM_CONF names.</summary>
    public string Configuration => PathOf("slurm.conf");

    /// <summary>A directory that all nodes have.</summary>
    public string SharedDirectory { get; }

    /// <summary>The only node of <see cref="Yielding"/>.</summary>
    public static string YieldingNode => $"n{Nodes}";

    /// <summary>What one of Slurm's programs prints.</summary>
    public string Say(string program, params string[] arguments) =>
        Tool.Run("env", ["SLURM_CONF=" + Configuration, program, .. arguments]);

    /// <summary>Starts slurmctld, with the state it had when it was ended.</summary>
    public void StartController() => _controller = Start("/usr/sbin/slurmctld", "-D", "-f", Configuration);

    /// <summary>Ends slurmctld: nobody answers, jobs go on.</summary>
    public void StopController()
    {
        Tool.Run("kill", _controller!.Id.ToString(CultureInfo.InvariantCulture));
        _controller.WaitForExit();
        _controller.Dispose();
        _controller = null;
    }

    /// <summary>Waits until slurmctld answers.</summary>
    public void UntilUp() => Wait.Until(() => TrySay("squeue", "--noheader") is not null, 2 * Wait.Bound);

    public void Dispose()
    {
        if (_isInstalled)
        {
            foreach (Process process in _nodes.Append(_controller).OfType<Process>())
            {
                process.Kill(entireProcessTree: true); // with what still runs on it
                process.WaitForExit();
                process.Dispose();
            }

            if (File.Exists(PathOf("munged.pid")))
                Tool.TryRun("kill", File.ReadAllText(PathOf("munged.pid")).Trim());
        }

        Wait.Until(TryRemove); // what is just ending may still write a last line
    }

    private void StartAll()
    {
        Tool.Run(
            "/usr/sbin/munged", "--force", $"--socket={PathOf("munge.sock")}", $"--key-file={PathOf("munge.key")}",
            $"--pid-file={PathOf("munged.pid")}", $"--log-file={PathOf("munged.log")}",
            $"--seed-file={PathOf("seed")}");
        StartController();
        for (int node = 1; node <= Nodes; node++)
            _nodes.Add(Start("/usr/sbin/slurmd", "-D", "-N", $"n{node}", "-f", Configuration));
        Wait.Until(() => TrySay("sinfo", "--noheader", "--format=%D %T") == $"{Nodes} idle\n", 2 * Wait.Bound);
    }

    private bool TryRemove()
    {
        try
        {
            _directory.Dispose();
            return true;
        }
        catch (LinuxException)
        {
            return false;
        }
    }

    private string PathOf(string name) => Path.Combine(_directory.Text, name);

    private string? TrySay(string program, params string[] arguments)
    {
        (int exitCode, string output, _) =
            Tool.TryRun("timeout", ["20", "env", "SLURM_CONF=" + Configuration, program, .. arguments]);
        return exitCode == 0 ? output : null;
    }

    private static Process Start(string program, params string[] arguments)
    {
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        process.Start();
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void WriteConfiguration()
    {
        int[] ports = FreePorts(Nodes + 1);
        string host = Tool.Run("hostname", "-s").Trim();
        string text = $"""
            ClusterName=test
            SlurmctldHost={host}(127.0.0.1)
            SlurmctldPort={ports[0]}
            AuthType=auth/munge
            AuthInfo=socket={PathOf("munge.sock")}
            CredType=cred/munge
            SlurmUser={Environment.UserName}
            SlurmdUser={Environment.UserName}
            StateSaveLocation={PathOf("state")}
            SlurmctldPidFile={PathOf("slurmctld.pid")}
            SlurmctldLogFile={PathOf("slurmctld.log")}
            SlurmdParameters=config_overrides
            ProctrackType=proctrack/pgid
            TaskPlugin=task/none
            SelectType=select/cons_tres
            SelectTypeParameters=CR_Core
            SchedulerParameters=batch_sched_delay=0,sched_min_interval=10000
            AccountingStorageType=accounting_storage/none
            JobAcctGatherType=jobacct_gather/none
            MinJobAge=300
            PreemptType=preempt/partition_prio
            PreemptMode=CANCEL
            MessageTimeout=5
            KillWait=1
            ReturnToService=2
            MpiDefault=none
            SlurmdPidFile={PathOf("slurmd-%n.pid")}
            SlurmdSpoolDir={PathOf("spool/%n")}
            SlurmdLogFile={PathOf("slurmd-%n.log")}

            """;
        string cpus = $"CPUs={CpusOfNode} Boards=1 SocketsPerBoard={CpusOfNode} CoresPerSocket=1 ThreadsPerCore=1";
        for (int node = 1; node <= Nodes; node++)
            text += $"NodeName=n{node} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[node]} {cpus} "
                + "RealMemory=4000\n";
        text += $"PartitionName=main Nodes=n[1-{Nodes}] Default=YES State=UP MaxTime=INFINITE PriorityTier=9\n"
            + $"PartitionName={Yielding} Nodes=n{Nodes} State=UP PriorityTier=1\n"
            + $"PartitionName={Hidden} Nodes=n{Nodes} State=UP Hidden=YES PriorityTier=9\n";
        File.WriteAllText(Configuration, text);
    }

    private static int[] FreePorts(int count)
    {
        var listeners = new List<TcpListener>();
        for (int i = 0; i < count; i++)
        {
            var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            listeners.Add(listener);
        }

        int[] ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        listeners.ForEach(listener => listener.Stop());
        return ports;
    }
}

/// <summary>The tests that share one cluster: one after another.</summary>
[CollectionDefinition(Name)]
public sealed class SlurmGroup : ICollectionFixture<SlurmCluster>
{
    public const string Name = "Slurm";
}
