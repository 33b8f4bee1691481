namespace AutoCrunch.Configuration;

/// <summary>A section <c>Dispatcher</c> of type <c>RabbitMq</c> as written.</summary>
internal sealed class RabbitMqSection : DispatcherSection
{
    // A publish costs nothing but its place in the queue of confirms.
    public RabbitMqSection() => Concurrency = 100;

    [Setting("The broker: amqp or amqps, host, port and virtual host, without user and password.",
        Required = true, Example = "\"amqps://broker.example.org/data\"")]
    public string Uri { get; set; } = "";

    [Setting("The user. Empty: the one the client's certificate names, or without one guest, whom RabbitMQ takes from "
        + "its own machine only.", Example = "\"autocrunch\"")]
    public string User { get; set; } = "";

    [Setting("A file that contains the user's password and nothing else; read at each connection. A relative path is "
        + "relative to this file's folder.", Example = "\"/etc/autocrunch/broker-password\"")]
    public string PasswordFile { get; set; } = "";

    [Setting("Instead of PasswordFile: the name of the credential with the password, as LoadCredential= in the unit "
        + "gives it.", Example = "\"broker-password\"")]
    public string PasswordCredential { get; set; } = "";

    [Setting("Certificates (PEM) of the authorities that may have signed the broker's. Empty: those that the system "
        + "trusts.", Example = "\"/etc/autocrunch/broker-ca.pem\"")]
    public string CaFile { get; set; } = "";

    [Setting("A certificate (PEM) to show to the broker. Without a User it also says who the service is (EXTERNAL).",
        Example = "\"/etc/autocrunch/client.pem\"")]
    public string ClientCertificateFile { get; set; } = "";

    [Setting("The key (PEM) of ClientCertificateFile. Empty: it is in the same file.",
        Example = "\"/etc/autocrunch/client.key\"")]
    public string ClientKeyFile { get; set; } = "";

    [Setting("The name that the broker's certificate must be for. Empty: the host of Uri.",
        Example = "\"broker.example.org\"")]
    public string ServerName { get; set; } = "";

    [Setting("The exchange messages are published to, which must exist. Placeholders as in a Command. Empty: the "
        + "default exchange, whose routing keys are names of queues.", Example = "\"files\"")]
    public string Exchange { get; set; } = "";

    [Setting("The routing key. Placeholders as in a Command.", Required = true, Example = "\"arrived.{rule}\"")]
    public string RoutingKey { get; set; } = "";

    [Setting("Headers of each message. Placeholders as in a Command.")]
    public Dictionary<string, string> Headers { get; set; } = [];

    [Setting("How long the broker may take to confirm a message. Then the connection is made anew, and what was not "
        + "confirmed is published again under the same message id.", Min = "00:00:01", Max = "01:00:00")]
    public TimeSpan ConfirmTimeout { get; set; } = TimeSpan.FromMinutes(1);
}
