using System.Text;

namespace AutoCrunch.Core.Tests;

public sealed class RsyncNamesTests
{
    /// <summary>
    /// Final name, prefix of the temporary beside it, prefix in a --temp-dir; written out by hand from what rsync 3.5.0
    /// and 3.2.7 did with these names. <c>(x*240)</c> repeats a byte or character.
    /// </summary>
    public static TheoryData<string, string, string> Measured { get; } = new()
    {
        { "f.raw", ".f.raw", "f.raw" },
        { ".f.raw", ".f.raw", ".f.raw" },
        { "f.raw.", ".f.raw", "f.raw" },
        { ".f.raw.", ".f.raw", ".f.raw" },
        { "f.raw..", ".f.raw.", "f.raw." },
        { "noext", ".noext", "noext" },
        { ".noext", ".noext", ".noext" },
        { "a", ".a", "a" },
        { ".a", ".a", ".a" },
        { "a.", ".a", "a" },
        { "...", "..", ".." },
        { "..f.raw", "..f.raw", "..f.raw" },
        { ". .", ". ", ". " },
        { "a.b.c.d", ".a.b.c.d", "a.b.c.d" },
        { "sp ace.raw", ".sp ace.raw", "sp ace.raw" },
        { @"new\x0Aline.raw", @".new\x0Aline.raw", @"new\x0Aline.raw" },
        { "quo'te\".raw", ".quo'te\".raw", "quo'te\".raw" },
        { "-dash.raw", ".-dash.raw", "-dash.raw" },
        { @"tab\x09.raw", @".tab\x09.raw", @"tab\x09.raw" },
        { "été.raw", ".été.raw", "été.raw" },
        { @"bad\xFF\xFE.raw", @".bad\xFF\xFE.raw", @"bad\xFF\xFE.raw" },
        { @"bs\\.raw", @".bs\\.raw", @"bs\\.raw" },
        { "star*.raw", ".star*.raw", "star*.raw" },
        { ".f.raw.AbC123", ".f.raw.AbC123", ".f.raw.AbC123" },
        { "f.raw.AbC123", ".f.raw.AbC123", "f.raw.AbC123" },
        { "f.raw~", ".f.raw~", "f.raw~" },
        { ".~tmp~x", ".~tmp~x", ".~tmp~x" },
        { "(x*240).raw", ".(x*240).raw", "(x*240).raw" },
        { "(x*242).raw", ".(x*242).raw", "(x*242).raw" },
        { "(x*243).raw", ".(x*243).ra", "(x*243).ra" },
        { "(x*250).raw", ".(x*246)", "(x*246)" },
        { "(x*251).raw", ".(x*246)", "(x*246)" },
        { ".(y*250).raw", ".(y*246)", ".(y*245)" },
        { "(x*245).(z*9)", ".(x*245)", "(x*245)" },
        { "(x*246).(z*8)", ".(x*246)", "(x*246)" },
        { "a(漢*84)", ".a", "a" },
        { "(漢*85)", "", "" },
        { "(x*245)(é*5)", ".(x*245)", "(x*245)" },
        { "(x*244)(é*5)", ".(x*244)", "(x*244)" },
        { "(x*100).(漢*51)", ".(x*100)", "(x*100)" },
        { @"(\xFF*255)", "", "" },
        { @"e.(\xE9*253)", ".e", "e" },
    };

    [Theory]
    [MemberData(nameof(Measured))]
    public void The_prefix_of_the_temporary_is_the_one_rsync_makes(string final, string beside, string inTempDir)
    {
        Span<byte> buffer = stackalloc byte[RsyncNames.MaxPrefixLength];
        byte[] name = Bytes(final);
        Assert.InRange(name.Length, 1, 255);
        int length = RsyncNames.TemporaryPrefix(name, buffer, withTempDir: false);
        Assert.Equal(Bytes(beside), buffer[..length].ToArray());
        length = RsyncNames.TemporaryPrefix(name, buffer, withTempDir: true);
        Assert.Equal(Bytes(inTempDir), buffer[..length].ToArray());
    }

    [Theory]
    [MemberData(nameof(Measured))]
    public void A_temporary_is_recognised_from_its_final_name(string final, string beside, string inTempDir)
    {
        byte[] name = Bytes(final);
        Assert.True(RsyncNames.IsTemporaryOf(Bytes(beside + ".x2Kd9q"), name));
        Assert.True(RsyncNames.IsTemporaryOf(Bytes(inTempDir + ".x2Kd9q"), name));
        Assert.True(RsyncNames.IsTemporaryOf(Bytes(beside + ".31020"), name));
        Assert.True(RsyncNames.IsTemporaryOf(Bytes(beside + ".7"), name));
        Assert.True(RsyncNames.IsTemporaryShape(Bytes(beside + ".x2Kd9q")));
        Assert.True(Bytes(beside + ".x2Kd9q").Length <= 254);
    }

