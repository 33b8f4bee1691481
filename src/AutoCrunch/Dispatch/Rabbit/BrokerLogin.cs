using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using RabbitMQ.Client;

namespace AutoCrunch.Dispatch;

/// <summary>
/// Makes one connection to a broker. The password and the certificates are read each time, so that new ones count
/// without a restart, and are kept nowhere.
/// </summary>
internal sealed class BrokerLogin
{
    private const int SecretBytesMax = 64 * 1024;
    private const string CredentialsVariable = "CREDENTIALS_DIRECTORY";

    // id-kp-serverAuth (RFC 5280, 4.2.1.12).
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    // A dead peer is noticed after twice this time.
    private static readonly TimeSpan s_heartbeat = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan s_answer = TimeSpan.FromSeconds(15);

    // For all steps together: the client has no limit of its own for that of TLS.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly BrokerAddress _broker;
    private string? _certificateTrouble;

    private BrokerLogin(BrokerAddress broker) => _broker = broker;

    /// <summary>Connects and logs in.</summary>
    /// <param name="broker">The broker.</param>
    /// <param name="name">What the broker shows as the connection's name.</param>
    /// <param name="stop">Nobody wants the connection any more.</param>
    /// <param name="patience">How long it may take; null for the usual time.</param>
    /// <exception cref="BrokerException">It did not come about; the message says why and what to do.</exception>
    public static async Task<IConnection> ConnectAsync(
        BrokerAddress broker, string name, CancellationToken stop, TimeSpan? patience = null)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(patience ?? s_patience);
        var login = new BrokerLogin(broker);
        IConnection? connection = null;
        try
        {
            connection = await login.Factory().CreateConnectionAsync(name, limit.Token).ConfigureAwait(false);

            // The client does not wait for what the broker says of the virtual host.
            IChannel channel = await connection.CreateChannelAsync(null, limit.Token).ConfigureAwait(false);
            await channel.CloseAsync(limit.Token).ConfigureAwait(false);
            await channel.DisposeAsync().ConfigureAwait(false);
            return connection;
        }
        catch (Exception e)
        {
            if (connection is not null)
                await new BrokerLink(connection).CloseAsync().ConfigureAwait(false);
            if (e is OperationCanceledException && stop.IsCancellationRequested)
                throw;
            Exception cause = limit.IsCancellationRequested && !stop.IsCancellationRequested
                ? new TimeoutException(e.Message, e) // whatever the client makes of it
                : e;
            throw BrokerTrouble.Connecting(cause, broker, login._certificateTrouble);
        }
    }

    /// <summary>The file with the password; null when there is none.</summary>
    /// <exception cref="BrokerException">A credential is named, and the service has none.</exception>
    private static BytePath? PasswordFileOf(BrokerAddress broker)
    {
        if (broker.PasswordCredential.Length == 0)
            return broker.PasswordFile;
        string directory = Environment.GetEnvironmentVariable(CredentialsVariable) ?? "";
        if (directory.Length == 0)
        {
            throw new BrokerException("PasswordCredential", $"the service was given no credentials: "
                + $"LoadCredential={broker.PasswordCredential}:/path/of/the/password belongs in its unit");
        }

        return new BytePath(Encoding.UTF8.GetBytes(directory))
            .Join(Encoding.UTF8.GetBytes(broker.PasswordCredential));
    }

    private ConnectionFactory Factory()
    {
        var factory = new ConnectionFactory
        {
            VirtualHost = _broker.VirtualHost,
            // Broker does both: with a growing delay, the first time too, and what is outstanding is its business.
            AutomaticRecoveryEnabled = false,
            TopologyRecoveryEnabled = false,
            RequestedHeartbeat = s_heartbeat,
            RequestedConnectionTimeout = s_answer,
            HandshakeContinuationTimeout = s_answer,
            ContinuationTimeout = s_answer,
            SocketReadTimeout = s_answer,
            SocketWriteTimeout = s_answer,
        };
        if (_broker.User.Length > 0)
        {
            factory.UserName = _broker.User;
            factory.Password = ReadPassword();
        }
        else if (_broker.ClientCertificateFile is not null)
        {
            factory.AuthMechanisms = [new ExternalMechanismFactory()];
        }

        factory.Endpoint = new AmqpTcpEndpoint(_broker.Host, _broker.Port, Encryption());
        return factory;
    }

    private string ReadPassword()
    {
        string key = _broker.PasswordCredential.Length > 0 ? "PasswordCredential" : "PasswordFile";
        byte[] content = Read(key, PasswordFileOf(_broker)!.Value);
        string password = Encoding.UTF8.GetString(content).TrimEnd('\r', '\n');
        CryptographicOperations.ZeroMemory(content);
        return password.Length > 0 ? password : throw new BrokerException(key, "the password is empty: write it there");
    }

    private SslOption Encryption()
    {
        if (!_broker.IsEncrypted)
            return new SslOption();
        string name = _broker.ServerName.Length > 0 ? _broker.ServerName : _broker.Host;
        X509Certificate2Collection? authorities = _broker.CaFile is { } file ? ReadAuthorities(file) : null;
        return new SslOption
        {
            Enabled = true,
            ServerName = name,
            Certs = _broker.ClientCertificateFile is { } client ? [ReadCertificate(client)] : null,
            CertificateValidationCallback = (_, certificate, chain, errors) =>
                IsTrusted(certificate, chain, errors, authorities, name),
        };
    }

    private bool IsTrusted(
        X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors,
        X509Certificate2Collection? authorities, string name)
    {
        if (certificate is not X509Certificate2 shown)
        {
            _certificateTrouble = "the broker shows no certificate: give it one";
            return false;
        }

        using var own = new X509Chain();
        if (authorities is not null)
        {
            own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            own.ChainPolicy.CustomTrustStore.AddRange(authorities);
            own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            own.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerAuthentication)); // no client may play the broker
            foreach (X509ChainElement element in chain?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
                own.ChainPolicy.ExtraStore.Add(element.Certificate);
            errors &= ~SslPolicyErrors.RemoteCertificateChainErrors;
            if (!own.Build(shown))
                errors |= SslPolicyErrors.RemoteCertificateChainErrors;
            chain = own;
        }

        _certificateTrouble = errors switch
        {
            SslPolicyErrors.None => null,
            _ when errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) =>
                $"the broker's certificate ({shown.Subject}) is not for the name '{name}': mend Uri, or set ServerName "
                    + "to a name it is for",
            _ => $"the broker's certificate ({shown.Subject}, by {shown.Issuer}) is not trusted: "
                + $"{Status(chain)}; set CaFile to the certificate of its authority",
        };
        return errors == SslPolicyErrors.None;
    }

    private static string Status(X509Chain? chain) => string.Join(", ", (chain?.ChainStatus ?? [])
        .Select(status => BrokerTrouble.OneLine(status.StatusInformation)).Distinct(StringComparer.Ordinal));

    private static X509Certificate2Collection ReadAuthorities(BytePath file)
    {
        var authorities = new X509Certificate2Collection();
        ReadPem("CaFile", file, text => authorities.ImportFromPem(text));
        return authorities.Count > 0
            ? authorities
            : throw new BrokerException("CaFile", $"'{file}' contains no certificate in PEM");
    }

    private X509Certificate2 ReadCertificate(BytePath file)
    {
        X509Certificate2? certificate = null;
        string keys = Encoding.ASCII.GetString(Read("ClientKeyFile", _broker.ClientKeyFile ?? file));
        ReadPem("ClientCertificateFile", file, text => certificate = X509Certificate2.CreateFromPem(text, keys));
        return certificate!;
    }

    private static void ReadPem(string key, BytePath file, Action<string> use)
    {
        try
        {
            use(Encoding.ASCII.GetString(Read(key, file)));
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new BrokerException(key, $"'{file}' cannot be used ({BrokerTrouble.OneLine(e.Message)}): it must "
                + "be PEM, and a key in it must have no password");
        }
    }

    private static byte[] Read(string key, BytePath file)
    {
        int errno = PathOps.TryReadSmallFile(file, out byte[] content, SecretBytesMax);
        return errno == 0 ? content : throw new BrokerException(key, LinuxException.Explain("read", file, errno));
    }
}
