using System.Globalization;
using AutoCrunch.Core;

namespace AutoCrunch.Tests.Recovery;

/// <summary>
/// What a <see cref="LedgerChild"/> writes down, each line with one write(2), so that it survives its SIGKILL:
/// <code>
/// L                          a life begins
/// T path version             told: the file completed
/// H path version             told: the file is held
/// G path                     told: the file is gone
/// S job number path version  an attempt starts
/// E job number path version result   it has ended, and is settled
/// F / A                      the ledger is asked to write all that was told so far / and says that it has
/// </code>
/// A version is the number that stands for inode, size and mtime.
/// </summary>
internal sealed record LedgerLine(char Kind, long Job = 0, int Number = 0, string Path = "", long Version = 0)
{
    public AttemptResult? Result { get; init; }

    public static LedgerLine Parse(string line)
    {
        string[] fields = line.Split(' ');
        return fields[0][0] switch
        {
            'T' or 'H' => new LedgerLine(fields[0][0], Path: fields[1], Version: Long(fields[2])),
            'G' => new LedgerLine('G', Path: fields[1]),
            'S' => new LedgerLine('S', Long(fields[1]), (int)Long(fields[2]), fields[3], Long(fields[4])),
            'E' => new LedgerLine('E', Long(fields[1]), (int)Long(fields[2]), fields[3], Long(fields[4]))
            {
                Result = Enum.Parse<AttemptResult>(fields[5]),
            },
            _ => new LedgerLine(fields[0][0]),
        };
    }

    public override string ToString() => Kind switch
    {
        'T' or 'H' => $"{Kind} {Path} {Version}",
        'G' => $"G {Path}",
        'S' => $"S {Job} {Number} {Path} {Version}",
        'E' => $"E {Job} {Number} {Path} {Version} {Result}",
        _ => Kind.ToString(),
    };

    /// <summary>The lines so far; one that was cut off by the end of its writer is not counted.</summary>
    public static List<LedgerLine> ReadAll(string file)
    {
        if (!File.Exists(file))
            return [];
        string text = File.ReadAllText(file);
        return [.. text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(Parse)];
    }

    private static long Long(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
