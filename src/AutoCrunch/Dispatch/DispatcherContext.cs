using AutoCrunch.Core;
using AutoCrunch.Ledger;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>What a dispatcher of one's own is made with, for one rule.</summary>
public sealed class DispatcherContext
{
    internal DispatcherContext(
        WatchRule rule, OwnOptions options, JobLedger ledger, ILogger logger, IServiceProvider services)
    {
        Rule = rule;
        Settings = options.Settings;
        Concurrency = options.Concurrency;
        Ledger = ledger;
        Logger = logger;
        Services = services;
    }

    /// <summary>The rule whose jobs it gets.</summary>
    public WatchRule Rule { get; }

    /// <summary>How many of its jobs may run at once: <c>Concurrency</c> in the rule's section.</summary>
    public int Concurrency { get; }

    /// <summary>The texts in <c>Settings</c> of the rule's section <c>Dispatcher</c>, by name.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; }

    /// <summary>The services of the host.</summary>
    public IServiceProvider Services { get; }

    internal JobLedger Ledger { get; }

    internal ILogger Logger { get; }
}
