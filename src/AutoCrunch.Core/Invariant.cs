using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace AutoCrunch.Core;

/// <summary>
/// A bug in AutoCrunch: the process ends, the service manager starts it again, the start-up scan repairs.
/// </summary>
public sealed class InvariantException(string message) : Exception(message);

/// <summary>Assertions that stay on in production.</summary>
public static class Invariant
{
    /// <exception cref="InvariantException"><paramref name="condition"/> is false.</exception>
    public static void That(
        [DoesNotReturnIf(false)] bool condition,
        [CallerArgumentExpression(nameof(condition))] string expression = "")
    {
        if (!condition)
            throw new InvariantException($"Invariant broken: {expression}. This is a bug in AutoCrunch; report it.");
    }
}
