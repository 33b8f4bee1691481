using System.Text;
using AutoCrunch.Core;

namespace AutoCrunch.Configuration;

/// <summary>Makes the options of a <c>RabbitMq</c> dispatcher of their section; tells every mistake in it.</summary>
internal static class RabbitMqCompiler
{
    private const int PlainPort = 5672;
    private const int EncryptedPort = 5671;

    /// <summary>The options; null when a part of them cannot be made, which was told.</summary>
    public static DispatcherOptions? Compile(DispatcherSection dispatcher, string key, RuleCompiler rule)
    {
        var section = (RabbitMqSection)dispatcher;
        SectionReader reader = rule.Reader;
        BrokerAddress? broker = CompileUri($"{key}:{nameof(section.Uri)}", section.Uri, reader);
        bool areCredentials = CheckCredentials(section, key, reader);
        bool isEncryption = broker is null || CheckEncryption(section, broker, key, reader);
        bool areFiles = TryFile($"{key}:{nameof(section.PasswordFile)}", section.PasswordFile, rule, out var password)
            & TryFile($"{key}:{nameof(section.CaFile)}", section.CaFile, rule, out var authorities)
            & TryFile($"{key}:{nameof(section.ClientCertificateFile)}", section.ClientCertificateFile, rule,
                out var certificate)
            & TryFile($"{key}:{nameof(section.ClientKeyFile)}", section.ClientKeyFile, rule, out var clientKey);
        CommandTemplate? exchange = CompileShort($"{key}:{nameof(section.Exchange)}", section.Exchange, reader);
        CommandTemplate? routingKey = CompileShort($"{key}:{nameof(section.RoutingKey)}", section.RoutingKey, reader);
        Dictionary<string, CommandTemplate>? headers =
            CompileHeaders($"{key}:{nameof(section.Headers)}", section.Headers, reader);
        if (broker is null || !areCredentials || !isEncryption || !areFiles
            || exchange is null || routingKey is null || headers is null)
            return null;
        return new RabbitMqOptions
        {
            Concurrency = section.Concurrency,
            Broker = broker with
            {
                User = section.User,
                PasswordFile = password,
                PasswordCredential = section.PasswordCredential,
                CaFile = authorities,
                ClientCertificateFile = certificate,
                ClientKeyFile = clientKey,
                ServerName = section.ServerName,
            },
            Exchange = exchange,
            RoutingKey = routingKey,
            Headers = headers,
            ConfirmTimeout = section.ConfirmTimeout,
        };
    }

    // What was found is never told: a password may be anywhere in it, and mistakes go to terminals and logs.
    private static BrokerAddress? CompileUri(string key, string text, SectionReader reader)
    {
        if (reader.Layers.Value(key) is null)
            return null; // told as missing, or as no text
        const string expected = "a Uri like \"amqps://broker.example.org:5671/vhost\"";
        if (text.Contains('@', StringComparison.Ordinal))
        {
            reader.Mistake(key, "a Uri with a user or a password in it",
                $"{expected} without them: they belong in {nameof(RabbitMqSection.User)} and "
                    + $"{nameof(RabbitMqSection.PasswordFile)} or {nameof(RabbitMqSection.PasswordCredential)}");
            return null;
        }

        bool isEncrypted = text.StartsWith("amqps://", StringComparison.OrdinalIgnoreCase);
        bool isKnown = isEncrypted || text.StartsWith("amqp://", StringComparison.OrdinalIgnoreCase);
        if (!isKnown || !Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) || uri.Host.Length == 0
            || uri.Query.Length > 0 || uri.Fragment.Length > 0 || uri.Port == 0
            || uri.AbsolutePath.IndexOf('/', 1) is > 0)
        {
            reader.Mistake(
                key, "a text that is none", expected + " (a slash in the name of a virtual host is written %2f)");
            return null;
        }

