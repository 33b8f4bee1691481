using AutoCrunch.Configuration;
using AutoCrunch.Linux;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Debugging;
using Serilog.Settings.Configuration;

namespace AutoCrunch.Hosting;

/// <summary>
/// Serilog behind Microsoft.Extensions.Logging. <see cref="AddSerilog"/> has the shape of the method of that name in
/// Serilog.Extensions.Hosting, so that the package can take its place.
/// </summary>
internal static class SerilogLogging
{
    /// <summary>All logging goes to the logger configured here.</summary>
    public static IServiceCollection AddSerilog(
        this IServiceCollection services, Action<LoggerConfiguration> configureLogger)
    {
        var configuration = new LoggerConfiguration();
        configureLogger(configuration);
        return services.AddLogging(logging =>
        {
            // Levels are the business of the Serilog section alone: Microsoft's own filter would cut off Debug.
            logging.SetMinimumLevel(LogLevel.Trace);
            logging.AddSerilog(configuration.CreateLogger(), dispose: true);
        });
    }

    /// <summary>
    /// The <c>Serilog</c> section over our defaults: Information, and, unless the section names its own sinks, entries
    /// in the journal when standard output leads there, else one readable line per event on standard output.
    /// </summary>
    /// <exception cref="Exception">Whatever Serilog says of a section it cannot read.</exception>
    public static void Configure(LoggerConfiguration logger, IConfiguration configuration)
    {
        // The sink's assembly is named, so that Serilog does not search all of them for extension methods.
        var readerOptions = new ConfigurationReaderOptions(typeof(ConsoleLoggerConfigurationExtensions).Assembly);
        logger.MinimumLevel.Information().ReadFrom.Configuration(configuration, readerOptions);
        if (configuration.GetSection("Serilog:WriteTo").Exists())
            return;
        LogLines lines = LogLines.OnStandardOutput();
        logger.WriteTo.Sink(OpenJournal() is { } journal ? new JournalSink(journal, lines) : lines);
    }

    private static JournalSocket? OpenJournal()
    {
        const int StandardOutput = 1;
        bool isOurs = JournalSocket.IsStream(Environment.GetEnvironmentVariable("JOURNAL_STREAM"), StandardOutput);
        return isOurs && JournalSocket.TryOpen(JournalSocket.DefaultPath, out JournalSocket? journal) == 0
            ? journal
            : null;
    }

    /// <summary>What is wrong with the <c>Serilog</c> section.</summary>
    public static IReadOnlyList<ConfigurationMistake> FindMistakes(IConfiguration configuration)
    {
        const string expected = "settings that Serilog knows, such as \"MinimumLevel\": \"Information\"";
        var mistakes = new List<ConfigurationMistake>();
        try
        {
            // Serilog leaves out sinks that it does not find, and says so only here.
            SelfLog.Enable(message => mistakes.Add(new ConfigurationMistake("Serilog", OneLine(message), expected)));
            Configure(new LoggerConfiguration(), configuration);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            mistakes.Add(new ConfigurationMistake("Serilog", OneLine(error.GetBaseException().Message), expected));
        }

        SelfLog.Enable(Console.Error);
        return mistakes;
    }

    private static string OneLine(string text) =>
        string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
