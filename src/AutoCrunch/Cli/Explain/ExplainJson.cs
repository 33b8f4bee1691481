using System.Text.Json;
using AutoCrunch.Core;

namespace AutoCrunch.Cli;

/// <summary>Explanations for programs: one object for each path.</summary>
/// <param name="terminal">Where they are written.</param>
/// <param name="jobs">Writes jobs as every verb does.</param>
internal sealed class ExplainJson(Terminal terminal, JobList jobs) : IExplainReport
{
    /// <inheritdoc/>
    public void Outside(BytePath path, Explanation finding) => terminal.WriteJson(json => Outside(json, path, finding));

    /// <inheritdoc/>
    public void File(BytePath path, IReadOnlyList<FileExplanation> rules) =>
        terminal.WriteJson(json => File(json, path, rules));

    /// <inheritdoc/>
    public void Directory(BytePath path, IReadOnlyList<DirectoryExplanation> rules) =>
        terminal.WriteJson(json => Directory(json, path, rules));

    private static void Outside(Utf8JsonWriter json, BytePath path, Explanation finding)
    {
        json.WritePath(path);
        Write(json, finding);
        json.WriteStartArray("rules");
        json.WriteEndArray();
    }

    // What is said first is what the first rule makes of it.
    private void File(Utf8JsonWriter json, BytePath path, IReadOnlyList<FileExplanation> rules)
    {
        FileStat? stat = rules[0].Facts.Disk.Stat;
        json.WritePath(path);
        string missing = rules[0].Facts.Disk.Problem is null ? "missing" : "unknown";
        json.WriteString("type", stat is { } file ? JobText.JsonName(file.Type.ToString()) : missing);
        json.WriteOptional("size", stat?.SizeBytes);
        json.WriteTime("modified", stat?.MtimeNs);
        json.WriteString("service", JobText.JsonName(rules[0].Facts.Service.Answer.ToString()));
        Write(json, rules[0].Finding);
        json.WriteStartArray("rules");
        foreach (FileExplanation rule in rules)
        {
            json.WriteStartObject();
            Rule(json, rule);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Directory(Utf8JsonWriter json, BytePath path, IReadOnlyList<DirectoryExplanation> rules)
    {
        json.WritePath(path);
        json.WriteString("type", "directory");
        json.WriteStartArray("rules");
        foreach (DirectoryExplanation rule in rules)
        {
            json.WriteStartObject();
            json.WriteString("rule", rule.Rule.Rule.Name);
            if (rule.Finding is { } all)
                Write(json, all);
            json.WriteNumber("files", rule.Files);
            json.WriteBoolean("truncated", rule.IsCut);
            json.WriteNumber("unlisted", rule.Unlisted);
            json.WriteStartArray("reasons");
            foreach (ExplanationSum sum in rule.Sums)
            {
                json.WriteStartObject();
                json.WriteNumber("count", sum.Count);
                Write(json, sum.Finding);
                json.WritePath(rule.Rule.Rule.Path.Join(sum.Example), "example");
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void Rule(Utf8JsonWriter json, FileExplanation rule)
    {
        ExplanationFacts facts = rule.Facts;
        json.WriteString("rule", facts.Rule.Name);
        json.WritePath(facts.Path, "relative");
        Write(json, rule.Finding);
        if (facts.Service.InFlight is { } inFlight)
        {
            json.WriteStartObject("inFlight");
            json.WriteString("state", JobText.JsonName(inFlight.State.ToString()));
            json.WriteTime("arrived", inFlight.ArrivedNs);
            json.WriteTime("lastSign", inFlight.LastSignNs);
            json.WriteTime("until", inFlight.UntilNs);
            json.WriteEndObject();
        }

        json.WriteStartArray("writers");
        foreach (FileWriter writer in facts.Disk.Writers)
        {
            json.WriteStartObject();
            json.WriteNumber("pid", writer.Pid);
            json.WriteString("program", writer.Program.ToString());
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (facts.Ledger.Entry is { } entry)
        {
            json.WriteStartObject("known");
            json.WriteString("state", JobText.JsonName(entry.State.ToString()));
            json.WriteString("hold", entry.Held is { } hold ? JobText.JsonName(hold.ToString()) : null);
            json.WriteNumber("size", entry.Version.SizeBytes);
            json.WriteNumber("inode", entry.Version.Inode);
            json.WriteTime("modified", entry.Version.MtimeNs);
            json.WriteEndObject();
        }

        json.WriteStartArray("jobs");
        foreach (Job job in facts.Ledger.Jobs)
        {
            json.WriteStartObject();
            jobs.WriteJob(json, job);
            json.WriteNumber("inode", job.Version.Inode);
            json.WriteTime("modified", job.Version.MtimeNs);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, Explanation finding)
    {
        json.WriteString("reason", JobText.JsonName(finding.Reason.ToString()));
        json.WriteString("sentence", finding.Sentence);
        json.WriteString("remedy", finding.Remedy);
    }
}