        string virtualHost = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/'));
        return new BrokerAddress
        {
            Host = uri.IdnHost.Trim('[', ']'),
            Port = uri.Port > 0 ? uri.Port : isEncrypted ? EncryptedPort : PlainPort,
            VirtualHost = virtualHost.Length == 0 ? "/" : virtualHost,
            IsEncrypted = isEncrypted,
        };
    }

    private static bool CheckCredentials(RabbitMqSection section, string key, SectionReader reader)
    {
        bool hasFile = section.PasswordFile.Length > 0, hasCredential = section.PasswordCredential.Length > 0;
        string? wrong = null, expected = null;
        if (hasFile && hasCredential)
        {
            wrong = nameof(section.PasswordCredential);
            expected = $"either it or {nameof(section.PasswordFile)}";
        }
        else if (section.User.Length == 0 && (hasFile || hasCredential))
        {
            wrong = nameof(section.User);
            expected = "the user whose password it is";
        }
        else if (section.User.Length > 0 && !hasFile && !hasCredential)
        {
            wrong = nameof(section.User);
            expected = $"with a User also {nameof(section.PasswordFile)} or {nameof(section.PasswordCredential)}";
        }
        else if (hasCredential && (section.PasswordCredential.Contains('/', StringComparison.Ordinal)
            || section.PasswordCredential is "." or ".."))
        {
            wrong = nameof(section.PasswordCredential);
            expected = $"the name of a credential (for a file there is {nameof(section.PasswordFile)})";
        }

        if (wrong is not null)
            reader.Mistake($"{key}:{wrong}", expected!);
        return wrong is null;
    }

    private static bool CheckEncryption(RabbitMqSection section, BrokerAddress broker, string key, SectionReader reader)
    {
        (string Name, string Text)[] settings =
        [
            (nameof(section.CaFile), section.CaFile),
            (nameof(section.ClientCertificateFile), section.ClientCertificateFile),
            (nameof(section.ClientKeyFile), section.ClientKeyFile),
            (nameof(section.ServerName), section.ServerName),
        ];
        string[] pointless = [.. settings.Where(s => !broker.IsEncrypted && s.Text.Length > 0).Select(s => s.Name)];
        foreach (string name in pointless)
            reader.Mistake($"{key}:{name}", $"nothing, unless {nameof(section.Uri)} begins with amqps://");
        bool isKeyAlone = section.ClientKeyFile.Length > 0 && section.ClientCertificateFile.Length == 0;
        if (isKeyAlone)
            reader.Mistake($"{key}:{nameof(section.ClientCertificateFile)}", "the certificate of ClientKeyFile");
        return pointless.Length == 0 && !isKeyAlone;
    }

    private static bool TryFile(string key, string text, RuleCompiler rule, out BytePath? path)
    {
        path = text.Length == 0 ? null : rule.ResolvePath(key, text);
        return text.Length == 0 || path is not null;
    }

    private static CommandTemplate? CompileShort(string key, string text, SectionReader reader)
    {
        CommandTemplate? template = CompileText(key, text, reader);
        if (template is null || template.HasPlaceholders
            || template.Expand(default).Length <= RabbitMqOptions.ShortTextBytesMax)
            return template;
        reader.Mistake(key, $"a text of at most {RabbitMqOptions.ShortTextBytesMax} bytes");
        return null;
    }

    private static CommandTemplate? CompileText(string key, string text, SectionReader reader)
    {
        if (CommandTemplate.TryParse(text, out CommandTemplate? template, out string error))
            return template;
        reader.Mistake(key, $"a text ({error})");
        return null;
    }

    private static Dictionary<string, CommandTemplate>? CompileHeaders(
        string key, Dictionary<string, string> texts, SectionReader reader)
    {
        var headers = new Dictionary<string, CommandTemplate>(StringComparer.Ordinal);
        foreach ((string name, string text) in texts)
        {
            bool isName = name.Length > 0 && Encoding.UTF8.GetByteCount(name) <= RabbitMqOptions.ShortTextBytesMax;
            if (!isName)
                reader.Mistake($"{key}:{name}", $"a name of 1 to {RabbitMqOptions.ShortTextBytesMax} bytes");
            if (CompileText($"{key}:{name}", text, reader) is { } header && isName)
                headers[name] = header;
        }

        return headers.Count == texts.Count ? headers : null;
    }
}
