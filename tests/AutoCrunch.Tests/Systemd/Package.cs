using System.Globalization;

namespace AutoCrunch.Tests.Systemd;

/// <summary>
/// The packages, built by the scripts in deploy/: once from the repository, and once more, when it is asked for, from a
/// copy of its sources elsewhere.
/// </summary>
public sealed class Package : IDisposable
{
    private const long SourceTime = 1_700_000_000;

    private readonly TempDirectory _directory = new();
    private readonly Lazy<string> _deb;
    private readonly Lazy<string> _again;

    public Package()
    {
        _deb = new Lazy<string>(() => Build(RepositoryRoot, "first", "build-deb"));
        _again = new Lazy<string>(BuildElsewhere);
    }

    /// <summary>The repository these tests were built from.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    /// <summary>The package.</summary>
    public string Deb => Directory.GetFiles(_deb.Value, "*.deb").Single();

    /// <summary>The package from the second build.</summary>
    public string SecondDeb => Directory.GetFiles(_again.Value, "*.deb").Single();

    /// <summary>The archive for systems without dpkg, from the second build.</summary>
    public string Tar => Directory.GetFiles(_again.Value, "*.tar.gz").Single();

    /// <summary>
    /// The same program as a later version of the package, whose configuration file is another one.
    /// </summary>
    public string Newer(string version)
    {
        string tree = Path.Combine(_directory.Text, "newer");
        string package = tree + ".deb";
        Tool.Run("dpkg-deb", "-R", Deb, tree);
        string control = Path.Combine(tree, "DEBIAN/control");
        File.WriteAllLines(control, File.ReadAllLines(control).Select(
            line => line.StartsWith("Version:", StringComparison.Ordinal) ? $"Version: {version}" : line));
        File.AppendAllText(Path.Combine(tree, "etc/autocrunch/appsettings.json"), "// newer\n");
        Tool.Run("dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, package);
        return package;
    }

    public void Dispose() => _directory.Dispose();

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "AutoCrunch.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("no solution above the tests");
    }

    private string BuildElsewhere()
    {
        string sources = _directory.MakeDirectory("elsewhere/sources").ToString();
        Tool.Run("sh", "-c", $"tar -C '{RepositoryRoot}' --exclude=bin --exclude=obj -cf - src deploy README.md "
            + $"Directory.Build.props | tar -C '{sources}' -xf -");
        string staged = Build(sources, "staged", "stage");
        Build(sources, "second", "build-tar", "--staged", staged);
        return Build(sources, "second", "build-deb", "--staged", staged);
    }

    private string Build(string root, string output, string script, params string[] options)
    {
        string directory = Path.Combine(_directory.Text, output);
        string time = string.Create(CultureInfo.InvariantCulture, $"SOURCE_DATE_EPOCH={SourceTime}");
        Tool.Run("env", [time, Path.Combine(root, "deploy", script), .. options, directory]);
        return directory;
    }
}
