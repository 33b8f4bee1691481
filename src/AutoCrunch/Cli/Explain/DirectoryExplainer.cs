using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Cli;

/// <summary>Files of a directory with the same finding.</summary>
/// <param name="Reason">The finding.</param>
/// <param name="Count">How many.</param>
/// <param name="Example">One of them, relative to the rule's directory.</param>
/// <param name="Finding">What is said of it.</param>
internal sealed record ExplanationSum(ExplanationReason Reason, int Count, BytePath Example, Explanation Finding);

/// <summary>What one rule makes of what is in a directory.</summary>
internal sealed record DirectoryExplanation(CompiledRule Rule, BytePath Relative)
{
    /// <summary>What concerns all that is in it (it is ignored, or not there); null when each file is judged.</summary>
    public Explanation? Finding { get; init; }

    /// <summary>By reason, the most frequent first.</summary>
    public IReadOnlyList<ExplanationSum> Sums { get; init; } = [];

    public int Files { get; init; }

    /// <summary>There are more: they were not looked at.</summary>
    public bool IsCut { get; init; }

    /// <summary>Directories that this user may not list.</summary>
    public int Unlisted { get; init; }
}

/// <summary>
/// Sums up a directory: its files and those below it, each judged as by itself, but for who writes it, which would mean
/// to look through all processes for each.
/// </summary>
internal sealed class DirectoryExplainer(
    FileExplainer files, ExplainService service, int limit)
{
    private readonly Dictionary<ExplanationReason, ExplanationSum> _sums = [];
    private readonly List<(BytePath Path, FileExplanation Explanation)> _unseen = [];
    private int _files;
    private int _unlisted;
    private bool _isCut;

    public DirectoryExplanation Explain(CompiledRule rule, BytePath directory, long nowNs)
    {
        var result = new DirectoryExplanation(rule, directory);
        DiskFacts disk = ExplainDisk.Look(rule.Rule, directory.IsEmpty ? BytePath.Empty : directory.Join("x"u8));
        if (Of(rule.Rule, directory, disk) is { } finding)
            return result with { Finding = finding };
        var inFlight = new Dictionary<BytePath, InFlight>();
        ServiceFacts known = service.FactsBelow(rule.Rule, directory, inFlight);
        Walk(rule, directory, known, inFlight, nowNs);
        SettleUnseen(rule, known);
        return result with
        {
            Sums = [.. _sums.Values.OrderByDescending(sum => sum.Count).ThenBy(sum => sum.Reason)],
            Files = _files,
            IsCut = _isCut,
            Unlisted = _unlisted,
        };
    }

    private static Explanation? Of(WatchRule rule, BytePath directory, DiskFacts disk)
    {
        if (PathScope.OfDirectory(rule, directory) is { } scope)
            return Explainer.OfScope(rule, scope);
        var facts = new ExplanationFacts(
            rule, directory, disk with { Stat = null, Problem = "" }, new ServiceFacts(ServiceAnswer.Running),
            new LedgerFacts(), 0);
        return disk is { IsRootThere: true, Link: null } ? null : Explainer.Of(facts);
    }

    // Without recursion, as deep as the tree may be.
    private void Walk(
        CompiledRule rule, BytePath top, ServiceFacts known, Dictionary<BytePath, InFlight> inFlight, long nowNs)
    {
        var directories = new Stack<BytePath>([top]);
        while (!_isCut && directories.TryPop(out BytePath directory))
        {
            BytePath path = rule.Rule.Path.Join(directory);
            DirectoryReader? reader;
            int errno = directory.IsEmpty
                ? DirectoryReader.TryOpenTarget(path, out reader)
                : DirectoryReader.TryOpen(path, out reader);
            if (reader is null)
            {
                _unlisted += errno is Errno.ENOENT or Errno.ENOTDIR ? 0 : 1;
                continue;
            }

            using (reader)
                List(rule, directory, reader, directories, file => Judge(rule, file, known, inFlight, nowNs));
        }
    }

    private void List(
        CompiledRule rule, BytePath directory, DirectoryReader reader, Stack<BytePath> directories,
        Action<BytePath> judge)
    {
        while (reader.Read(out ReadOnlySpan<byte> name, out FileType type))
        {
            BytePath path = directory.Join(name);
            bool isUnknown = type == FileType.Unknown;
            if (isUnknown && FileStatReader.TryReadAt(reader.FileDescriptor, name, out FileStat stat) == 0)
                type = stat.Type;
            if (type != FileType.Directory)
            {
                _isCut = limit > 0 && _files >= limit;
                if (_isCut)
                    return;
                _files++;
                judge(path);
            }
            else if (PathScope.OfDirectory(rule.Rule, path) is { } scope)
            {
                Add(path, Explainer.OfScope(rule.Rule, scope)!);
            }
            else
            {
                directories.Push(path);
            }
        }
    }

    private void Judge(
        CompiledRule rule, BytePath path, ServiceFacts known, Dictionary<BytePath, InFlight> inFlight, long nowNs)
    {
        FileExplanation explanation = files.Explain(
            rule, path, known with { InFlight = inFlight.GetValueOrDefault(path) }, nowNs);
        if (explanation.Finding.Reason is ExplanationReason.NotSeenYet or ExplanationReason.Changed)
            _unseen.Add((path, explanation));
        else
            Add(path, explanation.Finding);
    }

    // Perhaps because of their directories: the service is asked how it watches these.
    private void SettleUnseen(CompiledRule rule, ServiceFacts known)
    {
        if (_unseen.Count == 0)
            return;
        Dictionary<BytePath, Coverage> coverage = known.Answer == ServiceAnswer.Running
            ? service.CoverageOf(rule.Rule, _unseen.Select(file => file.Path.Directory).Distinct())
            : [];
        foreach ((BytePath path, FileExplanation explanation) in _unseen)
        {
            ExplanationFacts facts = explanation.Facts;
            Add(path, coverage.TryGetValue(path.Directory, out Coverage covered)
                ? Explainer.Of(facts with { Service = facts.Service with { Coverage = covered } })
                : explanation.Finding);
        }
    }

    private void Add(BytePath path, Explanation finding) =>
        _sums[finding.Reason] = _sums.TryGetValue(finding.Reason, out ExplanationSum? sum)
            ? sum with { Count = sum.Count + 1 }
            : new ExplanationSum(finding.Reason, 1, path, finding);
}
