using System.Collections.Concurrent;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Tests.EndToEnd.Harness;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoCrunch.Tests.Recovery;

/// <summary>
/// The service is killed between the end of jobs and the end of what is done with their files, at each step of it: what
/// was intended is done by the next life, no file is lost, none replaced.
/// </summary>
public sealed class DisposalStepTests
{
    private const int AtOnce = 2;

    [ProgramFact("strace")]
    public void Killed_at_any_step_of_moving_and_deleting_it_goes_on_at_the_next_start()
    {
        List<SystemCallStep> steps;
        string directory, other;
        using (var life = new OneLife())
        {
            (directory, other) = (life.Directory, life.Other);
            string record = Path.Combine(directory, "strace");
            Assert.False(life.Live(SystemCallStep.Recorder(record)));
            life.AssertFinished("nothing");
            steps = SystemCallStep.Read(record, directory, life.Places);
        }

        // From the end of the first job on; of what is done to files each step, of the ledger's own a few.
        steps = [.. steps.SkipWhile(step => step.Call != "waitid").Where(step => step.Call != "inotify_add_watch")];
        List<SystemCallStep> ofFiles = [.. steps.Where(step =>
            step.Path is { } path && !path.StartsWith(directory + "/state", StringComparison.Ordinal))];
        List<SystemCallStep> ofLedger = [.. steps.Except(ofFiles)];
        if (!LongRun.IsOn)
            ofLedger = [.. ofLedger.Where((_, number) => number % 5 == 2).Take(6)];
        string text = string.Join(' ', ofFiles);
        Assert.All(["renameat2", "fsync", "unlinkat", "write"], call => Assert.Contains(call, text));

        int killed = 0;
        var missed = new ConcurrentQueue<SystemCallStep>();
        Parallel.ForEach(ofFiles.Concat(ofLedger), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, step =>
        {
            using var life = new OneLife();
            string? path = step.Path?.Replace(directory, life.Directory, StringComparison.Ordinal)
                .Replace(other, life.Other, StringComparison.Ordinal);
            if (life.Live((step with { Path = path }).Killer))
                Interlocked.Increment(ref killed);
            else
                missed.Enqueue(step);
            life.AssertFinished(step.ToString());
        });
        Console.WriteLine($"killed at {killed} of {ofFiles.Count} + {ofLedger.Count} steps: {text}; "
            + $"{string.Join(' ', ofLedger)}; not met again: {string.Join(", ", missed)}");
        Assert.InRange(killed, (ofFiles.Count + ofLedger.Count) * 3 / 4, int.MaxValue);
    }

    [ProgramFact("strace")]
    public void Where_a_rename_cannot_promise_not_to_replace_a_second_name_does()
    {
        using var life = new OneLife();
        Assert.False(life.Live(
        [
            "strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=renameat2",
            "-e", "inject=renameat2:error=EINVAL",
        ]));
        life.AssertFinished("nothing");
    }

    /// <summary>
    /// A service to which four files arrive: one is moved, one moved to another file system, one deleted, and the new
    /// path of one is taken.
    /// </summary>
    private sealed class OneLife : IDisposable
    {
        private static readonly Lazy<string> s_ledger = new(MakeLedger);
        private static readonly string[] s_names = ["near", "far", "gone", "taken"];

        private readonly ServiceUnderTest _service = new() { MinimumLevel = "\"Information\"" };
        private readonly HashSet<string> _delivered = [];

        public OneLife()
        {
            _service.Configure(
                Rule("near", Move("near-done/{name}")),
                Rule("far", Move($"{Other}/far-done/{{name}}")),
                Rule("gone", """{ "OnSuccess": { "Action": "Delete" } }"""),
                Rule("taken", Move($"{Other}/taken-done/{{name}}")));
            foreach (string place in Places)
                System.IO.Directory.CreateDirectory(place);
            File.WriteAllText(Path.Combine(Other, "taken-done", "taken.raw"), "somebody's");

            // Of one ledger, and one after the other: names and numbers are the same in each life.
            System.IO.Directory.CreateDirectory(Path.Combine(Directory, "state"));
            File.Copy(s_ledger.Value, Path.Combine(Directory, "state", "ledger.db"));
        }

        public string Directory => _service.Base;

        public string Other => _service.OtherFileSystem;

