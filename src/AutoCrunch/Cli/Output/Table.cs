using System.Text;
using AutoCrunch.Core;

namespace AutoCrunch.Cli;

/// <summary>A column of a <see cref="Table"/>.</summary>
/// <param name="Title">Its heading.</param>
/// <param name="IsNumber">Aligned to the right.</param>
internal readonly record struct Column(string Title, bool IsNumber = false);

/// <summary>One cell: text, and what colours it (<see cref="Terminal"/>), which takes no room.</summary>
/// <param name="Text">Without control characters.</param>
/// <param name="Colour">Null for none.</param>
internal readonly record struct Cell(string Text, Func<string, string>? Colour = null)
{
    public static implicit operator Cell(string text) => new(text);
}

/// <summary>
/// Aligned columns, two spaces apart, as wide as what is in them. The last column is not padded, so put what is long
/// and should stay in one piece (a path) there.
/// </summary>
internal sealed class Table(params Column[] columns)
{
    private const string Gap = "  ";

    // A column that is cut to less says nothing any more.
    private const int LastMin = 8;

    private readonly List<Cell[]> _rows = [];

    public int Count => _rows.Count;

    public void Add(params Cell[] cells)
    {
        Invariant.That(cells.Length == columns.Length);
        _rows.Add(cells);
    }

    /// <summary>The heading, in grey, and the rows; nothing when there is no row.</summary>
    /// <param name="terminal">Where they will be written.</param>
    /// <param name="indent">Spaces before each line.</param>
    /// <param name="columnsMax">
    /// If not null, the last column is shortened, or left out, so that it makes no line wider.
    /// </param>
    public IEnumerable<string> Lines(Terminal terminal, int indent = 0, int? columnsMax = null)
    {
        if (_rows.Count == 0)
            yield break;
        int[] widths = [.. columns.Select((column, i) =>
            Math.Max(TextWidth.Of(column.Title), _rows.Max(row => TextWidth.Of(row[i].Text))))];
        int before = indent + widths[..^1].Sum() + (Gap.Length * (widths.Length - 1));
        int last = columnsMax is { } max ? Math.Max(1, max - before) : int.MaxValue;
        bool hasLast = last >= LastMin;
        Cell[] titles = [.. columns.Select(column => new Cell(column.Title, terminal.Grey))];
        foreach (Cell[] row in _rows.Prepend(titles))
            yield return Line(hasLast ? row : row[..^1], widths, indent, hasLast ? last : int.MaxValue);
    }

    private string Line(Cell[] row, int[] widths, int indent, int lastMax)
    {
        var line = new StringBuilder().Append(' ', indent);
        for (int i = 0; i < row.Length; i++)
        {
            bool isLast = i == row.Length - 1;
            string text = isLast ? TextWidth.Shorten(row[i].Text, lastMax) : row[i].Text;
            int padding = Math.Max(0, widths[i] - TextWidth.Of(text));
            if (columns[i].IsNumber)
                line.Append(' ', isLast ? Math.Min(padding, Math.Max(0, lastMax - TextWidth.Of(text))) : padding);
            line.Append(text.Length > 0 && row[i].Colour is { } colour ? colour(text) : text);
            if (isLast)
                break;
            if (!columns[i].IsNumber)
                line.Append(' ', padding);
            line.Append(Gap);
        }

        return line.ToString().TrimEnd(' ');
    }
}
