using System;
using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <summary>
/// A rule's <c>Dispatcher</c> section, compiled: every value valid, every path absolute. Each dispatcher type has a
/// record of its own.
/// </summary>
public abstract record DispatcherOptions
{
    /// <summary>How many jobs of the rule may run at once, at least 1.</summary>
    public int Concurrency { get; init; } = 2;

    /// <summary>
    /// The engine in which running jobs go on without the service, as <c>Type</c> names it; null when they end with it.
    /// </summary>
    public virtual string? Engine => null;
}

/// <summary>
/// A rule's <c>Dispatcher</c> section of type <c>Process</c>, compiled; or of one that runs the same on this machine.
/// </summary>
public record ProcessOptions : DispatcherOptions
{
    /// <summary>The command as an argument vector; its first element is the program as it was written.</summary>
    public required IReadOnlyList<CommandTemplate> Command { get; init; }

    /// <summary>
    /// The program that was found for the first element, absolute; null when that has a placeholder, so that it can
    /// only be looked for when an attempt starts.
    /// </summary>
    public BytePath? Program { get; init; }

    /// <summary>
    /// Where a relative path of such a program starts, absolute; empty for <see cref="WorkingDirectory"/>.
    /// </summary>
    public BytePath ProgramDirectory { get; init; }

    /// <summary>How long an attempt may run; null = for ever.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Time between SIGTERM and SIGKILL to the group.</summary>
    public TimeSpan KillGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The directory jobs start in, absolute; an argument with a relative path is relative to it.</summary>
    public required BytePath WorkingDirectory { get; init; }

    /// <summary>What is added to the environment of jobs; never a name that begins with AUTOCRUNCH_.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Bytes of an attempt's log that are kept on disk.</summary>
    public long MaxLogBytes { get; init; } = 10 * 1024 * 1024;
}
