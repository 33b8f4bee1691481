using System.Text;

namespace AutoCrunch.Core.Tests;

public sealed class PathPatternsTests
{
    [Theory]
    [InlineData("*", "a.raw", true)]
    [InlineData("*", ".hidden", true)]
    [InlineData("*", "d/e/a.raw", true)]
    [InlineData("**", "d/e/a.raw", true)]
    [InlineData("*.raw", "a.raw", true)]
    [InlineData("*.raw", "d/.a.raw", true)]
    [InlineData("*.raw", ".raw", true)]
    [InlineData("*.raw", "a.raw.gz", false)]
    [InlineData("*.raw", "a.RAW", false)]
    [InlineData("*.raw", "d.raw/a", false)]
    [InlineData(".*", ".x", true)]
    [InlineData(".*", "d/.x", true)]
    [InlineData(".*", ".x/y", false)]
    [InlineData("a.raw", "a.raw", true)]
    [InlineData("a.raw", "d/a.raw", true)]
    [InlineData("a.raw", "d/ba.raw", false)]
    [InlineData("a*z", "az", true)]
    [InlineData("a*a", "a", false)]
    [InlineData("a?c", "abc", true)]
    [InlineData("a?c", "ac", false)]
    [InlineData("?", "é", false)]
    [InlineData("??", "é", true)]
    [InlineData("*ab*ab*", "xxabyab", true)]
    [InlineData("*ab*ab", "abxabb", false)]
    [InlineData("d/*.raw", "d/a.raw", true)]
    [InlineData("d/*.raw", "e/d/a.raw", false)]
    [InlineData("d/*.raw", "d/e/a.raw", false)]
    [InlineData("*/a.raw", "d/a.raw", true)]
    [InlineData("*/a.raw", "a.raw", false)]
    [InlineData("**/a.raw", "a.raw", true)]
    [InlineData("**/a.raw", "d/e/a.raw", true)]
    [InlineData("**/d/a.raw", "x/d/d/a.raw", true)]
    [InlineData("d/**/a.raw", "d/a.raw", true)]
    [InlineData("d/**/a.raw", "d/e/f/a.raw", true)]
    [InlineData("d/**/a.raw", "e/a.raw", false)]
    [InlineData("d/**", "d/a", true)]
    [InlineData("d/**", "d/e/a", true)]
    [InlineData("d/**", "d", false)]
    [InlineData("d/**", "de/a", false)]
    [InlineData("**/d/**/*.raw", "x/d/y/z/a.raw", true)]
    [InlineData("**/d/**/*.raw", "x/y/a.raw", false)]
    [InlineData("**/**/a", "a", true)]
    [InlineData("[abc].raw", "b.raw", true)]
    [InlineData("[abc].raw", "d.raw", false)]
    [InlineData("run[0-9][0-9]*", "run07.raw", true)]
    [InlineData("run[0-9][0-9]*", "run7.raw", false)]
    [InlineData("[!a-c]x", "dx", true)]
    [InlineData("[!a-c]x", "bx", false)]
    [InlineData("[^a]x", "ax", false)]
    [InlineData("[]]x", "]x", true)]
    [InlineData("[a-]x", "-x", true)]
    [InlineData("[*]x", "*x", true)]
    [InlineData("[*]x", "ax", false)]
    [InlineData("[[]x", "[x", true)]
    [InlineData("[{]x", "{x", true)]
    [InlineData("d[!x]e", "d/e", false)]
    [InlineData(@"[\xF0-\xFF]", @"\xFE", true)]
    [InlineData(@"[!\x80-\xFF]*", @"\xFE", false)]
    [InlineData(@"*\xFF.raw", @"a\xFF.raw", true)]
    [InlineData(@"*\xFF.raw", @"a\xFE.raw", false)]
    [InlineData(@"\x2A", "*", true)]
    [InlineData(@"\x2A", "a", false)]
    [InlineData(@"a\\b", @"a\\b", true)]
    [InlineData("漢*", "漢字", true)]
    [InlineData("*", "", false)]
    public void A_pattern_fits_what_the_contract_says(string pattern, string path, bool expected) =>
        Assert.Equal(expected, new PathPatterns([pattern]).Matches(BytePath.Parse(path).Span));

