using System.Text.Json;
using System.Text.RegularExpressions;
using AutoCrunch.Core;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>
/// Pain 34, "why was my file not processed?": situations made with the real service, and the very sentences that
/// <c>explain</c> gives for them. Numbers of jobs and processes are shown as N, times as T.
/// </summary>
public sealed partial class ExplainTests : IDisposable
{
    private const string Restart = "restart the service (systemctl restart autocrunch)";

    private static readonly Situation[] s_verdicts =
    [
        new("in/done.raw", "Job N succeeded T ago (attempt 1).", "To run it again: autocrunch retry N."),
        new("in/bad.raw", "Job N failed T ago, for good after 1 attempt: exited with code 3.",
            "See what it printed (autocrunch show N --log), mend that, then: autocrunch retry N."),
        new("in/gone.raw", "Job N succeeded T ago (attempt 1). The file is gone by now.",
            "Send it again: it runs when it has finished arriving."),
        new("in/is.raw", "It was processed as 'was.raw' (job N, succeeded), and a rename makes no job (Renames: "
            + "Ignore).", "To run it under this name: autocrunch submit --rule raw {base}/in/is.raw."),
        new("retry/bad.raw", "Attempt 1 of job N failed (exited with code 3); the next one of 3 starts in T.",
            "To run it at once: autocrunch retry N."),
        new("once/old.raw", "It was there before rule once was first started, and such files are left alone "
            + "(ExistingFiles: Ignore).", "To run it: autocrunch submit --rule once {base}/once/old.raw."),
        new("once/u.raw", "It was replaced after job N (succeeded), and rule once processes only names it has "
            + "never "
            + "seen (Updates: Ignore).",
            "To run it all the same: autocrunch submit --rule once {base}/once/u.raw."),
        new("busy/slow.raw", "Job N runs (attempt 1, started T ago).",
            "Wait for its end; see what it prints: autocrunch show N --log --follow."),
        new("busy/next.raw", "Job N waits for a free slot: it is the next, and 1 of the rule's run. It "
            + "superseded job "
            + "N, whose version was replaced before its turn came.",
            $"Wait, or raise Concurrency (now 1) and {Restart}."),
        new("busy/last.raw", "Job N waits for a free slot: 1 job is before it, and 1 of the rule's run.",
            $"Wait, or raise Concurrency (now 1) and {Restart}."),
        new("many/1.raw", "Job N waits: rule many is paused, because a scan found more files than "
            + "MaxExistingFiles.",
            "Let the rule go on: autocrunch resume many."),
        new("loop/l.raw", "Job N waits: this path is paused, because it completed again and again; most likely its "
            + "job rewrites it.",
            "Let the job write elsewhere, then: autocrunch resume loop --path {base}/loop/l.raw."),
    ];

    private ServiceUnderTest _service = null!;

    public void Dispose() => _service?.Dispose();

