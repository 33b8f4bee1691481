using System.Text;
using AutoCrunch.Configuration;
using AutoCrunch.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.Hosting;

namespace AutoCrunch.Hosting;

/// <summary>Reads the section <c>AutoCrunch</c> of a host's configuration, as strictly as the program does.</summary>
internal static class HostConfiguration
{
    /// <summary>The configuration, without a mistake.</summary>
    /// <param name="configuration">The host's.</param>
    /// <param name="own">The dispatcher types that the host brings.</param>
    /// <exception cref="AutoCrunchConfigurationException">There are mistakes.</exception>
    public static CompiledConfiguration Read(IConfiguration configuration, IReadOnlyList<DispatcherType> own)
    {
        var root = configuration as IConfigurationRoot
            ?? throw new ArgumentException("The whole configuration of the host is needed", nameof(configuration));
        var mistakes = new List<ConfigurationMistake>();
        ConfigurationLayer[] layers = [.. root.Providers.Select(provider => LayerOf(provider, mistakes))];
        ConfigurationLayer? file = Array.Find(
            layers, layer => layer.Kinds is not null && layer.Has(AutoCrunchSection.Key));
        string folder = Path.GetDirectoryName(file?.Name) ?? configuration[HostDefaults.ContentRootKey] ?? "";
        var loaded = new LoadedConfiguration
        {
            File = file?.Name ?? "the host's configuration",
            BaseDirectory = new BytePath(Encoding.UTF8.GetBytes(Path.GetFullPath(folder.Length > 0 ? folder : "."))),
            Root = root,
            Layers = new ConfigurationLayers(root, layers),
            Mistakes = mistakes,
        };
        CompiledConfiguration? compiled = ConfigurationCompiler.Compile(
            loaded, Surroundings.OfThisProcess(), out IReadOnlyList<ConfigurationMistake> all, own);
        return compiled ?? throw new AutoCrunchConfigurationException([.. all.Select(mistake => mistake.ToString())]);
    }

    /// <summary>Makes what the machine lacks, and refuses a machine on which the service could not work.</summary>
    /// <exception cref="AutoCrunchConfigurationException">It is such a machine.</exception>
    public static void Prepare(CompiledConfiguration configuration)
    {
        string[] errors = [.. MachineCheck.Prepare(configuration)
            .Where(finding => finding.Severity == FindingSeverity.Error).Select(finding => finding.ToString())];
        if (errors.Length > 0)
            throw new AutoCrunchConfigurationException(errors);
    }

    // A JSON file is read once more: the provider has forgotten what is a list, a number or there twice.
    private static ConfigurationLayer LayerOf(IConfigurationProvider provider, List<ConfigurationMistake> mistakes)
    {
        if (provider is EnvironmentVariablesConfigurationProvider)
            return new ConfigurationLayer(ConfigurationLayer.Environment, provider, null);
        string? file = provider is JsonConfigurationProvider { Source: { Path: { } path, FileProvider: { } files } }
            ? files.GetFileInfo(path).PhysicalPath
            : null;
        if (file is null || JsonLayer.TryReadFile(file, out byte[] content) != 0)
            return new ConfigurationLayer(provider.ToString() ?? provider.GetType().Name, provider, null);
        return JsonLayer.TryParse(file, content, mistakes) ?? new ConfigurationLayer(file, provider, null);
    }
}
