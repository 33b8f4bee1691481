using System.CommandLine;
using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Cli;

/// <summary>
/// <c>autocrunch explain PATH...</c>: why a file was, or was not, processed. Reads only; works beside a running
/// service, without one, and for files that never came.
/// </summary>
internal static class ExplainVerb
{
    private const int FilesMax = 10_000;

    public static Command Create(Option<string?> config, Terminal terminal)
    {
        Argument<string[]> paths = new("PATH")
        {
            Description = "Files or directories, there or not. A name may be written as AutoCrunch prints it.",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<int> limit = new("--limit")
        {
            Description = "Of a directory, no more files than this are looked at; 0 = all. Default: 10000.",
            HelpName = "NUMBER",
            DefaultValueFactory = _ => FilesMax,
        };
        Option<bool> json = new("--json") { Description = "One JSON object a line, for each path." };
        var explain = new Command("explain", "Tells why a file was, or was not, processed, and what would make it run.")
        {
            paths, limit, json,
        };
        explain.SetAction(parsed => Run(
            parsed.GetValue(config), parsed.GetRequiredValue(paths), parsed.GetValue(limit), parsed.GetValue(json),
            terminal));
        return explain;
    }

    private static int Run(string? configFile, string[] arguments, int limit, bool asJson, Terminal terminal)
    {
        if (ReadingVerb.Configuration(configFile, terminal) is not { } configuration)
            return ExitCodes.Configuration;
        using ExplainLedger ledger = ExplainLedger.Open(configuration);
        if (ledger.Problem is { } problem)
            terminal.Error.WriteLine(problem);
        var service = new ExplainService(configuration);
        var files = new FileExplainer(configuration, ledger, service);
        IExplainReport report = asJson
            ? new ExplainJson(terminal, new JobList(configuration, ledger.Reader, terminal))
            : new ExplainReport(terminal, Clock.WallNs());
        foreach (BytePath path in RawArguments.FilesOf(arguments))
            Explain(path, configuration, files, service, limit, report);
        return ExitCodes.Success;
    }

    private static void Explain(
        BytePath path, CompiledConfiguration configuration, FileExplainer files, ExplainService service, int limit,
        IExplainReport report)
    {
        long nowNs = Clock.WallNs();
        List<(CompiledRule Rule, BytePath Relative)> rules = RulePaths.Of(configuration.Rules, path);
        bool isDirectory = FileStatReader.TryRead(path, out FileStat stat) == 0 && stat.Type == FileType.Directory;
        if (rules.Count == 0)
            report.Outside(path, Explainer.OfOutside(configuration.Rules.Select(rule => rule.Rule)));
        else if (isDirectory || rules.Exists(rule => rule.Relative.IsEmpty))
            report.Directory(path, [.. rules.Select(rule =>
                new DirectoryExplainer(files, service, limit).Explain(rule.Rule, rule.Relative, nowNs))]);
        else
            report.File(path, [.. rules.Select(rule => files.Explain(rule.Rule, rule.Relative, nowNs))

                // The rules that have something to say of it come before those that do not take it.
                .OrderBy(rule => rule.Finding.Reason <= ExplanationReason.PathTooLong)]);
    }
}
