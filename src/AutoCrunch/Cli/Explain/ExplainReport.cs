using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Cli;

/// <summary>Explanations for people.</summary>
internal sealed class ExplainReport(Terminal terminal, long nowNs) : IExplainReport
{
    /// <inheritdoc/>
    public void Outside(BytePath path, Explanation finding)
    {
        terminal.Out.WriteLine(Title(path, Stat(path)));
        Write(finding, indent: 2);
    }

    /// <inheritdoc/>
    public void File(BytePath path, IReadOnlyList<FileExplanation> rules)
    {
        terminal.Out.WriteLine(Title(path, rules[0].Facts.Disk.Stat, rules[0].Facts.Disk.Problem));
        foreach (FileExplanation rule in rules)
        {
            ExplanationReason reason = rule.Finding.Reason;
            terminal.Out.WriteLine(
                $"  rule {rule.Facts.Rule.Name}: {Coloured(reason, ExplanationText.Of(reason))}");
            Write(rule.Finding, indent: 4);
            foreach (string line in Jobs(rule.Facts.Ledger.Jobs).Lines(terminal, indent: 4))
                terminal.Out.WriteLine(line);
        }
    }

    /// <inheritdoc/>
    public void Directory(BytePath path, IReadOnlyList<DirectoryExplanation> rules)
    {
        terminal.Out.WriteLine(terminal.HasColours ? Bold(path.ToString()) : path.ToString());
        foreach (DirectoryExplanation rule in rules)
        {
            string files = rule.Finding is { } all ? ExplanationText.Of(all.Reason)
                : rule.IsCut ? $"the first {Counts.Of(rule.Files)} files" : Counts.Of(rule.Files, "file");
            terminal.Out.WriteLine($"  rule {rule.Rule.Rule.Name}: {files}");
            if (rule.Finding is { } finding)
                Write(finding, indent: 4);
            foreach (ExplanationSum sum in rule.Sums)
            {
                terminal.Out.WriteLine(
                    $"  {Counts.Of(sum.Count),8}  {Coloured(sum.Reason, ExplanationText.Of(sum.Reason))}, such as "
                    + $"{sum.Example}");
                Write(sum.Finding, indent: 12);
            }

            if (rule.Unlisted > 0)
                terminal.Out.WriteLine($"    Directories this user may not list: {rule.Unlisted}; ask as root.");
            if (rule.IsCut)
                terminal.Out.WriteLine("    There are more: --limit 0 looks at all of them.");
        }
    }

    private static FileStat? Stat(BytePath path) => FileStatReader.TryRead(path, out FileStat stat) == 0 ? stat : null;

    private static string Bold(string text) => $"\e[1m{text}\e[0m";

    private string Title(BytePath path, FileStat? stat, string? problem = null)
    {
        string name = terminal.HasColours ? Bold(path.ToString()) : path.ToString();
        return stat is { Type: FileType.Regular } file
            ? $"{name}  ({Sizes.Of(file.SizeBytes)}, modified {Relative.Ago(file.MtimeNs, nowNs)})"
            : stat is null ? $"{name}  ({problem ?? "not there"})" : name;
    }

    private void Write(Explanation finding, int indent)
    {
        string margin = new(' ', indent);
        terminal.Out.WriteLine(margin + finding.Sentence);
        terminal.Out.WriteLine($"{margin}{terminal.Grey("->")} {finding.Remedy}");
    }

    private Table Jobs(IReadOnlyList<Job> jobs)
    {
        var table = new Table(
            new Column("JOB", IsNumber: true), new Column("STATE"), new Column("ATTEMPTS", IsNumber: true),
            new Column("SIZE", IsNumber: true), new Column("ARRIVED"), new Column("ENDED"), new Column("EVIDENCE"));
        foreach (Job job in jobs)
            table.Add(
                Counts.Of(job.Id), Colors.Cell(job.State, terminal), Counts.Of(job.Attempts),
                Sizes.Of(job.Version.SizeBytes), Relative.Ago(job.ArrivedNs, nowNs),
                Relative.Ago(job.FinishedNs, nowNs, ""), JobText.SentenceOf(job.Evidence));
        return table;
    }

    private string Coloured(ExplanationReason reason, string text) => reason switch
    {
        ExplanationReason.Succeeded => terminal.Green(text),
        ExplanationReason.Failed => terminal.Red(text),
        >= ExplanationReason.HeldZeroMtime and <= ExplanationReason.HeldWrittenInPlace => terminal.Red(text),
        _ => terminal.Yellow(text),
    };
}
