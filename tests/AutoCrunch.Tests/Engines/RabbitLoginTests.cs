using System.Net;
using System.Net.Sockets;
using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Tests.Configuration;
using AutoCrunch.Tests.Dispatch;

namespace AutoCrunch.Tests.Engines;

/// <summary>
/// What is said when the broker does not let the service in, that it goes on by itself once that is mended, and that no
/// password is ever printed.
/// </summary>
[Collection(RabbitBroker.Collection)]
public sealed class RabbitLoginTests(RabbitBroker broker)
{
    private const string WrongPassword = "wrong-horse-9Kz";

    private readonly RabbitBroker _broker = RabbitBroker.IsInstalled ? broker.Started() : broker;

    [RabbitFact]
    public async Task A_wrong_password_is_told_of_and_the_right_one_counts_without_a_restart()
    {
        using var service = new RabbitService(_broker);
        string file = service.Directory.Write("password", WrongPassword).ToString();
        service.Change($$"""{ "PasswordFile": "{{file}}" }""");
        await service.DeclareAsync();
        service.Start().Arrive("a.raw");
        string line = service.UntilLogged("cannot be used at present");
        Assert.Contains(
            $"the broker does not let the user 'autocrunch' in: is what '{file}' contains its password?", line,
            StringComparison.Ordinal);
        service.Directory.Unlink("password");
        service.UntilLogged("No such file or directory");
        service.Directory.Write("password", RabbitBroker.Password);
        Job job = Assert.Single(service.Until(1, JobState.Succeeded));
        Assert.Equal((1, 0), (job.Attempts, job.Failures));
        service.UntilLogged("can be used again");
        service.Stop();
        AssertNoSecretIn(service.Log);
        AssertNoSecretIn(string.Concat(Directory.EnumerateFiles(service.Directory["state"].ToString())
            .Select(path => System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(path)))));
    }

    [RabbitFact]
    public async Task A_certificate_of_another_authority_is_refused_and_the_right_one_counts_without_a_restart()
    {
        using var service = new RabbitService(_broker);
        string authority = service.Directory.Write("ca.pem", File.ReadAllText(_broker.OtherCaFile)).ToString();
        service.Change($$"""{ "Uri": "{{_broker.EncryptedUri}}", "CaFile": "{{authority}}" }""");
        await service.DeclareAsync();
        service.Start().Arrive("a.raw");
        string line = service.UntilLogged("cannot be used at present");
        Assert.Contains("the broker's certificate (CN=broker, by CN=Test authority) is not trusted", line,
            StringComparison.Ordinal);
        Assert.Contains("set CaFile", line, StringComparison.Ordinal);
        service.Directory.Write("ca.pem", File.ReadAllText(_broker.CaFile));
        service.Until(1, JobState.Succeeded);
        service.Stop();
        AssertNoSecretIn(service.Log);
    }

    [RabbitFact]
    public async Task A_certificate_must_be_for_the_name_that_is_asked_for()
    {
        BrokerAddress address = Address(encrypted: true);
        Assert.Empty(await ErrorsAsync(address));
        string error = Assert.Single(await ErrorsAsync(address with { ServerName = "other.example.org" }));
        Assert.Contains("is not for the name 'other.example.org'", error, StringComparison.Ordinal);
        error = Assert.Single(await ErrorsAsync(address with { Host = "127.0.0.1" }));
        Assert.Contains("is not for the name '127.0.0.1'", error, StringComparison.Ordinal);
        Assert.Empty(await ErrorsAsync(address with { Host = "127.0.0.1", ServerName = "localhost" }));
        error = Assert.Single(await ErrorsAsync(address with { CaFile = null }));
        Assert.StartsWith("CaFile", error, StringComparison.Ordinal);
    }

    [RabbitFact]
    public async Task A_certificate_of_its_own_says_who_the_service_is()
    {
        BrokerAddress address = Address(encrypted: true) with
        {
            User = "",
            PasswordFile = null,
            ClientCertificateFile = BytePath.Parse(_broker.ClientCertificateFile),
            ClientKeyFile = BytePath.Parse(_broker.ClientKeyFile),
        };
        Assert.Empty(await ErrorsAsync(address));
        string error = Assert.Single(await ErrorsAsync(address with { ClientKeyFile = null }));
        Assert.StartsWith("ClientCertificateFile: ", error, StringComparison.Ordinal);
        Assert.Contains("cannot be used", error, StringComparison.Ordinal);
    }

    [RabbitFact]
    public async Task A_password_can_be_a_credential_of_the_service()
    {
        using var credentials = new TempDirectory();
        credentials.Write("broker", RabbitBroker.Password);
        Environment.SetEnvironmentVariable("CREDENTIALS_DIRECTORY", credentials.Text);
        BrokerAddress address = Address() with { PasswordFile = null, PasswordCredential = "broker" };
        try
        {
            Assert.Empty(await ErrorsAsync(address));
            credentials.Write("broker", WrongPassword);
            Assert.Contains("is the credential 'broker' its password?",
                Assert.Single(await ErrorsAsync(address)), StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable("CREDENTIALS_DIRECTORY", null);
        }

        Assert.Contains("LoadCredential=broker:",
            Assert.Single(await ErrorsAsync(address)), StringComparison.Ordinal);
    }

    [RabbitFact]
    public async Task Check_tells_what_is_well_and_what_is_not_and_publishes_nothing()
    {
        BrokerAddress address = Address();
        Assert.Equal(["Uri", "Exchange"], (await CheckAsync(Options(address, "amq.topic"))).Select(f => f.Key));
        Assert.Empty(await ErrorsAsync(address));
        Assert.Equal("Exchange: there is no exchange 'nowhere' in the virtual host '/': declare it, or mend Exchange",
            Assert.Single(await ErrorsAsync(address, "nowhere")));
        Assert.StartsWith("RoutingKey: there is no queue 'key'",
            Assert.Single(await ErrorsAsync(address, "")), StringComparison.Ordinal);
        Assert.Contains("the virtual host 'data' cannot be used by the user 'autocrunch'",
            Assert.Single(await ErrorsAsync(address with { VirtualHost = "data" })), StringComparison.Ordinal);
        Assert.Contains("nothing listens on port 1 of 127.0.0.1: start the broker, or mend Uri",
            Assert.Single(await ErrorsAsync(address with { Port = 1 })), StringComparison.Ordinal);
        Assert.Contains("the name 'no.such.host.invalid' is not known",
            Assert.Single(await ErrorsAsync(address with { Host = "no.such.host.invalid" })),
            StringComparison.Ordinal);
        Assert.Contains("does port",
            Assert.Single(await ErrorsAsync(address with { IsEncrypted = true })), StringComparison.Ordinal);
        Assert.Contains("does port",
            Assert.Single(await ErrorsAsync(address with { Port = _broker.EncryptedPort })), StringComparison.Ordinal);
        using var service = new RabbitService(_broker);
        (int exitCode, string output) = service.Verb("check");
        Assert.Equal(1, exitCode);
        Assert.Contains($"AutoCrunch:Rules:raw:Dispatcher:Exchange: there is no exchange '{service.Name}'", output,
            StringComparison.Ordinal);
        await service.DeclareAsync();
        (exitCode, output) = service.Verb("check");
        Assert.Equal(0, exitCode);
        Assert.Contains($"the exchange '{service.Name}' is there", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"Uri\": \"amqp://autocrunch:s3cret-s3cret@broker/\"", "Uri",
        "they belong in User and PasswordFile or PasswordCredential")]
    [InlineData("\"Uri\": \"amqp://autocrunch:s3cret-s3cret\"", "Uri", "a Uri like")]
    [InlineData("\"Uri\": \"amqp://me:s3cret:5672/\"", "Uri", "a Uri like")]
    [InlineData("\"Uri\": \"amqp://broker/?password=s3cret\"", "Uri", "a Uri like")]
    [InlineData("\"Uri\": \"http://broker/\"", "Uri", "a Uri like")]
    [InlineData("\"Uri\": \"amqp://broker/a/b\"", "Uri", "%2f")]
    [InlineData("\"Uri\": \"amqp://broker\", \"Password\": \"s3cret-s3cret\"", "Password", "one of")]
    [InlineData("\"Uri\": \"amqp://broker\", \"User\": \"me\"", "User", "also PasswordFile or PasswordCredential")]
    [InlineData("\"Uri\": \"amqp://broker\", \"PasswordFile\": \"p\"", "User", "the user whose password it is")]
    [InlineData("\"Uri\": \"amqp://broker\", \"User\": \"me\", \"PasswordFile\": \"p\", \"PasswordCredential\": \"c\"",
        "PasswordCredential", "either it or PasswordFile")]
    [InlineData("\"Uri\": \"amqp://broker\", \"User\": \"me\", \"PasswordCredential\": \"/etc/p\"",
        "PasswordCredential", "the name of a credential")]
    [InlineData("\"Uri\": \"amqp://broker\", \"CaFile\": \"ca.pem\"", "CaFile", "amqps://")]
    [InlineData("\"Uri\": \"amqps://broker\", \"ClientKeyFile\": \"key.pem\"", "ClientCertificateFile", "certificate")]
    [InlineData("\"Uri\": \"amqp://broker\", \"Exchange\": \"{nane}\"", "Exchange", "the placeholder '{nane}'")]
    [InlineData("\"Uri\": \"amqp://broker\", \"Headers\": { \"x\": \"{\" }", "Headers:x", "'{{'")]
    public void A_mistake_is_told_with_its_key_and_what_is_expected_but_never_with_a_password(
        string keys, string key, string expected)
    {
        using var test = new ConfigurationCase();
        test.Compile(Rule($"\"RoutingKey\": \"key\", {keys}"));
        ConfigurationMistake mistake = Assert.Single(test.Mistakes);
        Assert.Equal($"AutoCrunch:Rules:raw:Dispatcher:{key}", mistake.Key);
        Assert.Contains(expected, mistake.Expected, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", mistake.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("amqp://broker", "broker", 5672, "/", false)]
    [InlineData("amqps://broker.example.org/", "broker.example.org", 5671, "/", true)]
    [InlineData("AMQP://broker:1234/%2f", "broker", 1234, "/", false)]
    [InlineData("amqp://[::1]:1234/data", "::1", 1234, "data", false)]
    [InlineData("amqp://10.0.0.1/a%2Fb", "10.0.0.1", 5672, "a/b", false)]
    public void A_Uri_names_host_port_and_virtual_host(
        string uri, string host, int port, string virtualHost, bool isEncrypted)
    {
        using var test = new ConfigurationCase();
        CompiledRule rule = Assert.Single(
            test.CompileRight(Rule($"\"RoutingKey\": \"{{rule}}\", \"Uri\": \"{uri}\"")).Rules);
        var options = Assert.IsType<RabbitMqOptions>(rule.Dispatcher);
        BrokerAddress broker = options.Broker;
        Assert.Equal((host, port, virtualHost, isEncrypted),
            (broker.Host, broker.Port, broker.VirtualHost, broker.IsEncrypted));
        Assert.Equal(100, options.Concurrency);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_broker_that_accepts_and_stays_silent_is_not_waited_for_for_ever(bool isEncrypted)
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var address = new BrokerAddress
        {
            Host = "127.0.0.1",
            Port = ((IPEndPoint)silent.LocalEndpoint).Port,
            IsEncrypted = isEncrypted,
        };
        BrokerException error = await Assert.ThrowsAsync<BrokerException>(
            () => BrokerLogin.ConnectAsync(address, "test", CancellationToken.None, TimeSpan.FromSeconds(1))
                .WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal("Uri", error.Key);
        Assert.StartsWith($"127.0.0.1 does not answer on port {address.Port}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rules_that_speak_to_the_same_broker_as_the_same_user_share_its_connection()
    {
        using var brokers = new Brokers(new AutoCrunch.Tests.Hosting.ListLogger<Brokers>());
        BrokerAddress address = Address();
        Broker first = brokers.At(address, "ledger");
        Assert.Same(first, brokers.At(address with { PasswordFile = BytePath.Parse(_broker.PasswordFile) }, "ledger"));
        Assert.NotSame(first, brokers.At(address with { User = "another" }, "ledger"));
        Assert.NotSame(first, brokers.At(address with { VirtualHost = "data" }, "ledger"));
    }

    private static string Rule(string keys) => ConfigurationCase.Rule(
        $$""" "Path": "in", "Dispatcher": { "Type": "RabbitMq", {{keys}} } """);

    private static void AssertNoSecretIn(string text)
    {
        Assert.DoesNotContain(RabbitBroker.Password, text, StringComparison.Ordinal);
        Assert.DoesNotContain(WrongPassword, text, StringComparison.Ordinal);
    }

    private BrokerAddress Address(bool encrypted = false) => new()
    {
        Host = encrypted ? "localhost" : "127.0.0.1",
        Port = encrypted ? _broker.EncryptedPort : _broker.Port,
        IsEncrypted = encrypted,
        User = "autocrunch",
        PasswordFile = BytePath.Parse(_broker.PasswordFile),
        CaFile = encrypted ? BytePath.Parse(_broker.CaFile) : null,
    };

    private static RabbitMqOptions Options(BrokerAddress address, string exchange) => new()
    {
        Broker = address,
        Exchange = DispatchRig.Command(exchange)[0],
        RoutingKey = DispatchRig.Command("key")[0],
    };

    private static async Task<IReadOnlyList<EngineFinding>> CheckAsync(RabbitMqOptions options)
    {
        using var limit = new CancellationTokenSource(Wait.Bound);
        var rule = new WatchRule { Name = "raw", Path = new BytePath("/in"u8) };
        IReadOnlyList<EngineFinding> findings = await new RabbitMqCheck().CheckAsync(rule, options, limit.Token);
        Assert.All(findings, finding => AssertNoSecretIn(finding.Text));
        return findings;
    }

    private static async Task<string[]> ErrorsAsync(BrokerAddress address, string exchange = "amq.topic") =>
    [
        .. (await CheckAsync(Options(address, exchange)))
            .Where(finding => finding.IsError).Select(finding => $"{finding.Key}: {finding.Text}"),
    ];
}
