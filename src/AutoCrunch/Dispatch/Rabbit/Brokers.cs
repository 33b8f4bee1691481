using System.Collections.Concurrent;
using AutoCrunch.Core;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>The brokers that rules speak to, each once.</summary>
internal sealed class Brokers(ILogger<Brokers> logger) : IDisposable
{
    private readonly ConcurrentDictionary<BrokerAddress, Broker> _brokers = new();

    /// <summary>The broker at an address. It connects when it is started.</summary>
    /// <param name="address">Where and as whom.</param>
    /// <param name="ledgerId">Tells the services apart in the broker's list of connections.</param>
    public Broker At(BrokerAddress address, string ledgerId) =>
        _brokers.GetOrAdd(address, at => new Broker(at, $"autocrunch {ledgerId}", logger));

    public void Dispose()
    {
        foreach (Broker broker in _brokers.Values)
            broker.Dispose();
    }
}
