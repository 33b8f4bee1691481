namespace AutoCrunch.Hosting;

/// <summary>The configuration, or the machine, is not as it must be; the message tells all that is wrong.</summary>
public sealed class AutoCrunchConfigurationException : Exception
{
    internal AutoCrunchConfigurationException(IReadOnlyList<string> mistakes, Exception? cause = null)
        : base(string.Join(Environment.NewLine, mistakes), cause) => Mistakes = mistakes;

    /// <summary>Everything that is wrong, each with its key, what was found and what is expected.</summary>
    public IReadOnlyList<string> Mistakes { get; }
}
