using System.Text.RegularExpressions;

namespace AutoCrunch.Core.Tests.Tidy;

/// <summary>How big things may grow: what does not fit on a few screens is not read before it is changed.</summary>
internal static partial class Sizes
{
    public const int MaxFileLines = 400;
    public const int MaxMethodLines = 70;
    public const int MaxColumns = 120;

    public static IEnumerable<string> Files(SourceText file)
    {
        if (file.IsCSharp && file.Lines.Length > MaxFileLines)
            yield return $"{file.Path}: {file.Lines.Length} lines, at most {MaxFileLines}: split it by what it does";
    }

    public static IEnumerable<string> Columns(SourceText file)
    {
        if (!file.IsCSharp)
            yield break;
        foreach ((int line, string text) in Walls.Numbered(file.Lines))
            if (text.Length > MaxColumns && !Unbreakable().IsMatch(text))
                yield return $"{file.Path}:{line}: {text.Length} columns, at most {MaxColumns}";
    }

    /// <summary>
    /// Blocks of code that are too long. The style puts braces on their own lines, so a block runs from a brace to the
    /// next closing brace of the same indentation; types, namespaces and initialisers are not methods.
    /// </summary>
    public static IEnumerable<string> Methods(SourceText file)
    {
        if (!file.IsCSharp)
            yield break;
        string[] code = file.CodeLines;
        for (int open = 1; open < code.Length; open++)
        {
            if (code[open].Trim() != "{" || !StartsMethod(code, open))
                continue;
            string closing = code[open].TrimEnd().Replace('{', '}');
            int close = Array.FindIndex(code, open, line => line.StartsWith(closing, StringComparison.Ordinal));
            if (close - open - 1 > MaxMethodLines)
                yield return $"{file.Path}:{open}: {close - open - 1} lines in one method, at most {MaxMethodLines}";
        }
    }

    private static bool StartsMethod(string[] code, int open)
    {
        string header = "";
        for (int line = open - 1; line >= 0; line--)
        {
            string text = code[line].Trim();
            bool isAttribute = text.StartsWith('[') && text.EndsWith(']');
            if (text.Length == 0 || text.EndsWith(';') || text is "{" or "}" || isAttribute)
                break;
            header = text + " " + header;
        }

        return !NotMethod().IsMatch(header);
    }

    [GeneratedRegex(@"^\s*(namespace\b|([a-z]+\s+)*(class|struct|interface|enum|record)\b)|=\s*(new\b[^;]*)?$")]
    private static partial Regex NotMethod();

    // A generated pattern or an address cannot be broken without harm.
    [GeneratedRegex(@"GeneratedRegex\(|https?://")]
    private static partial Regex Unbreakable();
}
