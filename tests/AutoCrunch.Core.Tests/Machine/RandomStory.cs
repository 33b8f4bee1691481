using AutoCrunch.Core.Tests.Scenarios;

namespace AutoCrunch.Core.Tests.Machine;

/// <summary>
/// Makes up stories for the <see cref="ScenarioPlayer"/>: whatever a few processes may do to a few names.
/// </summary>
internal sealed class RandomStory
{
    public static readonly string[] Names = ["a.raw", "b.raw", "c.raw"];

    private static readonly string[] s_times = ["old", "zero", "-0.01", "-5", "3600"];
    private static readonly double[] s_pauses = [0, 0, 0.001, 0.03, 0.3, 4, 11, 70];

    private readonly Random _random;
    private readonly List<ScenarioLine> _lines = [];
    private readonly Dictionary<string, int> _writers = new(StringComparer.Ordinal);
    private double _seconds;
    private bool _isAsleep;

    private RandomStory(int seed) => _random = new Random(seed);

    /// <summary>A story; the same for the same seed. It ends awake, with nobody writing, and with a scan.</summary>
    public static Scenario Of(int seed)
    {
        var story = new RandomStory(seed);
        Dictionary<string, string> settings = new(StringComparer.Ordinal) { ["Include"] = "*" };
        if (story.OneIn(3))
            settings["InPlace"] = "Proven";
        if (story.OneIn(4))
            settings["Arrivals"] = "Rename";
        if (story.OneIn(5))
            settings["TrackedMax"] = "2";
        for (int i = 0; i < 40; i++)
            story.Step();
        story.End();
        return new Scenario($"seed {seed}", settings, story._lines, []);
    }

    private void Step()
    {
        _seconds += s_pauses[_random.Next(s_pauses.Length)];
        string name = Names[_random.Next(Names.Length)];
        if (OneIn(8))
            DoToService();
        else if (!_writers.ContainsKey(name))
            Appear(name);
        else
            Change(name);
    }

    private void Appear(string name)
    {
        switch (_random.Next(4))
        {
            case 0:
                Add("rsync", name);
                _writers[name] = 0;
                break;
            case 1:
                Add("move-in", name, Time());
                _writers[name] = 0;
                break;
            default:
                Add("create", name, OneIn(2) ? "600" : "644");
                _writers[name] = 1;
                break;
        }
    }

    private void Change(string name)
    {
        string other = Names[_random.Next(Names.Length)];
        switch (_random.Next(_writers[name] > 0 ? 14 : 11))
        {
            case 0:
                Add("utime", name, Time());
                break;
            case 1:
                Add(OneIn(2) ? "touch" : "unlink", name);
                if (_lines[^1].Words[0] == "unlink")
                    _writers.Remove(name);
                break;
            case 2:
                Add("chmod", name, "640");
                break;
            case 3:
                Add("rsync", name);
                _writers[name] = 0;
                break;
            case 4 when other != name && _writers[name] == 0:
                Add("rename", name, other);
                _writers.Remove(name);
                _writers[other] = 0;
                break;
            case 5 when other != name && _writers[name] == 0 && _writers.GetValueOrDefault(other, 1) == 0:
                Add("exchange", name, other);
                break;
            case 6 when _writers[name] == 0:
                Add("move-out", name);
                _writers.Remove(name);
                break;
            case 7 or 8 or 9 or 10:
                Add("open", name);
                _writers[name]++;
                break;
            case 11:
                Add("write", name);
                break;
            default:
                Close(name);
                break;
        }
    }

    private void Close(string name)
    {
        if (_writers[name] == 0)
            return;
        Add("close", name);
        _writers[name]--;
    }

    private void DoToService()
    {
        switch (_random.Next(6))
        {
            case 0:
                Add("scan");
                break;
            case 1:
                Add("overflow");
                break;
            case 2 when !_isAsleep:
                Add("restart");
                Add("scan");
                break;
            case 3:
                Add("clock", OneIn(2) ? "100" : "-100");
                break;
            default:
                Add(_isAsleep ? "awake" : "asleep");
                _isAsleep = !_isAsleep;
                break;
        }
    }

    private void End()
    {
        foreach (string name in _writers.Keys.ToArray())
            while (_writers[name] > 0)
                Close(name);
        if (_isAsleep)
            Add("awake");
        _seconds += 100;
        Add("scan");
        _seconds += 100;
        Add("scan");   // a table that was full asks for another one
        Add("end");
    }

    private bool OneIn(int n) => _random.Next(n) == 0;

    private string Time() => s_times[_random.Next(s_times.Length)];

    private void Add(params string[] words) =>
        _lines.Add(new ScenarioLine(Math.Round(_seconds, 3), words));
}
