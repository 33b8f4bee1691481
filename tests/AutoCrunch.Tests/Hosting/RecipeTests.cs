using AutoCrunch.Configuration;
using AutoCrunch.Core;

namespace AutoCrunch.Tests.Hosting;

/// <summary>The README's recipes, done as they are written there.</summary>
public sealed class RecipeTests
{
    [RequiresFact("rsync")]
    public void Run_folders_are_processed_once_and_whole()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Readme.Recipe("run folders"));
        WriteScript(directory, "reduce-run", "ls \"$1\" > listed.new && mv listed.new listed");
        for (int i = 0; i < 20; i++)
            directory.Write($"RUN/lane/{i}.bcl", new string('x', 10_000));
        directory.Write("RUN/1.dat");
        directory.Write("RUN/CopyComplete.txt");
        using ServiceProcess service = new ServiceProcess(directory, "run").Ready();

        string command = Readme.FirstBlock("### Run folders").Replace("HOST:", "", StringComparison.Ordinal);
        Tool.Run("sh", "-c", $"cd '{directory.Text}' && {command}");

        Wait.Until(() => directory.Exists("listed"));
        Assert.Equal(0, service.Stop());
        Assert.Equal("1.dat\nCopyComplete.txt\nlane\n", directory.ReadText("listed"));
        Assert.Contains("Job 1 succeeded: RUN/CopyComplete.txt", service.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Job 2", service.Output, StringComparison.Ordinal);
    }

    [RequiresFact("touch")]
    public void Only_new_files_are_announced()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Readme.Recipe("only new files"));
        WriteScript(directory, "announce", "echo \"$1\" >> announced");
        Tool.Run("touch", "-d", "yesterday", directory.Write("incoming/old").ToString());
        using ServiceProcess service = new ServiceProcess(directory, "run").Ready();

        MoveIn(directory, "new", "first version");
        Wait.Until(() => directory.Exists("announced") && directory.ReadText("announced") == "new\n");
        MoveIn(directory, "new", "second version, longer");
        MoveIn(directory, "old", "second version, longer");
        MoveIn(directory, "last", "content"); // comes after the others in the kernel's queue and in the ledger's
        Wait.Until(() => directory.ReadText("announced").Contains("last\n", StringComparison.Ordinal));

        Assert.Equal(0, service.Stop());
        Assert.Equal("new\nlast\n", directory.ReadText("announced"));
    }

    [RequiresFact("rsync")]
    public void Files_of_senders_with_umask_077_are_processed_only_with_the_recipe()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Readme.Recipe("umask 077"));
        WriteScript(directory, "reduce", "cat \"$1\" > reduced.new && mv reduced.new reduced");
        directory.Write("a.raw", "content");
        var quick = new Dictionary<string, string?>
        {
            ["AutoCrunch__Rules__private__Completion__QuietPeriod"] = "00:00:00.3",
        };
        var byDefault = new Dictionary<string, string?>(quick)
        {
            ["AutoCrunch__Rules__private__Completion__OwnerOnly"] = "Hold",
        };
        const string send = "umask 077; rsync -r --inplace a.raw incoming/";

        using (ServiceProcess service = ServiceProcess.Of(directory, byDefault, ServiceProcess.Program).Ready())
        {
            Tool.Run("sh", "-c", $"cd '{directory.Text}' && {send}");
            Wait.Until(() => service.Output.Contains("Held, not processed: a.raw", StringComparison.Ordinal));
            Assert.Equal(0, service.Stop());
            Assert.False(directory.Exists("reduced"));
        }

        directory.Unlink("incoming/a.raw");
        using (ServiceProcess service = ServiceProcess.Of(directory, quick, ServiceProcess.Program).Ready())
        {
            Tool.Run("sh", "-c", $"cd '{directory.Text}' && {send}");
            Wait.Until(() => directory.Exists("reduced"));
            Assert.Equal(0, service.Stop());
            Assert.Equal("content", directory.ReadText("reduced"));
        }
    }

    [RequiresFact(RequiresFactAttribute.Root, "rsync", "setpriv")]
    public void What_rsyncd_receives_can_be_read_by_the_service_as_another_user()
    {
        const string sender = "1";
        const string service = "2";
        const string group = "54321";
        using var directory = new TempDirectory();
        string Here(string text) => text
            .Replace("/srv/incoming", directory["incoming"].ToString(), StringComparison.Ordinal)
            .Replace("uid = rsync", "uid = " + sender, StringComparison.Ordinal)
            .Replace("gid = incoming", "gid = " + group, StringComparison.Ordinal)
            .Replace("-o rsync -g incoming", $"-o {sender} -g {group}", StringComparison.Ordinal);
        string install = Readme.FirstBlock("### Permissions for rsyncd").Split('\n')[1];
        Tool.Run("sh", "-c", Here(install));
        directory.Write("rsyncd.conf", Here(Readme.Recipe("rsyncd.conf")));
        directory.Write("private/a.raw", "content");
        Tool.Run("chmod", "-R", "go=", directory["private"].ToString());
        directory.Write("service/appsettings.json", """
            { "AutoCrunch": { "Rules": { "raw": { "Path": "../incoming",
              "Dispatcher": { "Command": ["cp", "{path}", "copied"] } } } } }
            """);
        Tool.Run("chown", "-R", $"{service}:{service}", directory["service"].ToString());

        // The other user may not be able to read where these tests were built.
        Tool.Run("cp", "-r", AppContext.BaseDirectory, directory["program"].ToString());
        Tool.Run("chmod", "-R", "a+rX", directory["program"].ToString());
        using ServiceProcess run = ServiceProcess.Of(
            directory, [], "setpriv", $"--reuid={service}", $"--regid={service}", $"--groups={group}",
            directory["program/autocrunch"].ToString(), "run", "--config", "service/appsettings.json").Ready();

        Tool.Run(
            "env", $"RSYNC_CONNECT_PROG=rsync --daemon --config={directory["rsyncd.conf"]}",
            "rsync", "-a", directory["private/"].ToString(), "rsync://localhost/incoming/night/");

        Wait.Until(() => run.Output.Contains("Job 1 succeeded", StringComparison.Ordinal));
        Assert.Equal(0, run.Stop());
        Assert.Equal("content", directory.ReadText("service/copied"));
        FileStat received = directory.Stat("incoming/night/a.raw");
        Assert.Equal(0b110_100_000u, received.Mode);
    }

    [Theory]
    [InlineData(typeof(AutoCrunchSection), "Rules")]
    [InlineData(typeof(RuleSection), "Completion", "Dispatcher", "Retry", "OnSuccess", "OnFailure")]
    [InlineData(typeof(CompletionSection))]
    [InlineData(typeof(ProcessSection))]
    [InlineData(typeof(RetrySection))]
    [InlineData(typeof(OnSuccessSection))]
    [InlineData(typeof(OnFailureSection))]
    public void The_table_of_the_readme_has_every_key(Type section, params string[] parts)
    {
        foreach (string key in section.GetProperties().Select(property => property.Name))
        {
            string row = parts.Contains(key) ? $":{key}" : $"\n| `{key}` | ";
            Assert.Contains(row, Readme.Text, StringComparison.Ordinal);
        }
    }

    private static void WriteScript(TempDirectory directory, string name, string script)
    {
        directory.Write(name, $"#!/bin/sh\n{script}\n");
        Tool.Run("chmod", "+x", directory[name].ToString());
    }

    private static void MoveIn(TempDirectory directory, string name, string content)
    {
        directory.Write("incoming-new", content);
        directory.Rename("incoming-new", $"incoming/{name}");
    }

    [RequiresFact("sqlite3")]
    public void A_copy_of_the_ledger_that_is_put_back_goes_on_with_ids_of_its_own()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", """
            { "AutoCrunch": { "Rules": { "raw": { "Path": "incoming", "Dispatcher": { "Command": ["true"] } } } } }
            """);
        string[] commands = [.. Readme.Quoted("sqlite3 ledger.db ")];
        Assert.Equal(2, commands.Length);
        string state = directory["state"].ToString();
        using (ServiceProcess first = new ServiceProcess(directory, "run").Ready())
        {
            directory.Write("incoming/a.raw");
            Wait.Until(() => first.Output.Contains("Job 1 succeeded", StringComparison.Ordinal));
            Tool.Run("sh", "-c", $"cd '{state}' && {commands[0].Replace("FILE", "../copy", StringComparison.Ordinal)}");
            directory.Write("incoming/b.raw");
            Wait.Until(() => first.Output.Contains("Job 2 succeeded", StringComparison.Ordinal));
            Assert.Equal(0, first.Stop());
        }

        string before = Tool.Run("sqlite3", directory["copy"].ToString(), "SELECT id FROM ledger");
        Tool.Run("sh", "-c", $"cd '{state}' && rm ledger.db* && mv ../copy ledger.db && {commands[1]}");
        Assert.NotEqual(before, Tool.Run("sqlite3", state + "/ledger.db", "SELECT id FROM ledger"));
        using ServiceProcess second = new ServiceProcess(directory, "run").Ready();
        Wait.Until(() => second.Output.Contains("Job 2 succeeded: b.raw", StringComparison.Ordinal));
        Assert.Equal(0, second.Stop());
        Assert.DoesNotContain("a.raw", second.Output, StringComparison.Ordinal);
    }
}
