using System.Net.Sockets;
using System.Security.Authentication;
using AutoCrunch.Core;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace AutoCrunch.Dispatch;

/// <summary>Why a broker cannot be used; the message is for the operator and says what to do.</summary>
/// <param name="key">The key of the section <c>Dispatcher</c> that it is about.</param>
/// <param name="message">What is so, and what mends it.</param>
internal sealed class BrokerException(string key, string message) : Exception(message)
{
    /// <summary>The key of the section <c>Dispatcher</c> that it is about.</summary>
    public string Key { get; } = key;
}

/// <summary>
/// Puts what goes wrong with a broker into one sentence with what mends it. Built of the broker's own words and of
/// names, never of what was sent to it: no secret can be in it.
/// </summary>
internal static class BrokerTrouble
{
    /// <summary>Name of a key, for findings of <c>check</c>.</summary>
    public const string UriKey = "Uri";

    // Reply codes of AMQP 0-9-1.
    private const int ConnectionForced = 320;
    private const int AccessRefused = 403;
    private const int NotFound = 404;
    private const int NotAllowed = 530;

    /// <summary>Why no connection could be made.</summary>
    /// <param name="error">What the client threw.</param>
    /// <param name="broker">The broker.</param>
    /// <param name="certificate">What is wrong with the broker's certificate; null when nothing is.</param>
    public static BrokerException Connecting(Exception error, BrokerAddress broker, string? certificate)
    {
        Exception[] chain = [.. Chain(error)];
        if (chain.OfType<BrokerException>().FirstOrDefault() is { } known)
            return known;
        if (certificate is not null)
            return new BrokerException("CaFile", certificate);
        foreach (Exception one in chain)
        {
            if (Describe(one, broker) is { } described)
                return described;
        }

        return new BrokerException(UriKey, $"{OneLine(chain.LastOrDefault(error).Message)} (is it a RabbitMQ broker "
            + $"that listens on port {broker.Port}?)");
    }

    /// <summary>Why a connection that was there is not any more.</summary>
    public static string Lost(ShutdownEventArgs? reason) => reason switch
    {
        null => "the connection was lost",
        { ReplyCode: ConnectionForced } => $"the broker closed the connection: {Text(reason)}",
        { Initiator: ShutdownInitiator.Peer } =>
            $"the broker closed the connection: {Text(reason)}; its log tells more",
        _ => "the connection was lost: the broker, its machine or the network is down",
    };

    /// <summary>Why a channel was closed by the broker, that is: why it did not take a message.</summary>
    /// <param name="code">The reply code.</param>
    /// <param name="text">What the broker said.</param>
    /// <param name="exchange">The exchange the message was for.</param>
    /// <param name="broker">The broker.</param>
    public static string Refused(int code, string text, string exchange, BrokerAddress broker) => code switch
    {
        NotFound => $"there is no exchange '{exchange}' in the virtual host '{broker.VirtualHost}': declare it, or "
            + "mend Exchange",
        AccessRefused => $"{UserOf(broker)} may not publish there ({OneLine(text)}): give it the permission to write, "
            + "for example with rabbitmqctl set_permissions",
        _ => $"the broker refuses the message ({OneLine(text)})",
    };

    /// <summary>True when no message of a rule with a fixed exchange fares better.</summary>
    public static bool ConcernsExchange(int code, string text) => code == NotFound
        || (code == AccessRefused && !text.Contains("to topic", StringComparison.Ordinal));

    /// <summary>As whom the broker is spoken to.</summary>
    public static string UserOf(BrokerAddress broker) => (broker.User, broker.ClientCertificateFile) switch
    {
        ("", not null) => "the user of ClientCertificateFile",
        ("", null) => "the user 'guest'",
        _ => $"the user '{broker.User}'",
    };

    /// <summary>Without line breaks, which a broker or a library may put in.</summary>
    public static string OneLine(string text) => text.ReplaceLineEndings(" ").Trim();

    private static BrokerException? Describe(Exception error, BrokerAddress broker) => error switch
    {
        PossibleAuthenticationFailureException => new BrokerException("User",
            $"the broker does not let {UserOf(broker)} in: {Password(broker)}"),
        OperationInterruptedException { ShutdownReason: { ReplyCode: NotAllowed or NotFound } reason } =>
            new BrokerException(UriKey, $"the virtual host '{broker.VirtualHost}' cannot be used by "
                + $"{UserOf(broker)} ({Text(reason)}): make it, give the user access, or mend Uri"),
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData } =>
            new BrokerException(UriKey, $"the name '{broker.Host}' is not known: mend Uri or the name service"),
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => new BrokerException(UriKey,
            $"nothing listens on port {broker.Port} of {broker.Host}: start the broker, or mend Uri"),
        EndOfStreamException or SocketException { SocketErrorCode: SocketError.ConnectionReset } =>
            new BrokerException(UriKey,
                $"the connection was closed at once: does port {broker.Port} expect {Other(broker)}?"),
        SocketException socket => new BrokerException(UriKey,
            $"{OneLine(socket.Message)}: look after the network and the broker, or mend Uri"),
        AuthenticationException => new BrokerException(UriKey, "no encrypted connection comes about "
            + $"({OneLine(error.InnerException?.Message ?? error.Message)}): does port {broker.Port} expect amqps, and "
            + "does the broker ask for ClientCertificateFile?"),
        TimeoutException or OperationCanceledException => new BrokerException(UriKey,
            $"{broker.Host} does not answer on port {broker.Port}: look after the network and the broker, or mend Uri"),
        _ when error.Message.Contains("authentication mechanism", StringComparison.Ordinal) => new BrokerException(
            "User", $"the broker offers no way for {UserOf(broker)} to log in ({OneLine(error.Message)}): set User, "
                + "or enable the plugin rabbitmq_auth_mechanism_ssl"),
        _ => null,
    };

    private static string Password(BrokerAddress broker) => (broker.User, broker.PasswordFile) switch
    {
        ("", _) when broker.ClientCertificateFile is not null =>
            "give the broker a user of the name in the certificate, or set User",
        ("", _) => "it is let in from the broker's own machine only; set User and PasswordFile",
        (_, { } file) => $"is what '{file}' contains its password?",
        _ => $"is the credential '{broker.PasswordCredential}' its password?",
    };

    private static string Other(BrokerAddress broker) => broker.IsEncrypted ? "amqp" : "amqps";

    private static string Text(ShutdownEventArgs reason) => OneLine(reason.ReplyText);

    private static IEnumerable<Exception> Chain(Exception? error)
    {
        for (; error is not null; error = error.InnerException)
        {
            if (error is AggregateException several)
            {
                foreach (Exception inner in several.InnerExceptions.SelectMany(Chain))
                    yield return inner;
                yield break;
            }

            if (error is not (BrokerUnreachableException or ConnectFailureException))
                yield return error;
        }
    }
}