    [ProgramFact("mkfifo", "touch")]
    public void Pain_34_names_and_places_that_no_rule_takes()
    {
        Start(
            new RuleText { Path = "in", Include = ["*.raw", "*.fits"], Exclude = ["*~", "x-*"] },
            new RuleText("all") { Path = "all" },
            new RuleText("flat") { Path = "flat", Further = """{ "Recursive": false }""" },
            new RuleText("lost") { Path = "lost" });
        Script("""
            mkdir -p in/.cache in/real flat/sub outside; : >in/.cache/a.raw; : >flat/sub/a; : >in/a.dat; : >in/x-1.raw
            ln -s real in/linked; : >in/real/a.raw; ln -s "$PWD/outside" in/away.raw; mkfifo in/fifo.raw; rmdir lost
            """);
        Explains([
            new("in/a.dat", "Rule raw takes only '*.raw', '*.fits', and this name does not match.",
                $"Rename it, or add a pattern to Include and {Restart}."),
            new("in/x-1.raw", "Rule raw leaves such names out (Exclude: 'x-*').",
                $"Rename it, or change Exclude and {Restart}."),
            new("in/.cache/a.raw", "It is in the directory '.cache', which rule raw does not enter "
                + "(IgnoredDirectories: '.*').", $"Move it out of that directory, or change IgnoredDirectories and "
                + $"{Restart}."),
            new("in/.a.raw.AbC123", "The name has the shape of rsync's temporary names: rule raw judges the file when "
                + "it is renamed into place.", "Wait for the transfer to end; if it is a leftover, delete it; if it "
                + "is a "
                + "real file, rename it."),
            new("all/a.part", "'*.part' is how other tools mark what is not finished: rule all waits for the final "
                + "name.",
                $"Let the tool rename it; if it is a final name, add '*.part' to Include and {Restart}."),
            new("all/.in.a", "'.in.*' is how other tools mark what is not finished: rule all waits for the final name.",
                $"Let the tool rename it; if it is a final name, add '.in.*' to Include and {Restart}."),
            new("flat/sub/a", "Rule flat watches only {base}/flat itself, not the directories in it (Recursive: "
                + "false).",
                $"Move it up to {{base}}/flat, or set Recursive to true and {Restart}."),
            new("in/linked/a.raw", "The directory 'linked' is a symbolic link, and rule raw follows none below its "
                + "Path.",
                "Put the file itself below Path, or add a rule for where the link leads; what is said of the file "
                    + "itself: "
                + "autocrunch explain {base}/in/real/a.raw."),
            new("in/away.raw", "It is a symbolic link, and only regular files are processed.",
                "Put the file itself, or a hard link to it, here; what is said of the file itself: autocrunch explain "
                + "{base}/outside."),
            new("in/fifo.raw", "It is no regular file, and only those are processed.", "Put a regular file in its "
                + "place."),
            new("lost/a", "The Path of rule lost, {base}/lost, is not there: none of its files is taken for gone, "
                + "and they "
                + "are looked for when it is back.", "Mount it, or make it again: its return is noticed within two "
                + "seconds."),
            new("outside/a", "It is under no rule's Path; watched are {base}/all (all), {base}/flat (flat), "
                + "{base}/lost "
                + "(lost), {base}/in (raw).",
                $"Put it below one of these, or add a rule for its directory and {Restart}."),
            new("in/never.raw", "There is no such file, and rule raw has no record of it.",
                "Send it: it runs when it has finished arriving."),
        ]);
    }

