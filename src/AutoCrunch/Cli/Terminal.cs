namespace AutoCrunch.Cli;

/// <summary>Where a verb writes: results to <see cref="Out"/>, mistakes to <see cref="Error"/>.</summary>
/// <param name="Out">Standard output.</param>
/// <param name="Error">Standard error.</param>
/// <param name="HasColours">True when <see cref="Out"/> is a terminal and NO_COLOR is not set.</param>
internal sealed record Terminal(TextWriter Out, TextWriter Error, bool HasColours)
{
    /// <summary>The terminal of this process.</summary>
    public static Terminal OfProcess() => new(
        Console.Out,
        Console.Error,
        !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")));

    public string Red(string text) => Coloured("\e[31m", text);

    public string Green(string text) => Coloured("\e[32m", text);

    public string Yellow(string text) => Coloured("\e[33m", text);

    public string Grey(string text) => Coloured("\e[90m", text);

    private string Coloured(string colour, string text) => HasColours ? colour + text + "\e[0m" : text;
}