    [Theory]
    [InlineData(".f.raw.x2Kd9", "f.raw")]       // five
    [InlineData(".f.raw.x2Kd9qq", "f.raw")]     // seven
    [InlineData(".f.raw.x2Kd9_", "f.raw")]      // not alphanumeric
    [InlineData(".f.rawx2Kd9q", "f.raw")]       // no dot
    [InlineData(".g.raw.x2Kd9q", "f.raw")]
    [InlineData("..f.raw.x2Kd9q", "f.raw")]
    [InlineData(".f.raw.1234567", "f.raw")]     // a pid has at most seven digits, rsync's count at most six
    [InlineData(".f.raw.", "f.raw")]
    [InlineData("f.raw.31020", "f.raw")]        // counted names never lie in a --temp-dir
    [InlineData("f.raw", "f.raw")]
    [InlineData("", "f.raw")]
    [InlineData("x2Kd9q", "f.raw")]
    public void Other_names_are_no_temporaries(string temporary, string final) =>
        Assert.False(RsyncNames.IsTemporaryOf(Bytes(temporary), Bytes(final)));

    [Theory]
    [InlineData("..f.raw.x2Kd9q", ".f.raw")]
    [InlineData(".f.raw..x2Kd9q", "f.raw.")]
    public void An_old_rsync_that_trims_no_dots_is_understood(string temporary, string final) =>
        Assert.True(RsyncNames.IsTemporaryOf(Bytes(temporary), Bytes(final)));

    [Theory]
    [InlineData(".f.raw.x2Kd9q", true)]
    [InlineData(".x2Kd9q", true)]
    [InlineData(".config", true)]
    [InlineData(".foo.sqlite", true)]
    [InlineData("f.raw.x2Kd9q", false)]
    [InlineData(".f.raw.x2Kd9", false)]
    [InlineData(".f.raw.x2Kd-q", false)]
    [InlineData(".f.rawx2Kd9q", false)]
    [InlineData(".x2Kd9", false)]
    [InlineData("", false)]
    public void Temporaries_have_a_dot_in_front_and_six_alphanumerics_behind_a_dot(string name, bool expected) =>
        Assert.Equal(expected, RsyncNames.IsTemporaryShape(Bytes(name)));

    [Theory]
    [InlineData("a.raw.filepart", ".filepart")]
    [InlineData("sub/a.raw.part", ".part")]
    [InlineData("a.raw.k3n2bq9x.partial", ".partial")]
    [InlineData("a.raw.crdownload", ".crdownload")]
    [InlineData("a.raw.tmp", ".tmp")]
    [InlineData("a.raw", "")]
    [InlineData(".part", "")]
    [InlineData("x.part/a.raw", "")]
    [InlineData("spare.parts", "")]
    public void The_part_names_of_other_tools_are_known_by_their_ending(string path, string suffix) =>
        Assert.Equal(suffix, Encoding.UTF8.GetString(RsyncNames.PartSuffixOf(Bytes(path))));

    [Theory]
    [InlineData(".in.a.raw", ".in.")]
    [InlineData("sub/.in.a.raw", ".in.")]
    [InlineData(".nfs00000000004c0a1200000001", ".nfs0000")]
    [InlineData(".goutputstream-K2JX10", ".goutputstream-")]
    [InlineData(".in.", "")]
    [InlineData("in.a.raw", "")]
    [InlineData(".in.d/a.raw", "")]
    public void Or_by_their_beginning(string path, string prefix) =>
        Assert.Equal(prefix, Encoding.UTF8.GetString(RsyncNames.PartPrefixOf(Bytes(path))));

    [Fact]
    public void A_rule_takes_a_part_name_only_when_a_pattern_asks_for_it()
    {
        WatchRule everything = Rule("*");
        Assert.True(everything.Takes("a.raw"u8));
        Assert.False(everything.Takes("a.raw.part"u8));
        Assert.False(everything.Takes("d/.in.a.raw"u8));
        Assert.False(everything.Takes("a.raw~"u8));
        Assert.True(Rule("*.part").Takes("a.raw.part"u8));
        Assert.True(Rule(".in.*").Takes("d/.in.a.raw"u8));
        Assert.False(Rule("*.part").Takes("a.raw"u8));
    }

    [Fact]
    public void Asking_allocates_nothing()
    {
        byte[] final = Bytes("(x*243).raw");
        byte[] temporary = Bytes(".(x*243).ra.x2Kd9q");
        Ask();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Ask();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Ask()
        {
            for (int i = 0; i < 100; i++)
            {
                RsyncNames.IsTemporaryOf(temporary, final);
                RsyncNames.IsTemporaryShape(temporary);
                RsyncNames.PartSuffixOf(final);
                RsyncNames.PartPrefixOf(temporary);
            }
        }
    }

    private static WatchRule Rule(string include) =>
        new() { Name = "raw", Path = new BytePath("/in"u8), Include = new PathPatterns([include]) };

    private static byte[] Bytes(string text)
    {
        while (text.IndexOf('(') is >= 0 and int open)
        {
            int star = text.LastIndexOf('*', text.IndexOf(')'));
            int close = text.IndexOf(')');
            string unit = text[(open + 1)..star];
            int count = int.Parse(text[(star + 1)..close], System.Globalization.CultureInfo.InvariantCulture);
            text = text[..open] + string.Concat(Enumerable.Repeat(unit, count)) + text[(close + 1)..];
        }

        return BytePath.Parse(text).Span.ToArray();
    }
}
