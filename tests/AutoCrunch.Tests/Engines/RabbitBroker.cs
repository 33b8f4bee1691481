using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using AutoCrunch.Linux;
using AutoCrunch.Tests.EndToEnd.Harness;
using RabbitMQ.Client;

namespace AutoCrunch.Tests.Engines;

/// <summary>The tests that share one broker, one after the other.</summary>
[CollectionDefinition(RabbitBroker.Collection)]
public sealed class RabbitCollection : ICollectionFixture<RabbitBroker>;

/// <summary>
/// A real RabbitMQ broker in a directory of its own, on free ports, with and without TLS. May be killed and started
/// again on what it had. Started when it is first asked for.
/// </summary>
public sealed class RabbitBroker : IDisposable
{
    public const string Collection = "RabbitMQ";
    public const string Password = "correct-horse-7Gq";

    private const string Programs = "/usr/lib/rabbitmq/bin";

    private static readonly TimeSpan s_start = TimeSpan.FromSeconds(90);

    private readonly TempDirectory _directory = new();
    private readonly string _node = $"autocrunch{Environment.ProcessId}@localhost";
    private readonly int _distributionPort = FreePort();
    private readonly int _namesPort = FreePort();
    private Running? _running;

    /// <summary>Whether the program is installed.</summary>
    public static bool IsInstalled => File.Exists($"{Programs}/rabbitmq-server");

    public int Port { get; } = FreePort();

    public int EncryptedPort { get; } = FreePort();

    /// <summary>As <c>Uri</c>.</summary>
    public string Uri => string.Create(CultureInfo.InvariantCulture, $"amqp://127.0.0.1:{Port}");

    /// <summary>As <c>Uri</c>, by the name that the certificate is for.</summary>
    public string EncryptedUri => string.Create(CultureInfo.InvariantCulture, $"amqps://localhost:{EncryptedPort}");

    /// <summary>The authority that has signed the broker's certificate.</summary>
    public string CaFile => _directory["ca.pem"].ToString();

    /// <summary>Another authority, of the same name.</summary>
    public string OtherCaFile => _directory["other-ca.pem"].ToString();

    /// <summary>The certificate of the user "by-card".</summary>
    public string ClientCertificateFile => _directory["client.pem"].ToString();

    /// <summary>Its key.</summary>
    public string ClientKeyFile => _directory["client.key"].ToString();

    /// <summary>The password of the user "autocrunch", as an editor leaves it in a file.</summary>
    public string PasswordFile => _directory["password"].ToString();

    /// <summary>Starts it, if it does not run.</summary>
    public RabbitBroker Started()
    {
        if (_running is { HasEnded: false })
            return this;
        if (!_directory.Exists("rabbitmq.conf"))
            Prepare();
        Launch();
        Wait.Until(() => IsReady() || _running!.HasEnded, s_start);
        Assert.False(_running!.HasEnded, _running.Text);
        return this;
    }

    /// <summary>Starts it, and does not wait until it can be used.</summary>
    public void Launch()
    {
        _running?.Dispose();
        _running = new Running("setsid", ["--wait", $"{Programs}/rabbitmq-server"], _directory.Text, Variables());
    }

    /// <summary>Ends it as a power cut would.</summary>
    public void KillForGood()
    {
        Kill.Send(int.Parse(_directory.ReadText("pid"), CultureInfo.InvariantCulture), Kill.ForGood);
        Wait.Until(() => _running!.HasEnded);
    }

    /// <summary>Ends it in good order.</summary>
    public void Stop()
    {
        Signal(Signals.SIGTERM);
        Wait.Until(() => _running!.HasEnded, s_start);
    }

    /// <summary>Stops or continues all it does, its connections staying open.</summary>
    public void Signal(int signal) =>
        Kill.Send(int.Parse(_directory.ReadText("pid"), CultureInfo.InvariantCulture), signal);

    /// <summary>Runs rabbitmqctl; returns what it says.</summary>
    public string Control(params string[] arguments) => Tool.Run(
        "env", [.. Variables().Select(pair => $"{pair.Key}={pair.Value}"), $"{Programs}/rabbitmqctl", "-q",
            .. arguments]);

    /// <summary>A connection as the administrator.</summary>
    public async Task<IConnection> ConnectAsync()
    {
        var factory = new ConnectionFactory
        {
            Endpoint = new AmqpTcpEndpoint("127.0.0.1", Port),
            AutomaticRecoveryEnabled = false,
        };
        return await factory.CreateConnectionAsync("test");
    }

    public void Dispose()
    {
        if (_running is { HasEnded: false })
            KillForGood();
        _running?.Dispose();
        if (_running is not null) // its register of names, on a port of its own, stays behind
            Tool.TryRun("env", $"ERL_EPMD_PORT={_namesPort}", "epmd", "-kill");
        _directory.Dispose();
    }

