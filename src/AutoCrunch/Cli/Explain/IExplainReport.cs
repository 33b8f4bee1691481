using AutoCrunch.Core;

namespace AutoCrunch.Cli;

/// <summary>Takes the explanation of each path, for people or for programs.</summary>
internal interface IExplainReport
{
    /// <summary>A path that no rule has anything to do with.</summary>
    void Outside(BytePath path, Explanation finding);

    /// <summary>What each rule makes of a file, the most telling first.</summary>
    void File(BytePath path, IReadOnlyList<FileExplanation> rules);

    /// <summary>What each rule makes of a directory: sums by reason.</summary>
    void Directory(BytePath path, IReadOnlyList<DirectoryExplanation> rules);
}
