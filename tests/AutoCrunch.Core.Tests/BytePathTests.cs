using System.Text;

namespace AutoCrunch.Core.Tests;

public sealed class BytePathTests
{
    [Theory]
    [InlineData("a.raw")]
    [InlineData("sub/été 漢.raw")]
    [InlineData(@"a\xFF.raw")]
    [InlineData(@"a\xFE.raw")]
    [InlineData(@"new\x0Aline\x1B[31m")]
    [InlineData(@"back\\slash")]
    [InlineData(@"bidi\xE2\x80\xAEgnp.raw")]
    [InlineData(@"cut\xE6\xBC")]
    [InlineData("")]
    public void Text_reads_back_as_the_same_bytes(string text)
    {
        BytePath path = BytePath.Parse(text);
        Assert.Equal(text, path.ToString());
        Assert.Equal(path, BytePath.Parse(path.ToString()));
    }

    [Fact]
    public void Every_sequence_of_bytes_reads_back_from_its_text()
    {
        var random = new Random(1);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = new byte[random.Next(1, 9)];
            random.NextBytes(bytes);
            for (int at = 0; at < bytes.Length; at++)
                bytes[at] = bytes[at] == 0 ? (byte)'\\' : bytes[at];
            var path = new BytePath(bytes);
            string text = path.ToString();
            Assert.Equal(path, BytePath.Parse(text));
            Assert.DoesNotContain(text, char.IsControl);
        }
    }

    [Fact]
    public void Names_that_text_would_merge_stay_apart()
    {
        BytePath one = BytePath.Parse(@"a\xFF.raw"), other = BytePath.Parse(@"a\xFE.raw");
        Assert.NotEqual(one, other);
        Assert.NotEqual(one.ToString(), other.ToString());
        Assert.True(other < one);
        Assert.Equal(one, BytePath.Parse(@"a\xff.raw"));
        Assert.Equal(one.GetHashCode(), BytePath.Parse(@"a\xff.raw").GetHashCode());
    }

    [Theory]
    [InlineData(@"a\b")]
    [InlineData(@"a\")]
    [InlineData(@"a\x4")]
    [InlineData(@"a\xG0")]
    [InlineData(@"a\x+1")]
    public void A_stray_backslash_is_refused_with_the_text(string text)
    {
        FormatException e = Assert.Throws<FormatException>(() => BytePath.Parse(text));
        Assert.Equal($"'{text}': a backslash must be followed by xNN (two hex digits) or a backslash", e.Message);
    }

    [Theory]
    [InlineData("a\0b")]
    [InlineData(@"a\x00b")]
    public void A_NUL_is_refused(string text) =>
        Assert.Contains(
            "NUL", Assert.Throws<FormatException>(() => BytePath.Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("/in/a.raw", "a.raw", "/in")]
    [InlineData("a.raw", "a.raw", "")]
    [InlineData("/a", "a", "/")]
    [InlineData("a/b/c", "c", "a/b")]
    public void A_path_is_a_directory_and_a_name(string path, string name, string directory)
    {
        BytePath bytes = BytePath.Parse(path);
        Assert.Equal(name, bytes.Name.ToString());
        Assert.Equal(directory, bytes.Directory.ToString());
        Assert.Equal(bytes, bytes.Directory.Join(bytes.Name));
    }

    [Theory]
    [InlineData("/in", "a", "/in/a")]
    [InlineData("/", "a", "/a")]
    [InlineData("", "a", "a")]
    [InlineData("/in", "", "/in")]
    public void Joining_puts_one_slash_between(string left, string right, string expected) =>
        Assert.Equal(expected, BytePath.Parse(left).Join(Encoding.UTF8.GetBytes(right)).ToString());

    [Theory]
    [InlineData("/in/a", "/in", true)]
    [InlineData("/in", "/in", true)]
    [InlineData("/input", "/in", false)]
    [InlineData("/in", "/in/a", false)]
    [InlineData("/in", "/", true)]
    [InlineData("a/b", "", true)]
    public void Below_a_directory_means_at_a_component(string path, string directory, bool expected) =>
        Assert.Equal(expected, BytePath.Parse(path).IsAtOrBelow(BytePath.Parse(directory)));
}