    private bool IsReady()
    {
        try
        {
            using IConnection connection = ConnectAsync().GetAwaiter().GetResult();
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private KeyValuePair<string, string>[] Variables() =>
    [
        new("RABBITMQ_NODENAME", _node),
        new("RABBITMQ_CONFIG_FILE", _directory["rabbitmq.conf"].ToString()),
        new("RABBITMQ_CONF_ENV_FILE", "/dev/null"),
        new("RABBITMQ_MNESIA_BASE", _directory["db"].ToString()),
        new("RABBITMQ_LOG_BASE", _directory["log"].ToString()),
        new("RABBITMQ_ENABLED_PLUGINS_FILE", _directory["plugins"].ToString()),
        new("RABBITMQ_PID_FILE", _directory["pid"].ToString()),
        new("RABBITMQ_DIST_PORT", _distributionPort.ToString(CultureInfo.InvariantCulture)),
        new("ERL_EPMD_PORT", _namesPort.ToString(CultureInfo.InvariantCulture)),
        new("HOME", _directory.Text),
    ];

    private void Prepare()
    {
        _directory.MakeDirectory("log");
        _directory.MakeDirectory("db");
        _directory.Write("plugins", "[rabbitmq_auth_mechanism_ssl].");
        _directory.Write("password", Password + "\n");
        MakeCertificates();
        _directory.Write("definitions.json", new JsonObject
        {
            ["vhosts"] = new JsonArray(new JsonObject { ["name"] = "/" }, new JsonObject { ["name"] = "data" }),
            ["users"] = new JsonArray(
                User("guest", "guest", "administrator"), User("autocrunch", Password, ""), User("by-card", "-", "")),
            ["permissions"] = new JsonArray(
                Permission("guest", "/"), Permission("autocrunch", "/"), Permission("by-card", "/")),
        }.ToJsonString());
        _directory.Write("rabbitmq.conf", string.Create(CultureInfo.InvariantCulture, $"""
            listeners.tcp.1 = 127.0.0.1:{Port}
            listeners.ssl.1 = 127.0.0.1:{EncryptedPort}
            ssl_options.cacertfile = {CaFile}
            ssl_options.certfile = {_directory["server.pem"]}
            ssl_options.keyfile = {_directory["server.key"]}
            ssl_options.verify = verify_peer
            ssl_options.fail_if_no_peer_cert = false
            ssl_cert_login_from = common_name
            auth_mechanisms.1 = PLAIN
            auth_mechanisms.2 = EXTERNAL
            load_definitions = {_directory["definitions.json"]}
            disk_free_limit.absolute = 1MB

            """));
    }

    private static JsonObject User(string name, string password, string tags)
    {
        byte[] salt = [1, 2, 3, 4];
        return new JsonObject
        {
            ["name"] = name,
            ["password_hash"] = Convert.ToBase64String(
                [.. salt, .. SHA256.HashData([.. salt, .. Encoding.UTF8.GetBytes(password)])]),
            ["hashing_algorithm"] = "rabbit_password_hashing_sha256",
            ["tags"] = tags,
        };
    }

    private static JsonObject Permission(string user, string virtualHost) => new()
    {
        ["user"] = user,
        ["vhost"] = virtualHost,
        ["configure"] = ".*",
        ["write"] = "^(?!closed).*",
        ["read"] = ".*",
    };

    private void MakeCertificates()
    {
        using var authorityKey = RSA.Create(2048);
        using X509Certificate2 authority = Authority(authorityKey);
        using var otherKey = RSA.Create(2048);
        using X509Certificate2 other = Authority(otherKey);
        _directory.Write("ca.pem", authority.ExportCertificatePem());
        _directory.Write("other-ca.pem", other.ExportCertificatePem());
        MakeCertificate("server", "CN=broker", authority);
        MakeCertificate("client", "CN=by-card", authority);
    }

    private void MakeCertificate(string file, string subject, X509Certificate2 authority)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.Create(
            authority, authority.NotBefore, authority.NotAfter, RandomNumberGenerator.GetBytes(8));
        _directory.Write(file + ".pem", certificate.ExportCertificatePem());
        _directory.Write(file + ".key", key.ExportPkcs8PrivateKeyPem());
    }

    private static X509Certificate2 Authority(RSA key)
    {
        var request = new CertificateRequest(
            "CN=Test authority", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        DateTimeOffset now = DateTimeOffset.UtcNow;
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>A test that needs a RabbitMQ broker.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RabbitFactAttribute : FactAttribute
{
    public RabbitFactAttribute()
    {
        if (!RabbitBroker.IsInstalled && Environment.GetEnvironmentVariable("AUTOCRUNCH_TESTS_STRICT") != "1")
            Skip = "needs rabbitmq-server";
    }
}

/// <summary><see cref="RabbitFactAttribute"/>, for theories.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RabbitTheoryAttribute : TheoryAttribute
{
    public RabbitTheoryAttribute() => Skip = new RabbitFactAttribute().Skip;
}
