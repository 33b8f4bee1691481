using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AutoCrunch.Cli;
using AutoCrunch.Core;
using AutoCrunch.Tests.Ledger;

namespace AutoCrunch.Tests.Cli;

/// <summary>
/// A real ledger with a configuration that names it, and verbs run on it in this process. Nothing else runs.
/// </summary>
internal sealed class VerbRig : IDisposable
{
    public VerbRig(params string[] rules)
    {
        string[] names = rules.Length == 0 ? ["raw"] : rules;
        var section = new JsonObject();
        foreach (string name in names)
            section[name] = JsonNode.Parse(
                $$"""{ "Path": "in-{{name}}", "Dispatcher": { "Type": "Process", "Command": ["/bin/true"] } }""");
        Directory.Write("appsettings.json", new JsonObject
        {
            ["AutoCrunch"] = new JsonObject { ["StateDirectory"] = "state", ["Rules"] = section },
        }.ToJsonString());
        Ledger = new LedgerRig(Directory, [.. names.Select(name => LedgerRig.Rule(name) with
        {
            Path = Directory.MakeDirectory("in-" + name),
        })]);
    }

    public TempDirectory Directory { get; } = new();

    public LedgerRig Ledger { get; }

    /// <summary>Opens the ledger, as a service would; closed by <see cref="Close"/>.</summary>
    public VerbRig Open()
    {
        Ledger.Open();
        return this;
    }

    public void Close()
    {
        Ledger.Sync();
        Ledger.Ledger.Dispose();
    }

    /// <summary>A file completes and its job runs; returns the job's id.</summary>
    public long Run(string path, AttemptOutcome outcome, string rule = "raw")
    {
        Ledger.Complete(path, rule: rule);
        Attempt attempt = Ledger.Take();
        Ledger.Settle(attempt, outcome);
        Ledger.Sync();
        return attempt.Job.Id;
    }

    /// <summary>Runs a verb with this rig's configuration.</summary>
    public VerbResult Verb(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        using var bytes = new MemoryStream();
        var terminal = new Terminal(output, error, HasColours: false) { Raw = bytes };
        int exitCode = CommandLine.Invoke(
            [.. arguments, "--config", Directory["appsettings.json"].ToString()], terminal);
        return new VerbResult(exitCode, output.ToString(), error.ToString(), bytes.ToArray());
    }

    public void Dispose()
    {
        Ledger.Dispose();
        Directory.Dispose();
    }
}

/// <summary>What a verb has come to.</summary>
internal sealed record VerbResult(int ExitCode, string Output, string Error, byte[] Raw)
{
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public JsonElement[] Objects => [.. Lines.Select(line => JsonDocument.Parse(line).RootElement)];

    /// <summary>What was written as bytes, cut at NULs.</summary>
    public BytePath[] Paths => [.. Encoding.Latin1.GetString(Raw).Split('\0', StringSplitOptions.RemoveEmptyEntries)
        .Select(path => new BytePath(Encoding.Latin1.GetBytes(path)))];

    /// <summary>It did what it was asked for, and said nothing else.</summary>
    public VerbResult Succeeded()
    {
        Assert.Equal((0, ""), (ExitCode, Error));
        return this;
    }
}
