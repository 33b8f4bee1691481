using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Faults;

/// <summary>
/// What becomes of files that were there before: more than expected, or of a rule that is not as it was.
/// </summary>
public sealed class ExistingFilesTests
{
    [Fact]
    public void More_files_than_MaxExistingFiles_pause_the_rule_until_an_operator_resumes_it()
    {
        using var service = new ServiceUnderTest(Rule(most: 10), new RuleText("other") { Path = "elsewhere" });
        Arrive(service, 11);
        Directory.CreateDirectory(service.Incoming("other"));
        File.WriteAllText(Path.Combine(service.Incoming("other"), "o.raw"), "x");
        Assert.Contains("autocrunch resume raw", Check(service), StringComparison.Ordinal);

        service.Start();
        string line = service.UntilLogged("raw is paused", "found 11 files", "MaxExistingFiles (10)");
        Assert.Contains("autocrunch resume raw", line, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(service.Incoming(), "late.raw"), "x");
        UntilQueued(service, 12);
        service.Stop();

        service.Start(); // the pause is for good
        service.UntilLogged("raw: it is paused", "MaxExistingFiles", "resume raw");
        File.WriteAllText(Path.Combine(service.Incoming(), "later.raw"), "x");
        UntilQueued(service, 13);
        service.Stop();
        Assert.Equal(["other"], service.Started().Select(record => record.Rule));
        Assert.Contains("it is paused", Check(service), StringComparison.Ordinal);

        Command resumed = Verb(service, "resume", "raw");
        Assert.Equal((0, "Rule raw goes on when the service is started; 13 of its jobs wait.\n"),
            (resumed.ExitCode, resumed.Output));
        Assert.Contains("was not paused", Verb(service, "resume", "raw").Output, StringComparison.Ordinal);
        service.Start();
        service.Quiesce();
        Assert.Equal(13, service.Started().Count(record => record.Rule == "raw"));
        service.Stop();
    }

    [Fact]
    public void As_many_files_as_MaxExistingFiles_run()
    {
        using var service = new ServiceUnderTest(Rule(most: 10));
        Arrive(service, 10);
        service.Start();
        service.Quiesce();
        Assert.Equal(10, service.Started().Count);
        service.Stop();
    }

    [Fact]
    public void Files_that_are_to_be_left_alone_pause_nothing()
    {
        using var service = new ServiceUnderTest(Rule(most: 10, further: """, "ExistingFiles": "Ignore" """));
        Arrive(service, 50);
        service.Start();
        service.Quiesce();
        Assert.Empty(service.Started());
        service.Stop();
    }

    [Fact]
    public void A_rule_is_paused_and_resumed_by_hand()
    {
        using var service = new ServiceUnderTest();
        Assert.Equal(78, Verb(service, "pause", "raw").ExitCode); // no ledger yet
        service.Start();
        service.Stop();
        Command unknown = Verb(service, "pause", "rwa");
        Assert.Equal(64, unknown.ExitCode);
        Assert.Contains("knows no rule 'rwa', only raw", unknown.Error, StringComparison.Ordinal);
        Assert.Equal(0, Verb(service, "pause", "raw").ExitCode);

        service.Start();
        service.UntilLogged("paused by hand");
        File.WriteAllText(Path.Combine(service.Incoming(), "a.raw"), "x");
        UntilQueued(service, 1);
        service.Stop();
        Assert.Empty(service.Started());

        Assert.Equal(0, Verb(service, "resume", "raw").ExitCode);
        service.Start();
        service.Quiesce();
        Assert.Single(service.Started());
        service.Stop();
    }

    [Fact]
    public void A_rule_under_a_new_name_is_told_before_its_files_run_again()
    {
        using var service = new ServiceUnderTest(Rule());
        service.Start();
        Arrive(service, 3);
        service.Until(() => service.Started().Count == 3, () => "a job of each file"); // which may be closed late, too
        service.Quiesce();
        service.Stop();
        int before = service.Started().Count;

        service.Configure(Rule("raw2", most: 2));
        string check = Check(service);
        Assert.Contains("knows rule 'raw' with the same Path", check, StringComparison.Ordinal);
        Assert.Contains("name it 'raw' again, or set ExistingFiles to Ignore", check, StringComparison.Ordinal);
        Assert.Contains("4 files of this rule are there", check, StringComparison.Ordinal);
        service.Start();
        service.UntilLogged("Rule raw2: this rule is new to the ledger", "'raw'");
        service.UntilLogged("raw2 is paused", "found 4 files");
        service.Stop();
        Assert.Equal(before, service.Started().Count);

        service.Configure(Rule("raw", most: 2)); // nothing has happened
        service.Start();
        service.UntilLogged("Rule raw2 is configured no longer, and 4 of its jobs wait");
        Arrive(service, 1, "new");
        service.Until(() => service.Started().Count > before, () => "the job of a new file");
        Assert.Equal("0.new", service.Started()[before].Path.Name.ToString());
        service.Stop();
    }

    [Fact]
    public void Widened_patterns_and_another_Path_are_told_and_bounded()
    {
        using var service = new ServiceUnderTest(Rule() with { Include = ["*.raw"] });
        Arrive(service, 3);
        Arrive(service, 4, "fits");
        service.Start();
        service.Quiesce();
        service.Stop();
        Assert.Equal(3, service.Started().Count);

        service.Configure(Rule(most: 3) with { Include = ["*.raw", "*.fits"] });
        string check = Check(service);
        Assert.Contains("it took *.raw !*~ !.*/ when it was scanned last, and takes *.raw *.fits", check,
            StringComparison.Ordinal);
        Assert.Contains("4 of them are new to the ledger", check, StringComparison.Ordinal);
        Assert.Contains("more than MaxExistingFiles (3)", check, StringComparison.Ordinal);
        service.Start();
        service.UntilLogged("it took *.raw");
        service.UntilLogged("raw is paused", "found 4 files");
        service.Stop();
        Assert.Equal(3, service.Started().Count);

        Directory.Move(service.Incoming(), Path.Combine(service.Base, "moved"));
        service.Configure(Rule(most: 3) with { Include = ["*.raw", "*.fits"], Path = "moved" });
        Assert.Equal(0, Verb(service, "resume", "raw").ExitCode);
        Assert.Contains("its Path was", Check(service), StringComparison.Ordinal);
        service.Start(); // the files moved along: nothing is new
        service.Quiesce();
        Assert.Equal(7, service.Started().Count);
        service.Stop();
    }

    private static RuleText Rule(string name = "raw", int most = 10_000, string further = "") =>
        new(name) { Further = $$"""{ "MaxExistingFiles": {{most}}{{further}} }""" };

    private static void Arrive(ServiceUnderTest service, int count, string extension = "raw")
    {
        Directory.CreateDirectory(service.Incoming());
        for (int i = 0; i < count; i++)
            File.WriteAllText(Path.Combine(service.Incoming(), $"{i}.{extension}"), $"{i}");
    }

    private static Command Verb(ServiceUnderTest service, string verb, string rule) =>
        Command.AutoCrunch(service.Base, verb, rule);

    private static string Check(ServiceUnderTest service)
    {
        Command check = Command.AutoCrunch(service.Base, "check");
        Assert.True(check.ExitCode == 0, check.Text);
        return check.Output;
    }

    private static void UntilQueued(ServiceUnderTest service, int count)
    {
        using var ledger = new LedgerView(service.Base);
        service.Until(
            () => ledger.Jobs().Count(job => job is { State: 0, Attempts: 0 }) == count, () => $"{count} waiting jobs");
    }
}
