using System;

namespace AutoCrunch.Core;

/// <summary>Whether a rule takes a name, or what speaks against it.</summary>
internal enum Scope : byte
{
    /// <summary>The rule takes it when it has finished arriving.</summary>
    Taken,

    /// <summary>In a directory below Path, and the rule is not recursive.</summary>
    NotRecursive,

    /// <summary>In a directory that matches IgnoredDirectories.</summary>
    IgnoredDirectory,

    /// <summary>A pattern of Exclude matches.</summary>
    Excluded,

    /// <summary>No pattern of Include matches.</summary>
    NotIncluded,

    /// <summary>The ending or beginning by which another tool marks what is not finished.</summary>
    PartName,

    /// <summary>The shape of rsync's temporary names: judged when it is renamed into place.</summary>
    TemporaryName,

    /// <summary>No program can open such a long path.</summary>
    PathTooLong,
}

/// <summary>What a rule makes of a name by itself, whatever is known of the file.</summary>
/// <param name="Scope">The finding.</param>
/// <param name="Pattern">The pattern, ending or beginning that led to it; null when none did.</param>
/// <param name="Directory">For <see cref="Scope.IgnoredDirectory"/>: which, relative to the rule's directory.</param>
internal readonly record struct PathScope(Scope Scope, string? Pattern, BytePath Directory)
{
    // PATH_MAX, less the NUL.
    private const int PathMaxBytes = 4095;

    /// <summary>Finds what decides about a file.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="path">Relative to the rule's directory; not empty.</param>
    public static PathScope Of(WatchRule rule, BytePath path)
    {
        ArgumentNullException.ThrowIfNull(rule);
        if (OfDirectory(rule, path.Directory) is { } directory)
            return directory;
        if (rule.Exclude.FirstMatch(path.Span) is { } excluded)
            return new PathScope(Scope.Excluded, excluded, default);
        bool isTemporary = RsyncNames.IsTemporaryShape(path.Name.Span);
        if (rule.Include.FirstMatch(path.Span) is not { } included)
            return new PathScope(isTemporary ? Scope.TemporaryName : Scope.NotIncluded, null, default);
        if (!rule.Takes(path.Span))
            return new PathScope(Scope.PartName, PartOf(path), default);
        if (isTemporary)
            return new PathScope(Scope.TemporaryName, null, default);
        return rule.Path.Length + 1 + path.Length > PathMaxBytes
            ? new PathScope(Scope.PathTooLong, null, default)
            : new PathScope(Scope.Taken, included, default);
    }

    /// <summary>Why no file of a directory (relative to the rule's) is ever taken; null when that is not so.</summary>
    public static PathScope? OfDirectory(WatchRule rule, BytePath directory)
    {
        ArgumentNullException.ThrowIfNull(rule);
        if (directory.IsEmpty)
            return null;
        if (!rule.Recursive)
            return new PathScope(Scope.NotRecursive, null, default);
        for (int end = 0; end < directory.Length; end++)
        {
            int length = directory.Span[end..].IndexOf((byte)'/');
            end = length < 0 ? directory.Length : end + length;
            if (rule.Completion.IgnoredDirectories.FirstMatch(directory.Span[..end]) is { } pattern)
                return new PathScope(Scope.IgnoredDirectory, pattern, new BytePath(directory.Span[..end]));
        }

        return null;
    }

    private static string PartOf(BytePath path)
    {
        ReadOnlySpan<byte> suffix = RsyncNames.PartSuffixOf(path.Span);
        return suffix.IsEmpty
            ? BytePath.Escape(RsyncNames.PartPrefixOf(path.Span)) + "*"
            : "*" + BytePath.Escape(suffix);
    }
}
