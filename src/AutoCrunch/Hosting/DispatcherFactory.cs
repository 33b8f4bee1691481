using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Ledger;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Hosting;

/// <summary>Makes dispatchers: one line for each type there is.</summary>
internal sealed class DispatcherFactory(
    CompiledConfiguration configuration, JobLedger ledger, JobSupervisor supervisor, UnitWatch units, Brokers brokers,
    OwnDispatchers own, ILoggerFactory loggers, IServiceProvider services)
    : IDisposable
{
    private readonly IReadOnlyList<byte[]> _inherited = JobEnvironment.ReadInherited();
    private SlurmTools? _slurm;
    private SlurmWatch? _slurmWatch;

    /// <summary>The dispatcher of a rule.</summary>
    public DurableDispatcher Create(CompiledRule rule) => rule.Dispatcher switch
    {
        SystemdOptions options => new SystemdDispatcher(
            rule.Rule, options, _inherited, ledger, units, loggers.CreateLogger<SystemdDispatcher>()),
        ProcessOptions options => new ProcessDispatcher(
            rule.Rule, options, configuration.ShutdownGrace, _inherited, ledger, supervisor,
            loggers.CreateLogger<ProcessDispatcher>()),
        RabbitMqOptions options => new RabbitMqDispatcher(
            rule.Rule, options, ledger, brokers, loggers.CreateLogger<RabbitMqDispatcher>()),
        OwnOptions options => own.Create(options.Type, new DispatcherContext(
            rule.Rule, options, ledger, loggers.CreateLogger(options.Type), services)),
        SlurmOptions options => CreateSlurm(rule.Rule, options),
        _ => throw new InvariantException($"No dispatcher for {rule.Dispatcher.GetType().Name}"),
    };

    /// <inheritdoc/>
    public void Dispose() => _slurmWatch?.Dispose();

    private SlurmDispatcher CreateSlurm(WatchRule rule, SlurmOptions options)
    {
        _slurm ??= new SlurmTools(_inherited);
        _slurmWatch ??= new SlurmWatch(_slurm, ledger, loggers.CreateLogger<SlurmWatch>());
        return new SlurmDispatcher(
            rule, options, ledger, _slurm, _slurmWatch, loggers.CreateLogger<SlurmDispatcher>());
    }
}
