using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace AutoCrunch.Benchmarks;

/// <summary>
/// The program as it is packaged (deploy/stage) beside a worker of the Generic Host that does nothing, published the
/// same way: from exec to READY=1, and the memory both hold when nothing happens. They take turns in every round.
/// </summary>
internal sealed class PackagedBenchmark(string workDirectory, int rounds)
{
    // The time in which a runtime that has started settles down: late compilation, the first collections.
    private static readonly TimeSpan s_settling = TimeSpan.FromSeconds(3);

    private const string WorkerProject = """
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <ImplicitUsings>enable</ImplicitUsings>
            <InvariantGlobalization>true</InvariantGlobalization>
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="Microsoft.Extensions.Hosting" Version="[10.0.14]" />
          </ItemGroup>
        </Project>
        """;

    private const string WorkerProgram = """
        using System.Net.Sockets;
        using Microsoft.Extensions.DependencyInjection;
        using Microsoft.Extensions.Hosting;

        HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
        builder.Services.AddHostedService<Worker>();
        using IHost host = builder.Build();
        host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(() =>
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.SendTo("READY=1"u8.ToArray(),
                new UnixDomainSocketEndPoint(Environment.GetEnvironmentVariable("NOTIFY_SOCKET")!));
        });
        host.Run();

        internal sealed class Worker : BackgroundService
        {
            protected override Task ExecuteAsync(CancellationToken stoppingToken)
            {
                var stopped = new TaskCompletionSource();
                stoppingToken.Register(stopped.SetResult);
                return stopped.Task;
            }
        }
        """;

    public int Run()
    {
        string staged = Path.Combine(workDirectory, "packaged");
        string worker = Path.Combine(workDirectory, "worker");
        Publish(staged, worker);

        string home = Path.Combine(workDirectory, "home");
        Directory.CreateDirectory(Path.Combine(home, "incoming"));
        ServiceProcess.Configure(home, "/bin/true", "RenameAndInPlace");
        List<(double Ms, double Mb)> ours = [];
        List<(double Ms, double Mb)> bare = [];
        for (int round = 0; round < rounds; round++)
        {
            bare.Add(Measure(Path.Combine(worker, "out/worker"), ""));
            ours.Add(Measure(
                Path.Combine(staged, "usr/lib/autocrunch/autocrunch"), $"run --config {home}/appsettings.json"));
        }

        (double ourMs, double ourMb) = (Median(ours.Select(one => one.Ms)), Median(ours.Select(one => one.Mb)));
        (double bareMs, double bareMb) = (Median(bare.Select(one => one.Ms)), Median(bare.Select(one => one.Mb)));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"exec to READY: {ourMs:F0} ms, bare worker {bareMs:F0} ms, ratio {ourMs / bareMs:F2}; "
            + $"idle memory: {ourMb:F1} MB, bare worker {bareMb:F1} MB, ratio {ourMb / bareMb:F2}; "
            + $"medians of {rounds} rounds"));
        return 0;
    }

    private static void Publish(string staged, string worker)
    {
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "AutoCrunch.sln")))
            root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("no solution above the program");
        foreach (string directory in new[] { staged, worker })
            if (Directory.Exists(directory))
                Directory.Delete(directory, recursive: true);
        Execute("env", ["SOURCE_DATE_EPOCH=0", Path.Combine(root, "deploy/stage"), staged]);
        Directory.CreateDirectory(worker);
        File.WriteAllText(Path.Combine(worker, "worker.csproj"), WorkerProject);
        File.WriteAllText(Path.Combine(worker, "Program.cs"), WorkerProgram);
        Execute("dotnet",
            ["publish", worker, "-c", "Release", "-r", "linux-x64", "--self-contained", "-o",
                Path.Combine(worker, "out"), "--nologo", "-v", "quiet", "-p:PublishReadyToRun=true",
                "-p:DisableTransitiveFrameworkReferenceDownloads=true"]);
    }

    private static void Execute(string program, string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException(
                $"{program} {string.Join(' ', arguments)}: exit code {process.ExitCode}");
    }

    private (double Ms, double Mb) Measure(string program, string arguments)
    {
        string socketPath = Path.Combine(workDirectory, "notify");
        File.Delete(socketPath);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(socketPath));
        socket.ReceiveTimeout = 60_000;
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true };
        start.Environment["NOTIFY_SOCKET"] = socketPath;
        start.Environment["DOTNET_EnableDiagnostics"] = "0";    // as the unit sets it
        var stopwatch = Stopwatch.StartNew();
        using Process process = Process.Start(start)!;
        _ = process.StandardOutput.ReadToEndAsync();
        byte[] message = new byte[4096];
        string state = "";
        while (!state.Contains("READY=1", StringComparison.Ordinal))
            state = Encoding.UTF8.GetString(message, 0, socket.Receive(message));
        double ms = stopwatch.Elapsed.TotalMilliseconds;
        if (process.WaitForExit(s_settling))
            throw new InvalidOperationException($"{program} ended with exit code {process.ExitCode}");
        process.Refresh();
        double mb = process.WorkingSet64 / 1e6;
        using Process kill = Process.Start("kill", $"-TERM {process.Id}");
        kill.WaitForExit();
        process.WaitForExit();
        return (ms, mb);
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
