using System.CommandLine;

namespace AutoCrunch.Cli;

/// <summary>The examples at the end of each verb's help.</summary>
internal static class Examples
{
    private static readonly (string Line, string Meaning)[] s_root =
    [
        ("autocrunch", "run with ./appsettings.json"),
        ("autocrunch check", "is everything in order before a start?"),
        ("autocrunch trace /srv/incoming", "see what arrives and how it is judged"),
    ];

    private static readonly Dictionary<string, (string Line, string Meaning)[]> s_verbs = new(StringComparer.Ordinal)
    {
        ["run"] =
        [
            ("autocrunch run", "with ./appsettings.json"),
            ("autocrunch run --config /etc/autocrunch/site.json", "with another file"),
        ],
        ["check"] =
        [
            ("autocrunch check", "every mistake and every warning, then the exit code"),
            ("autocrunch check --json | jq .", "one object a line"),
        ],
        ["trace"] =
        [
            ("autocrunch trace /srv/incoming", "until Ctrl-C, then a summary"),
            ("autocrunch trace . --include '*.raw' --quiet 2s", "as a rule with these settings would judge"),
            ("autocrunch trace . --all", "reading opens and closes too"),
        ],
        ["status"] =
        [
            ("autocrunch status", "what goes on, and what asks for attention, with the command that mends it"),
            ("autocrunch status --watch", "a live screen: what runs, arrives, has ended; q leaves it"),
            ("autocrunch status --json | jq '.problems'", "for a monitoring system; the exit code is 0 either way"),
        ],
        ["jobs"] =
        [
            ("autocrunch jobs --state failed --since 1d", "what went wrong since yesterday"),
            ("autocrunch jobs --path '2026/*/a.raw'", "the jobs of some files; a directory stands for all in it"),
            ("autocrunch jobs --json --limit 0 | jq .", "all of them, one object a line"),
            ("autocrunch jobs --state failed --null | xargs -0 ls -l", "their files, whatever they are called"),
        ],
        ["show"] =
        [
            ("autocrunch show 42", "version, evidence, every attempt with its outcome"),
            ("autocrunch show 42 --log", "what its program wrote; of an earlier attempt: --attempt 1"),
            ("autocrunch show 42 --log --follow", "and what it goes on writing, until it ends"),
        ],
        ["explain"] =
        [
            ("autocrunch explain /srv/incoming/a.raw", "why it was, or was not, processed"),
            ("autocrunch explain 'a\\xFF.raw'", "a name as AutoCrunch prints it"),
            ("autocrunch explain /srv/incoming/night7", "all files of a directory, summed up by reason"),
            ("autocrunch explain --json a.raw | jq -r .remedy", "what would make it run"),
        ],
        ["retry"] =
        [
            ("autocrunch retry 17 18", "these jobs, also if they had succeeded"),
            ("autocrunch retry --failed --rule raw", "all of the rule raw that have failed"),
        ],
        ["cancel"] =
        [
            ("autocrunch cancel 17", "whether it waits or runs"),
            ("autocrunch cancel --queued --rule raw", "all of the rule raw that wait"),
        ],
        ["submit"] =
        [
            ("autocrunch submit --rule raw incoming/a.raw", "now, also if it was processed before"),
            ("autocrunch submit --rule raw --wait *.raw", "and return when all have ended"),
        ],
        ["adopt"] =
        [
            ("autocrunch adopt --rule raw --as done --dry-run", "what would it mean?"),
            ("autocrunch adopt --rule raw --as done", "an archive of old files: none of them runs"),
            ("autocrunch adopt --rule raw --as pending", "each file that never had a job gets one"),
        ],
        ["sync"] =
        [
            ("cp a.raw incoming/ && autocrunch sync", "return when it is recorded"),
            ("autocrunch sync --timeout 30s", "or give up, with exit code 1"),
        ],
        ["pause"] =
        [
            ("autocrunch pause raw", "no job of the rule raw starts any more; its files are recorded"),
        ],
        ["resume"] =
        [
            ("autocrunch resume raw", "also when MaxExistingFiles or failures have paused it"),
            ("autocrunch resume raw --path sub/a.raw", "a path that completed too often"),
        ],
    };

    public static (string Line, string Meaning)[] Of(Command command) =>
        s_verbs.TryGetValue(command.Name, out (string, string)[]? examples) ? examples : s_root;
}
