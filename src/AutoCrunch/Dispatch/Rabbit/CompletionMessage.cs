using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using AutoCrunch.Core;
using RabbitMQ.Client;

namespace AutoCrunch.Dispatch;

/// <summary>What is told of a finished file: README and autocrunch-appsettings(5) describe it for consumers.</summary>
internal sealed class CompletionMessage
{
    /// <summary>Grows when a field changes its meaning; never when one is added.</summary>
    private const int Format = 1;

    private static readonly JsonWriterOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly WatchRule _rule;
    private readonly Attempt _attempt;
    private readonly Dictionary<string, byte[]> _headers;

    private CompletionMessage(WatchRule rule, RabbitMqOptions options, Attempt attempt, string ledgerId)
    {
        Job job = attempt.Job;
        var values = new CommandValues(rule.Name, rule.Path, job.Path, job.Id, attempt.Number);
        _rule = rule;
        _attempt = attempt;
        _headers = options.Headers.ToDictionary(header => header.Key, header => header.Value.Expand(values));
        Id = string.Create(CultureInfo.InvariantCulture, $"{ledgerId}-{job.Id}-{Fingerprint(job)}");
        Exchange = Text(options.Exchange, values);
        RoutingKey = Text(options.RoutingKey, values);
    }

    /// <summary>
    /// Equal for every message of one job, whatever became of those before: by it a consumer drops repeats.
    /// </summary>
    public string Id { get; }

    public string Exchange { get; }

    public string RoutingKey { get; }

    /// <summary>True when it was sent and nobody knows what became of that.</summary>
    public bool MayBeTaken { get; set; }

    /// <summary>Makes the message of an attempt.</summary>
    /// <param name="rule">The attempt's rule.</param>
    /// <param name="options">Where to publish.</param>
    /// <param name="attempt">The attempt.</param>
    /// <param name="ledgerId">The ledger's id.</param>
    /// <param name="trouble">Why it cannot be published, whatever the broker says; null when it can.</param>
    public static CompletionMessage Of(
        WatchRule rule, RabbitMqOptions options, Attempt attempt, string ledgerId, out string? trouble)
    {
        var message = new CompletionMessage(rule, options, attempt, ledgerId);
        trouble = TooLong("exchange", message.Exchange) ?? TooLong("routing key", message.RoutingKey);
        return message;
    }

    // A power cut may take the last second's jobs from the ledger, and then their numbers are given to other files:
    // whose messages must not look like repeats of those.
    private static string Fingerprint(Job job) => Convert.ToHexStringLower(
        SHA256.HashData(Encoding.ASCII.GetBytes(VersionOf(job))).AsSpan(0, 4));

    private static string VersionOf(Job job) => string.Create(
        CultureInfo.InvariantCulture, $"{job.Version.Inode}-{job.Version.SizeBytes}-{job.Version.MtimeNs}");

    /// <summary>The properties to send it with.</summary>
    public BasicProperties Properties()
    {
        var headers = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach ((string name, byte[] value) in _headers)
            headers[name] = value; // a long string of AMQP: any bytes
        return new BasicProperties
        {
            MessageId = Id,
            AppId = "autocrunch",
            Type = "autocrunch.completion",
            ContentType = "application/json",
            ContentEncoding = "utf-8",
            DeliveryMode = DeliveryModes.Persistent,
            Timestamp = new AmqpTimestamp(DateTimeOffset.UtcNow.ToUnixTimeSeconds()),
            Headers = headers,
        };
    }

    /// <summary>The body, in JSON.</summary>
    public ReadOnlyMemory<byte> Body()
    {
        Job job = _attempt.Job;
        BytePath path = _rule.Path.Join(job.Path);
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body, s_json))
        {
            json.WriteStartObject();
            json.WriteNumber("format", Format);
            json.WriteString("id", Id);
            json.WriteString("rule", _rule.Name);
            json.WriteNumber("job", job.Id);
            json.WriteNumber("attempt", _attempt.Number);
            json.WriteBoolean("mayBeRepeat", MayBeTaken || _attempt.Number > 1);
            json.WriteString("path", path.ToString());
            json.WriteBase64String("pathBase64", path.Span);
            json.WriteString("relativePath", job.Path.ToString());
            json.WriteBase64String("relativePathBase64", job.Path.Span);
            json.WriteNumber("size", job.Version.SizeBytes);
            json.WriteString("mtime", Iso(job.Version.MtimeNs));
            json.WriteString("version", VersionOf(job));
            json.WriteString("evidence", job.Evidence.ToString());
            json.WriteString("arrived", Iso(job.ArrivedNs));
            json.WriteString("completed", Iso(job.CompletedNs));
            json.WriteString("started", Iso(job.StartedNs ?? job.CompletedNs));
            json.WriteEndObject();
        }

        return body.WrittenMemory;
    }

    // Texts of AMQP are UTF-8, and so is what brokers and consumers make of them: other bytes are written as they are
    // printed everywhere.
    private static string Text(CommandTemplate template, in CommandValues values)
    {
        byte[] bytes = template.Expand(values);
        return template.HasPlaceholders ? BytePath.Escape(bytes) : Encoding.UTF8.GetString(bytes);
    }

    private static string? TooLong(string what, string text)
    {
        int bytes = Encoding.UTF8.GetByteCount(text);
        return bytes <= RabbitMqOptions.ShortTextBytesMax
            ? null
            : $"the {what} would be of {bytes} bytes, and AMQP allows {RabbitMqOptions.ShortTextBytesMax}: use a "
                + "shorter placeholder, the body has the path anyway";
    }

    private static string Iso(long ns) =>
        DateTime.UnixEpoch.AddTicks(ns / TimeSpan.NanosecondsPerTick).ToString("O", CultureInfo.InvariantCulture);
}
