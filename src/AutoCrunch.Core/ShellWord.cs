using System;
using System.Linq;

namespace AutoCrunch.Core;

/// <summary>Names in commands that are shown to be pasted into a shell.</summary>
internal static class ShellWord
{
    /// <summary>
    /// The path as verbs read it back, quoted where a shell would read something else: <c>'a b\xFF.raw'</c>.
    /// </summary>
    public static string Of(BytePath path)
    {
        string text = path.ToString();
        bool isPlain = text.Length > 0 && text[0] != '-' && text.All(
            letter => char.IsAsciiLetterOrDigit(letter) || "/._-+:@%,=".Contains(letter, StringComparison.Ordinal));
        return isPlain ? text : $"'{text.Replace("'", @"\x27", StringComparison.Ordinal)}'";
    }
}