    [ProgramFact("touch", "setsid")]
    public void Pain_34_files_that_are_on_their_way_or_held()
    {
        _service = new ServiceUnderTest(
            new RuleText { Path = "in", Completion = """{ "QuietPeriod": "00:10:00" }""" },
            new RuleText("quick") { Path = "quick", Completion = """{ "QuietPeriod": "00:00:00.200" }""" },
            new RuleText("proven")
            {
                Path = "proven", Completion = """{ "QuietPeriod": "00:00:00.200", "InPlace": "Proven" }""",
            },
            new RuleText("renames")
            {
                Path = "renames", Completion = """{ "Arrivals": "Rename" }""",
            });
        Script("mkdir renames; echo x >renames/copied.raw");
        _service.Start();
        Script("""
            setsid sleep 300 >in/writing.raw </dev/null 2>&1 & sleep 0.2
            echo x >in/quiet.raw; echo x >proven/p.raw; (umask 077; echo x >quick/killed.raw)
            echo x >zero; touch -d @0 zero; mv zero quick/zero.raw
            (umask 077; echo x >$'quick/n\nl\xff it\'s \\.raw')
            """);
        const string submit = "to run it as it is: autocrunch submit --rule";
        Explains([
            new("in/writing.raw", "It is still being written, by sleep (pid N); last sign of life T ago.",
                "Wait until it is closed; if its writer hangs, end it (kill N) and send the file again."),
            new("in/quiet.raw", "It is closed and its quiet period runs: if nothing more happens to it, it counts as "
                + "finished in T.", "Wait; what is sent with its modification time (rsync -t) needs no quiet period."),
            new("proven/p.raw", "Held: only the quiet period speaks for it, and the rule wants proof (InPlace: "
                + "Proven).",
                "Send it with its modification time (rsync -t) or set InPlace to Quiet; "
                + submit + " proven {base}/proven/p.raw."),
            new("quick/killed.raw", "Held: new, written last and open to its owner only, as a killed rsync --inplace "
                + "leaves it.", "Send it again (if senders have umask 077, set OwnerOnly to Process); "
                + submit + " quick {base}/quick/killed.raw."),
            new("quick/zero.raw", "Held: interrupted rsync --partial, mtime 0.",
                "Send it again to finish it (if the source really is dated 1970, set ZeroMtime to Process); "
                + submit + " quick {base}/quick/zero.raw."),
            new("renames/copied.raw", "Held: written in place, and the rule takes renames only (Arrivals: Rename).",
                $"Send it by rename, as rsync does without --inplace, or set Arrivals to RenameAndInPlace and "
                    + $"{Restart}; "
                + submit + " renames {base}/renames/copied.raw."),

            // As AutoCrunch prints it, and as the shell completes it: the same file.
            new(@"quick/n\x0Al\xFF it's \\.raw", "Held: new, written last and open to its owner only, as a killed "
                + "rsync "
                + "--inplace leaves it.", "Send it again (if senders have umask 077, set OwnerOnly to Process); "
                + submit + @" quick '{base}/quick/n\x0Al\xFF it\x27s \\.raw'."),
            new("$'quick/n\\nl\\xff it\\'s \\\\.raw'", "Held: new, written last and open to its owner only, as a "
                + "killed "
                + "rsync --inplace leaves it.", "Send it again (if senders have umask 077, set OwnerOnly to Process); "
                + submit + @" quick '{base}/quick/n\x0Al\xFF it\x27s \\.raw'."),
        ]);
    }

    [Fact]
    public void Pain_34_files_that_have_their_verdict()
    {
        const string job = """case "$0" in *slow*) sleep 600;; *bad*) exit 3;; esac""";
        string[] command = ["sh", "-c", job, "{path}"];
        _service = new ServiceUnderTest(
            new RuleText { Path = "in", Command = command, Retry = """{ "MaxAttempts": 1 }""" },
            new RuleText("busy") { Path = "busy", Command = command, Concurrency = 1 },
            new RuleText("retry")
            {
                Path = "retry", Command = command, Retry = """{ "Delay": "01:00:00", "MaxDelay": "02:00:00" }""",
            },
            new RuleText("once")
            {
                Path = "once", Command = command, Completion = """{ "Updates": "Ignore" }""",
                Further = """{ "ExistingFiles": "Ignore" }""",
            },
            new RuleText("many") { Path = "many", Command = command, Further = """{ "MaxExistingFiles": 1 }""" },
            new RuleText("loop")
            {
                Path = "loop", Command = ["sh", "-c", "echo more >>\"$0\"", "{path}"],
                Completion = """{ "QuietPeriod": "00:00:00.100" }""", Further = """{ "PauseAfterRepeats": 1 }""",
            });
        Script("mkdir many once; echo x >many/1.raw; echo x >many/2.raw; echo x >once/old.raw");
        _service.Start();
        Script("""
            put() { echo "$2" >new; touch -d '2 hours ago' new; mv new "$1"; }
            put in/done.raw; put in/bad.raw; put in/gone.raw; put in/was.raw; put retry/bad.raw; put once/u.raw
            put busy/slow.raw; put loop/l.raw
            """);
        foreach (string file in new[] { "done.raw", "bad.raw (rule raw", "gone.raw", "was.raw", "u.raw", "l.raw" })
            _service.UntilLogged("Job ", file, file[0] == 'b' ? "failed" : "succeeded");
        _service.UntilLogged("Job ", "bad.raw (rule retry", "failed");
        Script("""
            put() { echo "$2" >new; touch -d '2 hours ago' new; mv new "$1"; }
            rm in/gone.raw; mv in/was.raw in/is.raw; put once/u.raw more; put busy/next.raw
            """);
        using (var ledger = new LedgerView(_service.Base))
            _service.Until(
                () => ledger.Jobs().Any(each => each.Path == BytePath.Parse("next.raw")), () => "the job of next.raw");
        Script("""
            put() { echo "$2" >new; touch -d '2 hours ago' new; mv new "$1"; }
            put busy/next.raw more; put busy/last.raw
            """);
        Explains(s_verdicts);
        SaysSoWithoutService();
    }

