using System;
using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <summary>A rule's <c>Dispatcher</c> section of type <c>RabbitMq</c>, compiled.</summary>
public sealed record RabbitMqOptions : DispatcherOptions
{
    /// <summary>The longest exchange name, routing key or header name: a short string of AMQP 0-9-1.</summary>
    public const int ShortTextBytesMax = 255;

    /// <summary>The broker, and as whom it is spoken to: rules for which this is equal share one connection.</summary>
    public required BrokerAddress Broker { get; init; }

    /// <summary>The exchange; empty for the default one, which takes the name of a queue as routing key.</summary>
    public required CommandTemplate Exchange { get; init; }

    /// <summary>The routing key.</summary>
    public required CommandTemplate RoutingKey { get; init; }

    /// <summary>Headers of each message, by name.</summary>
    public IReadOnlyDictionary<string, CommandTemplate> Headers { get; init; } =
        new Dictionary<string, CommandTemplate>();

    /// <summary>How long the broker may take to confirm a message before the connection is made anew.</summary>
    public TimeSpan ConfirmTimeout { get; init; } = TimeSpan.FromMinutes(1);
}

/// <summary>A broker, and as whom it is spoken to. Two that are equal are one connection.</summary>
public sealed record BrokerAddress
{
    /// <summary>The broker's name or address.</summary>
    public required string Host { get; init; }

    /// <summary>Its port.</summary>
    public required int Port { get; init; }

    /// <summary>The virtual host.</summary>
    public string VirtualHost { get; init; } = "/";

    /// <summary>True for amqps.</summary>
    public bool IsEncrypted { get; init; }

    /// <summary>The user; empty when the client's certificate says who it is, or there is none (guest).</summary>
    public string User { get; init; } = "";

    /// <summary>The file with the user's password, absolute; null when it is elsewhere.</summary>
    public BytePath? PasswordFile { get; init; }

    /// <summary>The name of the password among the service's credentials (systemd.exec(5)); empty when not.</summary>
    public string PasswordCredential { get; init; } = "";

    /// <summary>The authorities that may have signed the broker's certificate; null for those of the system.</summary>
    public BytePath? CaFile { get; init; }

    /// <summary>The certificate shown to the broker; null when none is.</summary>
    public BytePath? ClientCertificateFile { get; init; }

    /// <summary>The key of that certificate; null when it is in the same file.</summary>
    public BytePath? ClientKeyFile { get; init; }

    /// <summary>The name that the broker's certificate must be for; empty for <see cref="Host"/>.</summary>
    public string ServerName { get; init; } = "";

    /// <summary>For people: no user, no secret.</summary>
    public override string ToString()
    {
        string host = Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host;
        string virtualHost = VirtualHost == "/" ? "" : "/" + VirtualHost;
        return FormattableString.Invariant($"{(IsEncrypted ? "amqps" : "amqp")}://{host}:{Port}{virtualHost}");
    }
}