    [Theory]
    [InlineData("", "cannot be empty")]
    [InlineData("/a", "leave the leading '/' out")]
    [InlineData("a/", "leave the trailing '/' out")]
    [InlineData("./a", "cannot contain '.' or '..'")]
    [InlineData("a/../b", "cannot contain '.' or '..'")]
    [InlineData("..", "cannot contain '.' or '..'")]
    [InlineData("a//b", "nothing between two slashes")]
    [InlineData("**.raw", "'**' must be a whole component")]
    [InlineData("a/b**/c", "'**' must be a whole component")]
    [InlineData("***", "'**' must be a whole component")]
    [InlineData("[abc", "not closed")]
    [InlineData("[", "not closed")]
    [InlineData("[]", "not closed")]
    [InlineData("[!]", "not closed")]
    [InlineData("[a/b]", "not closed")]
    [InlineData("[z-a]", "'z-a' runs backwards")]
    [InlineData("[[:digit:]]", "write '[0-9]'")]
    [InlineData("[é]", "single bytes")]
    [InlineData("*.{raw,fits}", "braces are not supported; list the patterns one by one")]
    [InlineData("a}", "braces are not supported")]
    [InlineData("a\0", "NUL")]
    [InlineData(@"a\x00", "NUL")]
    [InlineData(@"a\b", "a backslash must be followed by xNN")]
    public void A_pattern_that_cannot_mean_anything_is_refused_by_name(string pattern, string expected)
    {
        FormatException e = Assert.Throws<FormatException>(() => new PathPatterns(["*", pattern]));
        Assert.StartsWith($"'{pattern}': ", e.Message, StringComparison.Ordinal);
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_pattern_of_the_list_will_do()
    {
        var patterns = new PathPatterns(["*.raw", "d/*"]);
        Assert.True(patterns.Matches("x/a.raw"u8));
        Assert.True(patterns.Matches("d/a"u8));
        Assert.False(patterns.Matches("a"u8));
        Assert.False(new PathPatterns([]).Matches("a"u8));
        Assert.Equal(["*.raw", "d/*"], patterns.Patterns);
    }

    [Theory]
    [InlineData("*.part", ".part", true)]
    [InlineData("d/**/*.part", ".part", true)]
    [InlineData("a.part", ".part", true)]
    [InlineData("*part", ".part", false)]
    [InlineData("*.par?", ".part", false)]
    [InlineData("*", ".part", false)]
    [InlineData("*.part/*", ".part", false)]
    public void Literal_endings_are_known(string pattern, string suffix, bool expected) =>
        Assert.Equal(expected, new PathPatterns([pattern]).AnyEndsWith(Encoding.UTF8.GetBytes(suffix)));

    [Theory]
    [InlineData(".in.*", true)]
    [InlineData("d/.in.*.raw", true)]
    [InlineData(".in*", false)]
    [InlineData("*", false)]
    public void Literal_beginnings_are_known(string pattern, bool expected) =>
        Assert.Equal(expected, new PathPatterns([pattern]).AnyStartsWith(".in."u8));

    [Fact]
    public void Random_patterns_agree_with_a_matcher_too_simple_to_be_wrong()
    {
        var random = new Random(7);
        string[] pieces = ["a", "b", ".", "*", "?", "/", "**", "[ab]", "[!a]"];
        int valid = 0, matched = 0;
        for (int i = 0; i < 60_000; i++)
        {
            string text = string.Concat(random.GetItems(pieces, random.Next(1, 7)));
            PathPatterns patterns;
            try
            {
                patterns = new PathPatterns([text]);
            }
            catch (FormatException)
            {
                continue;
            }

            valid += 1;
            string path = random.GetString("aab./", random.Next(1, 8));
            bool expected = Simple(text, path);
            matched += expected ? 1 : 0;
            bool actual = patterns.Matches(Encoding.UTF8.GetBytes(path));
            Assert.True(expected == actual, $"'{text}' on '{path}': expected {expected}");
        }

        Assert.True(valid > 10_000 && matched > 1_000, $"{valid} valid, {matched} matched: the sample proves nothing");
    }

    [Fact]
    public void Matching_takes_no_exponential_time_and_allocates_nothing()
    {
        string nasty = string.Concat(Enumerable.Repeat("a*", 60)) + "b";
        var patterns = new PathPatterns([nasty, "**/a/**/a/**/a/**/a/**/a/**/a/**/b"]);
        byte[] name = Encoding.UTF8.GetBytes(new string('a', 255));
        byte[] deep = Encoding.UTF8.GetBytes(string.Join('/', Enumerable.Repeat("a", 500)));
        Assert.False(patterns.Matches(name));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            Assert.False(patterns.Matches(name) || patterns.Matches(deep));
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    // Recursive, by the words of the contract.
    private static bool Simple(string pattern, string path)
    {
        string[] components = path.Split('/');
        return pattern.Contains('/', StringComparison.Ordinal)
            ? SimplePath(pattern.Split('/'), components)
            : SimpleName(pattern.Replace("**", "*", StringComparison.Ordinal), components[^1]);
    }

    private static bool SimplePath(ReadOnlySpan<string> pattern, ReadOnlySpan<string> path)
    {
        if (pattern.IsEmpty || path.IsEmpty)
            return pattern.IsEmpty && path.IsEmpty;
        if (pattern[0] != "**")
            return SimpleName(pattern[0], path[0]) && SimplePath(pattern[1..], path[1..]);
        return pattern.Length == 1 || SimplePath(pattern[1..], path) || SimplePath(pattern, path[1..]);
    }

    private static bool SimpleName(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        if (pattern.IsEmpty)
            return name.IsEmpty;
        if (pattern[0] == '*')
            return SimpleName(pattern[1..], name) || (!name.IsEmpty && SimpleName(pattern, name[1..]));
        if (name.IsEmpty)
            return false;
        int used = pattern[0] == '[' ? pattern.IndexOf(']') + 1 : 1;
        bool fits = pattern[..used] switch
        {
            "?" => true,
            "[ab]" => name[0] is 'a' or 'b',
            "[!a]" => name[0] != 'a',
            _ => pattern[0] == name[0],
        };
        return fits && SimpleName(pattern[used..], name[1..]);
    }
}