    private void SaysSoWithoutService()
    {
        _service.KillForGood();
        Script("echo x >in/late.raw; echo changed >>in/done.raw");
        Explains([
            new("in/late.raw", "It has not been judged yet, and the service is not running.",
                "Start the service, which scans first: systemctl start autocrunch."),
            new("in/done.raw", "It is not the version that was judged last (job N, succeeded), and what is there "
                + "now has "
                + "not been judged yet, and the service is not running.",
                "Start the service, which scans first: systemctl start autocrunch."),
            new("busy/slow.raw", "Attempt 1 of job N was running when the service ended; it runs again.",
                "Start the service: systemctl start autocrunch."),
            new("busy/last.raw", "Job N waits, and the service is not running.",
                "Start the service: systemctl start autocrunch."),
        ]);
    }

    [RequiresFact("unshare", RequiresFactAttribute.Root)]
    public void Pain_34_directories_that_the_service_cannot_watch_or_read()
    {
        _service = new ServiceUnderTest(new RuleText { Path = "in" }, new RuleText("locked") { Path = "locked" });
        Script("mkdir -p in/1 in/2 in/3 locked/secret; chown 65534 locked/secret; chmod 700 locked/secret");

        // Root of a user namespace is not above the owner of that directory, and has so many watches.
        _service.Launch(
            "unshare", "-Ur", "sh", "-ec", "echo 4 >/proc/sys/user/max_inotify_watches; exec \"$@\"", "sh");
        _service.Until(() => _service.IsReady, () => "READY=1");
        Script("for d in 1 2 3; do echo x >in/$d/a.raw; done; echo x >locked/secret/a.raw");
        string[] files = ["in/1/a.raw", "in/2/a.raw", "in/3/a.raw"];
        string unwatched = Array.Find(files, path => Reason(path) == "notWatched")!;
        string said = Ask([new(unwatched, "", ""), new("locked/secret/a.raw", "", "")]);
        Assert.Contains("It has not been judged yet: its directory is not watched, only rescans find what is in it. "
            + "inotify_add_watch: No space left on device (ENOSPC). This user's limit on watched directories is "
            + "reached",
            said, StringComparison.Ordinal);
        Assert.Contains("-> Raise the limit of watches (fs.inotify.max_user_watches); until then wait for the next "
            + "rescan.", said, StringComparison.Ordinal);
        Assert.Contains("It has not been judged yet: the service may not read its directory, only rescans find what is "
            + "in it. open '", said, StringComparison.Ordinal);
        Assert.Contains("-> Give the service's user access to it and to every directory above it (namei -l "
            + $"{_service.Base}/locked/secret/a.raw shows them).", said, StringComparison.Ordinal);
    }

    [ProgramFact("touch")]
    public void Pain_34_a_directory_is_summed_up_by_reason()
    {
        Start(new RuleText { Path = "in", Include = ["*.raw"], Command = ["true"] });
        Script("""
            mkdir -p in/sub/.cache; touch -d '1 hour ago' new; : >in/.cache; : >in/sub/.cache/a.raw
            for i in 1 2 3 4 5; do : >in/sub/$i.dat; cp -p new $i; mv $i in/sub/$i.raw; done; (umask 077; : >in/k.raw)
            """);
        _service.UntilLogged("Held", "k.raw");
        _service.UntilIdle();
        Assert.Equal(
            [("notIncluded", 6), ("succeeded", 5), ("ignoredDirectory", 1), ("heldOwnerOnly", 1)],
            Sums("in", 0, false));
        Assert.Equal([("notIncluded", 5), ("succeeded", 5), ("ignoredDirectory", 1)], Sums("in/sub", 0, false));
        Assert.Equal(4, Sums("in/sub", 4, true).Where(sum => sum.Reason != "ignoredDirectory").Sum(sum => sum.Count));
        Assert.Empty(Sums("in/sub/.cache", 0, false));
        Command text = Explain("in/sub");
        Assert.Contains("rule raw: 10 files\n", text.Output, StringComparison.Ordinal);
        Assert.Contains("       5  succeeded, such as sub/", text.Output, StringComparison.Ordinal);
    }

