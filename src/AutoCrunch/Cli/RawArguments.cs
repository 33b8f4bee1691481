using System.Text;
using AutoCrunch.Core;

namespace AutoCrunch.Cli;

/// <summary>
/// The bytes behind a command line argument: .NET decodes argv as UTF-8, and a directory whose name is not valid UTF-8
/// could not be named at all.
/// </summary>
internal static class RawArguments
{
    /// <summary>
    /// The argument of this process that .NET shows as <paramref name="decoded"/>; else its UTF-8 bytes.
    /// </summary>
    public static BytePath PathOf(string decoded) => Find(decoded, File.ReadAllBytes("/proc/self/cmdline"));

    internal static BytePath Find(string decoded, ReadOnlySpan<byte> commandLine)
    {
        foreach (Range range in commandLine.Split((byte)0))
            if (Encoding.UTF8.GetString(commandLine[range]) == decoded)
                return new BytePath(commandLine[range]);
        return new BytePath(Encoding.UTF8.GetBytes(decoded));
    }
}
