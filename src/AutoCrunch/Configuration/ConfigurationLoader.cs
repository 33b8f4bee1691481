using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;

namespace AutoCrunch.Configuration;

/// <summary>What was read before it is compiled.</summary>
internal sealed record LoadedConfiguration
{
    /// <summary>The file, absolute; empty when there is none.</summary>
    public required string File { get; init; }

    /// <summary>The folder of the file: relative paths are relative to it.</summary>
    public required BytePath BaseDirectory { get; init; }

    /// <summary>All layers merged, for the host: the section <c>Serilog</c> is in it, untouched.</summary>
    public required IConfigurationRoot Root { get; init; }

    /// <summary>The same with its layers told apart.</summary>
    public required ConfigurationLayers Layers { get; init; }

    /// <summary>Why it could not be read; empty when it could.</summary>
    public required IReadOnlyList<ConfigurationMistake> Mistakes { get; init; }
}

/// <summary>
/// Finds the configuration file and layers it as the Generic Host does: the file, the file of the environment beside it
/// (<c>appsettings.Production.json</c>), environment variables (<c>AutoCrunch__Rules__raw__Path</c>). Read once: an
/// edit counts after a restart.
/// </summary>
internal static class ConfigurationLoader
{
    private const string FileName = "appsettings.json";

    /// <summary>Reads the configuration.</summary>
    /// <param name="configFile">What <c>--config</c> names; null to look in the usual places.</param>
    /// <param name="surroundings">The current directory, the environment.</param>
    public static LoadedConfiguration Load(string? configFile, Surroundings surroundings)
    {
        var mistakes = new List<ConfigurationMistake>();
        var layers = new List<ConfigurationLayer>();
        string file = "";
        if (Find(configFile, surroundings, mistakes) is (string found, byte[] content))
        {
            file = found;
            if (JsonLayer.TryParse(file, content, mistakes) is { } layer)
                layers.Add(layer);
            AddEnvironmentFile(file, surroundings, layers, mistakes);
            layers.Add(Variables(surroundings));
        }

        var root = new ConfigurationRoot([.. layers.Select(layer => layer.Provider)]);
        return new LoadedConfiguration
        {
            File = file,
            BaseDirectory = new BytePath(Encoding.UTF8.GetBytes(Path.GetDirectoryName(file) ?? "/")),
            Root = root,
            Layers = new ConfigurationLayers(root, layers),
            Mistakes = mistakes,
        };
    }

    private static (string File, byte[] Content)? Find(
        string? configFile, Surroundings surroundings, List<ConfigurationMistake> mistakes)
    {
        if (configFile is not null)
        {
            string file = configFile.Length > 0 ? Path.GetFullPath(configFile, surroundings.CurrentDirectory) : "";
            int errno = JsonLayer.TryReadFile(file, out byte[] content);
            if (errno == 0)
                return (file, content);
            mistakes.Add(new(file.Length > 0 ? file : "--config", Errno.Describe(errno), "a file that can be read"));
            return null;
        }

        string[] places =
        [
            Path.Combine(surroundings.CurrentDirectory, FileName), Path.Combine(surroundings.ContentRoot, FileName),
            surroundings.SystemFile,
        ];
        foreach (string place in places)
        {
            int errno = JsonLayer.TryReadFile(place, out byte[] content);
            if (errno == 0 && JsonLayer.HasSection(content, AutoCrunchSection.Key))
                return (place, content);
            if (errno == Errno.EACCES && place != surroundings.SystemFile && !MayEnter(Path.GetDirectoryName(place)!))
                continue; // whoever becomes another user stays where he was, as in root's home
            if (errno is not (0 or Errno.ENOENT or Errno.ENOTDIR))
            {
                mistakes.Add(new(
                    place, Errno.Describe(errno), "a file that can be read, or --config FILE for another"));
                return null;
            }
        }

        mistakes.Add(new("--config", "no file with a section AutoCrunch",
            $"one of {string.Join(", ", places.Distinct())}, or another with --config FILE"));
        return null;
    }

    private static bool MayEnter(string directory) => PathOps.TryAccess(
        new BytePath(Encoding.UTF8.GetBytes(directory)), AccessMode.Execute) != Errno.EACCES;

    private static void AddEnvironmentFile(
        string file, Surroundings surroundings, List<ConfigurationLayer> layers, List<ConfigurationMistake> mistakes)
    {
        string beside = Path.Combine(
            Path.GetDirectoryName(file) ?? "/",
            $"{Path.GetFileNameWithoutExtension(file)}.{surroundings.EnvironmentName}{Path.GetExtension(file)}");
        int errno = JsonLayer.TryReadFile(beside, out byte[] content);
        if (errno == 0 && JsonLayer.TryParse(beside, content, mistakes) is { } layer)
            layers.Add(layer);
        else if (errno is not (0 or Errno.ENOENT))
            mistakes.Add(new(beside, Errno.Describe(errno), "a file that can be read, or none"));
    }

    private static ConfigurationLayer Variables(Surroundings surroundings)
    {
        var variables = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach ((string name, string value) in surroundings.Environment)
            variables[name.Replace("__", ":", StringComparison.Ordinal)] = value;
        var source = new MemoryConfigurationSource { InitialData = variables };
        return new ConfigurationLayer(
            ConfigurationLayer.Environment, new MemoryConfigurationProvider(source), null);
    }
}