    private (string Reason, int Count)[] Sums(string directory, int limit, bool isTruncated)
    {
        Command explain = Explain(
            "--json", "--limit", limit.ToString(System.Globalization.CultureInfo.InvariantCulture), directory);
        using JsonDocument json = JsonDocument.Parse(explain.Output);
        JsonElement rule = json.RootElement.GetProperty("rules")[0];
        Assert.Equal(isTruncated, rule.GetProperty("truncated").GetBoolean());
        return [.. rule.GetProperty("reasons").EnumerateArray().Select(
            sum => (sum.GetProperty("reason").GetString()!, sum.GetProperty("count").GetInt32()))];
    }

    private string Reason(string path)
    {
        using JsonDocument json = JsonDocument.Parse(Explain("--json", path).Output);
        return json.RootElement.GetProperty("reason").GetString()!;
    }

    private Command Explain(params string[] arguments)
    {
        Command explain = Command.AutoCrunch(_service.Base, ["explain", "--config", "appsettings.json", .. arguments]);
        Assert.True(explain.ExitCode == 0 && explain.Error.Length == 0, explain.Text);
        return explain;
    }

    private void Start(params RuleText[] rules)
    {
        _service = new ServiceUnderTest(rules);
        _service.Start();
    }

    private void Script(string script)
    {
        Command bash = Command.Run("bash", ["-c", script], _service.Base);
        Assert.True(bash.ExitCode == 0, bash.Text);
    }

    // Facts arrive when they arrive: asked again until all is as expected, or shown as it was last.
    private void Explains(Situation[] situations)
    {
        string expected = string.Join('\n', situations.Select(
            each => Text(each, each.Sentence, each.Remedy).Replace("{base}", _service.Base, StringComparison.Ordinal)));
        string said = "";
        long deadline = Environment.TickCount64 + 60_000;
        while (said != expected && Environment.TickCount64 < deadline)
            said = Ask(situations);
        Assert.Equal(expected, said);
    }

    // Through a shell, which can hand over any bytes.
    private string Ask(Situation[] situations)
    {
        string arguments = string.Join(
            ' ', situations.Select(each => each.Path[0] == '$' ? each.Path : Quote(each.Path)));
        string command = $"exec dotnet '{ServiceUnderTest.Program}' explain --json --config appsettings.json ";
        Command explain = Command.Run("bash", ["-c", command + arguments], _service.Base);
        Assert.True(explain.ExitCode == 0, explain.Error);
        string[] lines = explain.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(situations.Length, lines.Length);
        return string.Join('\n', situations.Zip(lines, (situation, line) =>
        {
            using JsonDocument json = JsonDocument.Parse(line);
            return Text(
                situation, General(json.RootElement.GetProperty("sentence").GetString()!),
                General(json.RootElement.GetProperty("remedy").GetString()!));
        }));
    }

    private static string Quote(string path) => $"'{path.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    private static string Text(Situation situation, string sentence, string remedy) =>
        $"{situation.Path}: {sentence}\n  -> {remedy}";

    private static string General(string text) =>
        Time().Replace(Number().Replace(text, "N"), "T").Replace("just now", "T ago", StringComparison.Ordinal);

    [GeneratedRegex(@"(?<=[Jj]ob |retry |show |pid |kill )\d+")]
    private static partial Regex Number();

    [GeneratedRegex(@"\d+ (s|min|h)\b")]
    private static partial Regex Time();

    /// <summary>A path relative to the service's directory, and what is said of it.</summary>
    private sealed record Situation(string Path, string Sentence, string Remedy);
}
