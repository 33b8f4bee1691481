using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;

namespace AutoCrunch.Hosting;

/// <summary>The dispatcher of each rule, made as its <c>Dispatcher</c> section says.</summary>
internal sealed class RuleDispatchers : IDisposable
{
    private readonly List<KeyValuePair<WatchRule, DurableDispatcher>> _dispatchers;

    public RuleDispatchers(CompiledConfiguration configuration, DispatcherFactory factory) =>
        _dispatchers = [.. configuration.Rules.Select(rule => KeyValuePair.Create(rule.Rule, factory.Create(rule)))];

    /// <summary>As the tracker wants them.</summary>
    public IEnumerable<KeyValuePair<WatchRule, IJobDispatcher>> ByRule =>
        _dispatchers.Select(pair => KeyValuePair.Create<WatchRule, IJobDispatcher>(pair.Key, pair.Value));

    /// <summary>All of them.</summary>
    public IEnumerable<DurableDispatcher> All => _dispatchers.Select(pair => pair.Value);

    /// <summary>The dispatcher of a rule; null when there is no such rule.</summary>
    public DurableDispatcher? Find(string rule) => All.FirstOrDefault(dispatcher => dispatcher.Name == rule);

    public void Dispose()
    {
        foreach (DurableDispatcher dispatcher in All)
            dispatcher.Dispose();
    }
}
