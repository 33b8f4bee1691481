using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Hosting;

/// <summary>Builds the Generic Host, runs it to its end, and says whether it ended well.</summary>
internal static class ServiceHost
{
    /// <summary>
    /// Runs until SIGTERM, SIGINT or a failure. True when it was asked to stop and did so in good order.
    /// </summary>
    /// <param name="loaded">All layers of the configuration: Serilog reads its section from there.</param>
    /// <param name="configuration">What is watched and run.</param>
    /// <param name="findings">What the check of the machine found; warnings go to the log.</param>
    /// <exception cref="LedgerLockedException">Another service has the ledger.</exception>
    /// <exception cref="LedgerUnusableException">The ledger cannot be used, and no restart mends
    /// that.</exception>
    /// <exception cref="SqliteException">The ledger cannot be used at present: the disk is full, or
    /// failed.</exception>
    /// <exception cref="Linux.LinuxException">The kernel refused; the message says which limit to raise.</exception>
    public static bool Run(
        LoadedConfiguration loaded, CompiledConfiguration configuration, IReadOnlyList<MachineFinding> findings)
    {
        Rehearsal rehearsal = Rehearsal.Begin(); // first, as the other processors have nothing to do yet
        using IHost host = Build(loaded, configuration, rehearsal);
        LogStart(host, configuration, findings);

        // Opens the ledger and inotify. What fails here has a message for the operator and is no failure of a part.
        host.Services.GetServices<IHostedService>();
        return RunToEnd(host, configuration);
    }

    private static IHost Build(LoadedConfiguration loaded, CompiledConfiguration configuration, Rehearsal rehearsal)
    {
        // The empty builder: nothing of the defaults is wanted, and each of them would cost time at every start.
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings
        {
            ApplicationName = "autocrunch",
        });
        builder.Services.AddSerilog(logger => SerilogLogging.Configure(logger, loaded.Root));
        builder.Services.AddSystemd();
        builder.Services.AddSingleton(rehearsal);
        builder.Services.AddAutoCrunch(configuration);
        return builder.Build();
    }

    private static void LogStart(
        IHost host, CompiledConfiguration configuration, IReadOnlyList<MachineFinding> findings)
    {
        ILogger logger = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger("AutoCrunch");
        logger.Starting(Version, configuration.File, configuration.StateDirectory);
        if (Environment.ProcessId == 1)
            logger.FirstProcess();
        foreach (MachineFinding finding in findings.Where(finding => finding.Severity == FindingSeverity.Warning))
            logger.MachineWarning(finding.Key, finding.Text);
        foreach (CompiledRule rule in configuration.Rules)
            logger.Rule(rule);
    }

    // Each part that is stopped after the time is over says so; the host tells of several in one exception.
    private static bool IsTimeout(Exception error) => error is AggregateException several
        ? several.InnerExceptions.All(IsTimeout)
        : error is OperationCanceledException;

    private static string Version => typeof(ServiceHost).Assembly.GetName().Version?.ToString(3) ?? "";

    private static bool RunToEnd(IHost host, CompiledConfiguration configuration)
    {
        ServiceFailure failure = host.Services.GetRequiredService<ServiceFailure>();
        var lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
        try
        {
            host.Start();
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Asked to stop, or failed, before every first scan was merged: ends as it would later.
        }
        catch (Exception error) when (!lifetime.ApplicationStopping.IsCancellationRequested)
        {
            failure.Report(error);
        }

        try
        {
            host.WaitForShutdown();
        }
        catch (Exception error) when (IsTimeout(error))
        {
            failure.Report(new TimeoutException("The service did not stop within its time"));
        }

        foreach (BackgroundService service in host.Services.GetServices<IHostedService>().OfType<BackgroundService>())
            if (service.ExecuteTask?.Exception is { } error)
                failure.Report(error.GetBaseException());
        BytePath ledger = new StateLayout(configuration.StateDirectory).Ledger;
        if (failure.First is { } first && LedgerFile.ExplainDamage(first.GetBaseException(), ledger) is { } unusable)
            throw unusable;
        return failure.First is null;
    }
}
