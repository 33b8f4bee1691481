using System.Text;

namespace AutoCrunch.Core.Tests;

public sealed class CommandTemplateTests
{
    private static readonly CommandValues s_values =
        new("raw", new BytePath("/in"u8), new BytePath("a/b\xFF.tar.gz"u8.ToArray()), 17, 2);

    [Theory]
    [InlineData("{path}", "/in/a/night 1.tar.gz")]
    [InlineData("{relative}", "a/night 1.tar.gz")]
    [InlineData("{name}", "night 1.tar.gz")]
    [InlineData("{stem}", "night 1.tar")]
    [InlineData("{extension}", ".gz")]
    [InlineData("{directory}", "/in/a")]
    [InlineData("{rule}", "raw")]
    [InlineData("{job}", "17")]
    [InlineData("{attempt}", "2")]
    [InlineData("--out={stem}-{attempt}.fits", "--out=night 1.tar-2.fits")]
    [InlineData("{stem}{extension}", "night 1.tar.gz")]
    [InlineData("{{path}}", "{path}")]
    [InlineData("{{{job}}}", "{17}")]
    [InlineData("$HOME `id` \\x41 *", "$HOME `id` \\x41 *")]
    [InlineData("", "")]
    [InlineData("é{job}漢", "é17漢")]
    public void Placeholders_stand_for_the_file_and_its_job(string text, string expected)
    {
        CommandValues values = s_values with { Relative = new BytePath("a/night 1.tar.gz"u8) };
        Assert.Equal(expected, Encoding.UTF8.GetString(Parse(text).Expand(values)));
    }

    [Fact]
    public void Bytes_that_are_not_UTF8_go_through_unchanged()
    {
        byte[] name = [(byte)'a', (byte)'/', 0xFF, (byte)'\n', 0xC3, (byte)'.', 0xFE];
        CommandValues values = s_values with { Relative = new BytePath(name) };
        Assert.Equal(new byte[] { 0xFF, (byte)'\n', 0xC3 }, Parse("{stem}").Expand(values));
        Assert.Equal(new byte[] { (byte)'.', 0xFE }, Parse("{extension}").Expand(values));
        Assert.Equal((byte[])[.. "x/in/"u8, .. name], Parse("x{path}").Expand(values));
    }

    [Fact]
    public void A_leading_dash_is_not_altered() =>
        Assert.Equal("-rf", Encoding.UTF8.GetString(
            Parse("{name}").Expand(s_values with { Relative = new BytePath("-rf"u8) })));

    [Fact]
    public void A_file_in_the_root_directory_of_the_machine_has_it_as_its_directory() =>
        Assert.Equal("/", Encoding.UTF8.GetString(Parse("{directory}").Expand(
            s_values with { Root = new BytePath("/"u8), Relative = new BytePath("f"u8) })));

    [Theory]
    [InlineData("a.tar.gz", "a.tar", ".gz")]
    [InlineData("a.raw", "a", ".raw")]
    [InlineData(".hidden", ".hidden", "")]
    [InlineData(".hidden.raw", ".hidden", ".raw")]
    [InlineData("..x", "..x", "")]
    [InlineData("...", "...", "")]
    [InlineData("a.", "a", ".")]
    [InlineData("a..raw", "a.", ".raw")]
    [InlineData("noext", "noext", "")]
    [InlineData("", "", "")]
    public void Stem_and_extension_make_up_the_name(string name, string stem, string extension)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        Assert.Equal(stem, Encoding.UTF8.GetString(CommandTemplate.StemOf(bytes)));
        Assert.Equal(extension, Encoding.UTF8.GetString(CommandTemplate.ExtensionOf(bytes)));
    }

    [Theory]
    [InlineData("{file}", "'{file}' is unknown; there are {path}, {relative}, {name}")]
    [InlineData("{Path}", "'{Path}' is unknown")]
    [InlineData("{}", "'{}' is unknown")]
    [InlineData("awk {print $1}", "'{print $1}' is unknown")]
    [InlineData("a{path", "'{' at position 2 has no partner; write '{{'")]
    [InlineData("path}", "'}' at position 5 has no partner; write '}}'")]
    [InlineData("a\0b", "NUL")]
    public void A_mistake_is_told_with_the_remedy(string text, string expected)
    {
        Assert.False(CommandTemplate.TryParse(text, out CommandTemplate? template, out string error));
        Assert.Null(template);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{path}", true)]
    [InlineData("x{{y}}", false)]
    [InlineData("install", false)]
    public void It_is_known_whether_an_argument_differs_from_file_to_file(string text, bool expected) =>
        Assert.Equal(expected, Parse(text).HasPlaceholders);

    private static CommandTemplate Parse(string text)
    {
        Assert.True(CommandTemplate.TryParse(text, out CommandTemplate? template, out string error), error);
        Assert.Equal(text, template.Text);
        return template;
    }
}
