using AutoCrunch.Core.Tests.Scenarios;

namespace AutoCrunch.Core.Tests.Machine;

/// <summary>
/// What must not make a difference does not: when a story happens, how it is read, what the names are.
/// </summary>
public sealed class MetamorphicTests
{
    private const int Stories = 1500;

    [Fact]
    public void The_time_of_day_makes_no_difference()
    {
        for (int seed = 0; seed < Stories; seed++)
        {
            Scenario story = RandomStory.Of(seed);
            string now = Output(story, new ScenarioPlayer(story.Settings));
            string later = Output(story, new ScenarioPlayer(story.Settings, 86_400_123_456_789));
            Assert.True(now == later, $"seed {seed}\n{now}\n--- later\n{later}");
        }
    }

    [Fact]
    public void The_names_make_no_difference()
    {
        for (int seed = 0; seed < Stories; seed++)
        {
            Scenario story = RandomStory.Of(seed);
            if (story.Settings.ContainsKey("TrackedMax"))
                continue;   // a scan goes by name, and what comes last finds the table full
            var random = new Random(seed);
            Dictionary<string, string> names = RandomStory.Names.ToDictionary(
                name => name, _ => RandomName(random), StringComparer.Ordinal);
            Scenario renamed = story with
            {
                Lines = [.. story.Lines.Select(line =>
                    line with { Words = [.. line.Words.Select(word => names.GetValueOrDefault(word, word))] })],
            };
            string output = Output(story, new ScenarioPlayer(story.Settings));
            string other = Output(renamed, new ScenarioPlayer(story.Settings));
            foreach ((string name, string bytes) in names)
                other = other.Replace(
                    new BytePath(ModelTree.BytesOf(bytes)).ToString(), name, StringComparison.Ordinal);
            Assert.True(Sorted(output) == Sorted(other), $"seed {seed}\n{output}\n--- other names\n{other}");
        }
    }

    [Fact]
    public void Where_a_batch_is_split_makes_no_difference_to_what_is_known_in_the_end()
    {
        for (int seed = 0; seed < Stories; seed++)
        {
            Scenario story = RandomStory.Of(seed);
            if (story.Settings.ContainsKey("TrackedMax") || story.Lines.Any(line => line.Words[0] == "exchange"))
                continue;   // what finds no room, or is in both places, depends on what has been looked at by then
            var random = new Random(seed);
            var whole = new ScenarioPlayer(story.Settings);
            var split = new ScenarioPlayer(story.Settings, isPause: _ => random.Next(2) == 0);
            string output = Output(story, whole);
            string other = Output(story, split);
            Assert.True(
                Standing(whole) == Standing(split), $"seed {seed}\n{Text(story)}\n{output}\n--- split\n{other}");
        }
    }

    [Fact]
    public void In_the_end_every_file_is_completed_or_held()
    {
        for (int seed = 0; seed < Stories; seed++)
        {
            Scenario story = RandomStory.Of(seed);
            var player = new ScenarioPlayer(story.Settings);
            string output = Output(story, player);
            foreach (string path in player.Driver.Tree.Paths)
            {
                var key = new BytePath(ModelTree.BytesOf(path));
                FileVersion version = player.Driver.Tree.Get(path).Stat.Version;
                bool isKnown = player.Driver.Ledger.IsCompleted(key, version)
                    || player.Driver.Ledger.HoldOf(key, version) is not null;
                Assert.True(isKnown, $"seed {seed}: {path} is neither completed nor held\n{Text(story)}\n{output}");
            }

            foreach (BytePath path in player.Driver.Ledger.PresentPaths)
                Assert.True(
                    player.Driver.Tree.Exists(ModelTree.TextOf(path.Span)), $"seed {seed}: {path} is not there");
        }
    }

    private static string Output(Scenario story, ScenarioPlayer player) => string.Join('\n', player.Play(story));

    private static string Text(Scenario story) => string.Join(
        '\n', story.Lines.Select(line => $"{line.Seconds} {string.Join(' ', line.Words)}"));

    // Names that are found by one scan come in the order of the names.
    private static string Sorted(string output) =>
        string.Join('\n', output.Split('\n').Order(StringComparer.Ordinal));

    private static string Standing(ScenarioPlayer player) => string.Join('\n',
        from path in player.Driver.Ledger.PresentPaths
        let entry = player.Driver.Ledger.Find(path)
        orderby path
        select $"{path} {entry.Value.State} {entry.Value.Version} {entry.Value.Held}");

    // Any bytes but NUL and '/'; not of the shape that temporaries or backups have.
    private static string RandomName(Random random)
    {
        byte[] name = new byte[random.Next(1, 200)];
        for (int i = 0; i < name.Length; i++)
            name[i] = (byte)random.Next(1, 256);
        name.AsSpan().Replace((byte)'/', (byte)'x');
        return ModelTree.TextOf([.. name, .. "x.raw"u8]);
    }
}
