namespace AutoCrunch.Configuration;

/// <summary>One thing that is wrong in the configuration, told so that it can be mended without the manual.</summary>
/// <param name="Key">The full key, <c>AutoCrunch:Rules:raw:Path</c>; or the file (with line) when it cannot be
/// read.</param>
/// <param name="Found">What is there.</param>
/// <param name="Expected">What belongs there.</param>
internal sealed record ConfigurationMistake(string Key, string Found, string Expected)
{
    /// <summary>One line for people.</summary>
    public override string ToString() => $"{Key}: found {Found}, expected {Expected}";
}
