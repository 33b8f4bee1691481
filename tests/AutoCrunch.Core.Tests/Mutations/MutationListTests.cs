using AutoCrunch.Core.Tests.Tidy;

namespace AutoCrunch.Core.Tests.Mutations;

/// <summary>Holds the list of deliberate faults to the sources, so that each can be put into them.</summary>
public sealed class MutationListTests
{
    public static TheoryData<string, string, string, string> Faults
    {
        get
        {
            var faults = new TheoryData<string, string, string, string>();
            string title = "", file = "", original = "";
            foreach (string line in File.ReadLines(
                Path.Combine(Repository.Root, "tests/AutoCrunch.Core.Tests/Mutations/faults.txt")))
            {
                if (line.StartsWith("== ", StringComparison.Ordinal))
                    title = line[3..];
                else if (line.StartsWith("src/", StringComparison.Ordinal))
                    file = line;
                else if (line.StartsWith("- ", StringComparison.Ordinal))
                    original = line[2..];
                else if (line.StartsWith("+ ", StringComparison.Ordinal))
                    faults.Add(title, file, original, line[2..]);
            }

            return faults;
        }
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public void Every_fault_has_its_one_line(string title, string file, string original, string faulty)
    {
        string[] lines = [.. File.ReadLines(Path.Combine(Repository.Root, file)).Select(line => line.Trim())];
        Assert.True(
            lines.Count(line => line == original) == 1, $"{title}: not exactly one line '{original}' in {file}");
        Assert.DoesNotContain(faulty, lines);
    }

    [Fact]
    public void There_are_at_least_ten_faults() => Assert.True(Faults.Count >= 10);
}
