using System.Globalization;
using Xunit.Abstractions;

namespace AutoCrunch.Tests.Systemd;

/// <summary>What the build scripts make.</summary>
[Collection(InstalledServiceTests.Name)]
public sealed class PackageTests(InstalledService service, ITestOutputHelper output)
{
    [SystemdFact]
    public void Two_builds_in_different_places_are_the_same_bytes() =>
        Tool.Run("cmp", service.Package.Deb, service.Package.SecondDeb);

    [SystemdFact]
    public void Lintian_finds_nothing()
    {
        // The exit code counts what is overridden too.
        string said = Tool.TryRun("lintian", "--allow-root", "--show-overrides", service.Package.Deb).Output;
        string[] Tagged(string tag) =>
            [.. said.Split('\n').Where(line => line.StartsWith(tag, StringComparison.Ordinal))];
        Assert.Empty(Tagged("E:"));
        Assert.Empty(Tagged("W:"));
        Assert.NotEmpty(Tagged("O:"));       // it has looked
        output.WriteLine(string.Join('\n', Tagged("O:")));
    }

    [SystemdFact]
    public void The_archive_has_the_files_of_the_package()
    {
        string[] package = Names(Tool.Run("sh", "-c", $"dpkg-deb --fsys-tarfile {service.Package.Deb} | tar -t"));
        string[] archive = Names(Tool.Run("tar", "-tzf", service.Package.Tar), skip: 1);
        string[] debian =
            ["usr/share/doc/autocrunch/changelog.gz", "usr/share/lintian/overrides/autocrunch"];
        Assert.Equal(
            package.Except(debian).Select(name => name.Replace(
                "zsh/vendor-completions", "zsh/site-functions", StringComparison.Ordinal)).Order(),
            archive.Except(["INSTALL.md"]).Order());
        string installed = Tool.Run("dpkg-deb", "-f", service.Package.Deb, "Installed-Size").TrimEnd();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"package {new FileInfo(service.Package.Deb).Length / 1e6:F1} MB, "
            + $"archive {new FileInfo(service.Package.Tar).Length / 1e6:F1} MB, installed {installed} KiB"));
    }

    // Files only, without the directories above that all have.
    private static string[] Names(string list, int skip = 0) =>
    [
        .. from line in list.Split('\n')
           where line.Length > 0 && !line.EndsWith('/')
           let path = line.StartsWith("./", StringComparison.Ordinal) ? line[2..] : line
           select string.Join('/', path.Split('/').Skip(skip)),
    ];
}
