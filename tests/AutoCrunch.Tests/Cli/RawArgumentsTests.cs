using System.Text;
using AutoCrunch.Cli;
using AutoCrunch.Core;

namespace AutoCrunch.Tests.Cli;

public sealed class RawArgumentsTests
{
    [Fact]
    public void An_argument_that_is_not_utf8_keeps_its_bytes()
    {
        byte[] commandLine = Encoding.Latin1.GetBytes("autocrunch\0trace\0in\u00ffcoming\0");

        BytePath path = RawArguments.Find("in\uFFFDcoming", commandLine);

        Assert.Equal(@"in\xFFcoming", path.ToString());
    }

    [Fact]
    public void Arguments_that_look_the_same_keep_their_own_bytes()
    {
        byte[] commandLine = Encoding.Latin1.GetBytes("autocrunch\0submit\0a\u00ff\0--wait\0a\u00fe\0b\0");

        IReadOnlyList<BytePath> paths = RawArguments.FindAll(["a\uFFFD", "a\uFFFD", "b", "a\uFFFD"], commandLine);

        Assert.Equal([@"a\xFF", @"a\xFE", "b", "a\uFFFD"], paths.Select(path => path.ToString()));
    }

    [Fact]
    public void An_argument_that_is_not_on_the_command_line_is_utf8() =>
        Assert.Equal("größe"u8, RawArguments.Find("größe", "autocrunch\0"u8).Span);
}
