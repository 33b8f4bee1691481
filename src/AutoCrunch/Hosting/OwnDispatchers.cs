using AutoCrunch.Configuration;
using AutoCrunch.Dispatch;

namespace AutoCrunch.Hosting;

/// <summary>The types of dispatchers that a host brings, by the name that stands in <c>"Type"</c>.</summary>
public sealed class OwnDispatchers
{
    private readonly Dictionary<string, Func<DispatcherContext, DurableDispatcher>> _types =
        new(StringComparer.OrdinalIgnoreCase);

    internal OwnDispatchers()
    {
    }

    internal IReadOnlyList<DispatcherType> Types => [.. _types.Keys.Select(OwnSection.TypeOf)];

    /// <summary>Adds a type.</summary>
    /// <param name="type">Its name in a rule's section <c>Dispatcher</c>.</param>
    /// <param name="create">Makes the dispatcher of one rule; called once for each, before anything is watched.</param>
    /// <exception cref="ArgumentException">There is a type of that name.</exception>
    public OwnDispatchers Add(string type, Func<DispatcherContext, DurableDispatcher> create)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(type);
        ArgumentNullException.ThrowIfNull(create);
        if (DispatcherTypes.Find(type) is not null || !_types.TryAdd(type, create))
            throw new ArgumentException($"There is a type '{type}' already: choose another name", nameof(type));
        return this;
    }

    internal DurableDispatcher Create(string type, DispatcherContext context)
    {
        try
        {
            return _types[type](context) ?? throw new InvalidOperationException("nothing was made");
        }
        catch (Exception e) when (e is not AutoCrunchConfigurationException)
        {
            string key = $"{AutoCrunchSection.Key}:{nameof(AutoCrunchSection.Rules)}:{context.Rule.Name}:Dispatcher";
            throw new AutoCrunchConfigurationException(
                [$"{key}: the dispatcher '{type}' cannot be made of these settings: {e.Message}"], e);
        }
    }
}
