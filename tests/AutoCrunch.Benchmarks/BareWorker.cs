namespace AutoCrunch.Benchmarks;

/// <summary>
/// A worker of the Generic Host that does nothing, published as AutoCrunch is: what a service in .NET takes by itself.
/// </summary>
internal sealed class BareWorker
{
    private const string Project = """
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

    private const string Program = """
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

    private readonly string _program;

    private BareWorker(string program) => _program = program;

    /// <summary>Builds it.</summary>
    /// <param name="scratch">Where files of a run are kept.</param>
    public static BareWorker Publish(string scratch)
    {
        string worker = Path.Combine(scratch, "worker");
        Shell.RemoveTree(worker);
        Directory.CreateDirectory(worker);
        File.WriteAllText(Path.Combine(worker, "worker.csproj"), Project);
        File.WriteAllText(Path.Combine(worker, "Program.cs"), Program);
        Shell.Run("dotnet",
            "publish", worker, "-c", "Release", "-r", "linux-x64", "--self-contained", "-o",
            Path.Combine(worker, "out"), "--nologo", "-v", "quiet", "-p:PublishReadyToRun=true",
            "-p:DisableTransitiveFrameworkReferenceDownloads=true");
        return new BareWorker(Path.Combine(worker, "out/worker"));
    }

    /// <summary>Starts it; it says READY=1 as AutoCrunch does.</summary>
    public RunningTool Start(Place place) => RunningTool.Start(
        Path.Combine(place.Home, "output"), [_program], Path.Combine(place.Home, "notify"));
}