        public string[] Places =>
        [
            .. s_names.Select(name => Path.Combine(Directory, "in-" + name)),
            Path.Combine(Directory, "near-done"), Path.Combine(Other, "far-done"), Path.Combine(Other, "taken-done"),
        ];

        /// <summary>Lives until it is killed (true) or has done everything and is stopped.</summary>
        public bool Live(string[] wrapper)
        {
            _service.Launch(wrapper);
            _service.Until(() => !_service.IsRunning || _service.IsReady, () => "READY=1, or the end");
            for (int count = 1; _service.IsRunning && count <= s_names.Length; count++)
            {
                Deliver(s_names[count - 1]);
                _service.Until(() => !_service.IsRunning || CountEnded() == count, () => "a file, or the end");
            }

            if (_service.IsRunning)
                Kill.Send(_service.Pid, Kill.Terminate);
            _service.Until(() => !_service.IsRunning, () => "the end");
            return !_service.HasEndedWell;
        }

        public void AssertFinished(string step)
        {
            try
            {
                using (var left = new SurvivingLedger(Path.Combine(Directory, "state")))
                    left.AssertSound();
                foreach (string name in s_names.Except(_delivered).ToArray())
                    Deliver(name);
                _service.Start();
                _service.Until(() => CountEnded() == s_names.Length, () => "what was intended to be done");
                _service.UntilIdle();
                _service.Stop();
                Assert.Equal(
                    [
                        "far-done/far.raw: the file far", "in-taken/taken.raw: the file taken",
                        "near-done/near.raw: the file near", "taken-done/taken.raw: somebody's",
                    ],
                    Files());
                Assert.All(
                    _service.Started().GroupBy(start => start.Path),
                    starts => Assert.Equal(
                        starts.Select(start => start.Attempt).Distinct().Order(),
                        starts.Select(start => start.Attempt)));
                Assert.Equal("1 1 1 2", string.Join(' ', Disposals()));
                using var ledger = new LedgerView(Directory);
                Assert.All(ledger.Jobs(), job => Assert.Equal(LedgerView.Succeeded, job.State));
                Assert.Equal(4, ledger.Jobs().Count);
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException(
                    $"killed before {step}: {failure.Message}\n{_service.Log}", failure);
            }
        }

        public void Dispose() => _service.Dispose();

        private static string MakeLedger()
        {
            string state = System.IO.Directory.CreateTempSubdirectory("autocrunch-ledger-").FullName;
            AppDomain.CurrentDomain.ProcessExit += (_, _) => System.IO.Directory.Delete(state, recursive: true);
            var options = new LedgerOptions { StateDirectory = BytePath.Parse(state), Rules = [] };
            JobLedger.Open(options, (_, _, _) => false, NullLogger<JobLedger>.Instance).Dispose();
            return Path.Combine(state, "ledger.db");
        }

        private void Deliver(string name)
        {
            string made = Path.Combine(Directory, name + ".raw");
            File.WriteAllText(made, "the file " + name);
            File.Move(made, Path.Combine(Directory, "in-" + name, name + ".raw"));
            _delivered.Add(name);
        }

        private int CountEnded() => Disposals().Count(state => state != 0);

        private List<long> Disposals()
        {
            string ledger = Path.Combine(Directory, "state", "ledger.db");
            if (!File.Exists(ledger))
                return [];
            using var connection = new SqliteConnection($"Data Source={ledger};Mode=ReadOnly;Pooling=False");
            connection.Open();
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = "SELECT state FROM disposals ORDER BY state";
            using SqliteDataReader rows = command.ExecuteReader();
            var states = new List<long>();
            while (rows.Read())
                states.Add(rows.GetInt64(0));
            return states;
        }

        private IEnumerable<string> Files() => Places
            .SelectMany(place => System.IO.Directory.EnumerateFiles(place))
            .Select(file => $"{Path.GetFileName(Path.GetDirectoryName(file))}/{Path.GetFileName(file)}: "
                + File.ReadAllText(file))
            .Order(StringComparer.Ordinal);

        private static RuleText Rule(string name, string further) => new(name)
        {
            Path = "in-" + name, Further = further, Completion = """{ "QuietPeriod": "00:00:00.100" }""",
        };

        private static string Move(string to) => $$"""{ "OnSuccess": { "Action": "Move", "To": "{{to}}" } }""";
    }
}
