using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Watching;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Hosting;

/// <summary>What the service is made of.</summary>
public static class AutoCrunchHosting
{
    // What stopping takes beyond the times that operators set: writing, closing, ending threads.
    private static readonly TimeSpan s_stopMargin = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Adds the whole service to a host of one's own: it watches what the section <c>AutoCrunch</c> of the host's
    /// configuration says, and runs the jobs with the dispatchers of AutoCrunch or of the host.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configuration">The host's whole configuration. Relative paths in it are relative to the folder of
    /// the file that has the section.</param>
    /// <param name="dispatchers">Adds dispatcher types of the host's own.</param>
    /// <exception cref="AutoCrunchConfigurationException">There are mistakes in the configuration: all are
    /// told.</exception>
    public static IServiceCollection AddAutoCrunch(
        this IServiceCollection services, IConfiguration configuration, Action<OwnDispatchers>? dispatchers = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        var own = new OwnDispatchers();
        dispatchers?.Invoke(own);
        CompiledConfiguration compiled = HostConfiguration.Read(configuration, own.Types);
        ChildProcess.RestoreChildSignal();
        services.AddSingleton(own);
        services.AddHostedService<HostExitCode>();
        services.AddSystemd();
        services.AddAutoCrunch(compiled);
        return services.AddSingleton(_ =>
        {
            HostConfiguration.Prepare(compiled);
            return compiled;
        });
    }

    /// <summary>Registers the whole service for a configuration in which there is no mistake.</summary>
    internal static IServiceCollection AddAutoCrunch(
        this IServiceCollection services, CompiledConfiguration configuration)
    {
        services.AddSingleton(configuration);
        services.TryAddSingleton<OwnDispatchers>(_ => new OwnDispatchers());
        services.AddSingleton<ServiceFailure>();
        services.TryAddSingleton(_ => Rehearsal.Begin());

        services.AddSingleton<GoneCheck>();
        services.AddSingleton(OpenLedger);

        services.AddSingleton<JobSupervisor>();
        services.AddSingleton<Brokers>();
        services.AddSingleton(provider => new UnitWatch(
            configuration.StateDirectory, UnitManager.OfThisProcess(),
            provider.GetRequiredService<ILogger<UnitWatch>>()));
        services.AddSingleton<DispatcherFactory>();
        services.AddSingleton<RuleDispatchers>();
        services.AddSingleton(CreateNotices);

        services.AddSingleton<IFileProber, FileProber>();
        services.AddSingleton(CreateTracker);
        services.AddSingleton<IRsyncCompletionTracker>(
            provider => provider.GetRequiredService<RsyncCompletionTracker>());
        services.AddSingleton(CreateWatchService);
        services.AddSingleton<IControlVerb, StatusControl>();

        services.AddSingleton<IControlVerb, RetryControl>();
        services.AddSingleton<IControlVerb, CancelControl>();
        services.AddSingleton<IControlVerb, PauseControl>();
        services.AddSingleton<IControlVerb, ResumeControl>();
        services.AddSingleton<IControlVerb, SubmitControl>();
        services.AddSingleton<IControlVerb, AdoptControl>();
        services.AddSingleton<IControlVerb>(provider => new SyncControl(
            provider.GetRequiredService<WatchService>(),
            (RsyncCompletionTracker)provider.GetRequiredService<IRsyncCompletionTracker>(),
            provider.GetRequiredService<JobLedger>(),
            provider.GetRequiredService<CompiledConfiguration>()));

        // Started in this order and stopped in the opposite one: nothing is recorded before the ledger works, and when
        // the ledger closes nothing arrives and nothing runs any more.
        services.AddHostedService<LedgerService>();
        services.AddHostedService<DispatchService>();
        services.AddHostedService(provider => provider.GetRequiredService<WatchService>());
        services.AddSingleton<IControlVerb, ExplainControl>();
        services.AddHostedService<ControlServer>();
        services.AddSingleton<MetricsSampler>();
        services.AddSingleton<ServiceMetrics>();
        services.AddHostedService<MetricsService>();
        services.AddHostedService<StatusReports>();
        services.AddHostedService<FirstScans>();

        services.Configure<ConsoleLifetimeOptions>(options => options.SuppressStatusMessages = true);
        return services.Configure<HostOptions>(options =>
        {
            options.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.StopHost;
            options.ShutdownTimeout = StopTime(configuration);
        });
    }

    /// <summary>How long stopping may take: jobs get their grace, their groups get theirs.</summary>
    internal static TimeSpan StopTime(CompiledConfiguration configuration)
    {
        TimeSpan killGrace = configuration.Rules
            .Select(rule => rule.Dispatcher is ProcessOptions process ? process.KillGrace : TimeSpan.Zero)
            .Max();
        return configuration.ShutdownGrace + killGrace + s_stopMargin;
    }

    private static JobLedger OpenLedger(IServiceProvider provider)
    {
        var configuration = provider.GetRequiredService<CompiledConfiguration>();
        var options = new LedgerOptions
        {
            StateDirectory = configuration.StateDirectory,
            Rules = [.. configuration.Rules.Select(rule => rule.Rule)],
            MaxRunning = configuration.MaxRunning,
            KeepHistory = configuration.KeepHistory,
            Engines = configuration.Rules.Where(rule => rule.Dispatcher.Engine is not null)
                .ToDictionary(rule => rule.Rule.Name, rule => rule.Dispatcher.Engine!, StringComparer.Ordinal),
        };
        var gone = provider.GetRequiredService<GoneCheck>();
        JobLedger ledger = JobLedger.Open(options, gone.IsGone, provider.GetRequiredService<ILogger<JobLedger>>());
        ledger.Failed = provider.GetRequiredService<ServiceFailure>().Report;
        return ledger;
    }

    private static FailureNotices CreateNotices(IServiceProvider provider)
    {
        var configuration = provider.GetRequiredService<CompiledConfiguration>();
        return new FailureNotices(
            [.. configuration.Rules.Select(rule => rule.Rule)], JobEnvironment.ReadInherited(),
            configuration.ShutdownGrace, provider.GetRequiredService<JobLedger>(),
            provider.GetRequiredService<JobSupervisor>(), provider.GetRequiredService<ILogger<FailureNotices>>());
    }

    private static RsyncCompletionTracker CreateTracker(IServiceProvider provider) => new(
        provider.GetRequiredService<RuleDispatchers>().ByRule,
        provider.GetRequiredService<IFileProber>(),
        provider.GetRequiredService<JobLedger>().KnownFiles,
        provider.GetRequiredService<ILogger<RsyncCompletionTracker>>());

    private static WatchService CreateWatchService(IServiceProvider provider)
    {
        var ledger = provider.GetRequiredService<JobLedger>();
        var configuration = provider.GetRequiredService<CompiledConfiguration>();
        var watch = new WatchService(
            [.. configuration.Rules.Select(rule => rule.Rule)],
            provider.GetRequiredService<IRsyncCompletionTracker>(),
            ledger.KnownFiles,
            provider.GetRequiredService<ILogger<WatchService>>(),
            new WatchOptions
            {
                Canary = SystemdWatchdog.Canary(
                    configuration.RuntimeDirectory,
                    provider.GetRequiredService<ISystemdNotifier>(),
                    Environment.GetEnvironmentVariable),
            });
        ledger.RescanNeeded = watch.RequestRescan;
        return watch;
    }
}
