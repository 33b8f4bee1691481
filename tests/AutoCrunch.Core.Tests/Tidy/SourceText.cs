using System.Text;

namespace AutoCrunch.Core.Tests.Tidy;

/// <summary>One text file of the repository, as the tidy checks see it.</summary>
/// <param name="Path">Path relative to the repository's root, with slashes.</param>
/// <param name="Text">The whole text.</param>
internal sealed record SourceText(string Path, string Text)
{
    /// <summary>The lines, without their ends.</summary>
    public string[] Lines { get; } = Text.TrimEnd('\n').Split('\n');

    /// <summary>
    /// The lines of C# with comments, strings and characters blanked, so that a brace or a word in prose is not taken
    /// for code. Line numbers stay.
    /// </summary>
    public string[] CodeLines => [.. Blank(Text, keepStrings: false).TrimEnd('\n').Split('\n')];

    /// <summary>The text with comments blanked and strings kept.</summary>
    public string WithoutComments => Blank(Text, keepStrings: true);

    /// <summary>
    /// The folder below <c>src/AutoCrunch/</c> ("Linux"); "Core" for the core; "" for Program.cs; null elsewhere.
    /// </summary>
    public string? House
    {
        get
        {
            if (Path.StartsWith("src/AutoCrunch.Core/", StringComparison.Ordinal))
                return "Core";
            const string service = "src/AutoCrunch/";
            if (!Path.StartsWith(service, StringComparison.Ordinal))
                return null;
            string rest = Path[service.Length..];
            int slash = rest.IndexOf('/', StringComparison.Ordinal);
            return slash < 0 ? "" : rest[..slash];
        }
    }

    public bool IsSource => Path.StartsWith("src/", StringComparison.Ordinal);

    public bool IsCSharp => Path.EndsWith(".cs", StringComparison.Ordinal);

    private static string Blank(string text, bool keepStrings)
    {
        var result = new StringBuilder(text.Length);
        int at = 0;
        while (at < text.Length)
        {
            int end = LiteralEnd(text, at, out bool isComment);
            if (end == at)
            {
                result.Append(text[at++]);
                continue;
            }

            for (; at < end; at++)
                result.Append(text[at] == '\n' || (keepStrings && !isComment) ? text[at] : ' ');
        }

        return result.ToString();
    }

    // Where the comment, string or character that starts here ends; `at` itself when none starts here.
    private static int LiteralEnd(string text, int at, out bool isComment)
    {
        isComment = text[at] == '/' && at + 1 < text.Length && text[at + 1] is '/' or '*';
        if (isComment)
        {
            string close = text[at + 1] == '/' ? "\n" : "*/";
            int found = text.IndexOf(close, at + 2, StringComparison.Ordinal);
            return found < 0 ? text.Length : close == "\n" ? found : found + 2;
        }

        if (text[at] == '\'')
            return QuotedEnd(text, at + 1, '\'');
        if (text[at] != '"')
            return at;

        int quotes = 0;
        while (at + quotes < text.Length && text[at + quotes] == '"')
            quotes++;
        if (quotes >= 3)
        {
            int close = text.IndexOf(new string('"', quotes), at + quotes, StringComparison.Ordinal);
            return close < 0 ? text.Length : close + quotes;
        }

        bool verbatim = at > 0 && (text[at - 1] == '@' || (text[at - 1] == '$' && at > 1 && text[at - 2] == '@'));
        return verbatim ? VerbatimEnd(text, at + 1) : QuotedEnd(text, at + 1, '"');
    }

    private static int QuotedEnd(string text, int at, char quote)
    {
        while (at < text.Length && text[at] != quote && text[at] != '\n')
            at += text[at] == '\\' ? 2 : 1;
        return Math.Min(at + 1, text.Length);
    }

    private static int VerbatimEnd(string text, int at)
    {
        while (at < text.Length && (text[at] != '"' || (at + 1 < text.Length && text[at + 1] == '"')))
            at += text[at] == '"' ? 2 : 1;
        return Math.Min(at + 1, text.Length);
    }
}
