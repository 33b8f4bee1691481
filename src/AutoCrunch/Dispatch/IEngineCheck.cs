using AutoCrunch.Core;

namespace AutoCrunch.Dispatch;

/// <summary>
/// Asks the engine of a rule, for the verb <c>check</c>, whether it would take the rule's jobs; runs none.
/// </summary>
internal interface IEngineCheck
{
    /// <summary>Asks. What does not answer is a finding, not an exception.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="options">Its dispatcher's options, of the engine's own type.</param>
    /// <param name="stop">Nobody waits for the answer any more.</param>
    Task<IReadOnlyList<EngineFinding>> CheckAsync(WatchRule rule, DispatcherOptions options, CancellationToken stop);
}

/// <summary>What an engine said.</summary>
/// <param name="IsError">Jobs of the rule could not run as things are.</param>
/// <param name="Key">The key of the section <c>Dispatcher</c> it is about.</param>
/// <param name="Text">What is so, and what to do about it.</param>
internal sealed record EngineFinding(bool IsError, string Key, string Text);
