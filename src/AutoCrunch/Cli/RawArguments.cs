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

    /// <summary>
    /// An argument in which <c>\xNN</c> stands for a byte: the same text, with what .NET could not decode written so.
    /// </summary>
    public static string TextOf(string decoded) => decoded.Contains('\uFFFD')
        ? BytePath.Escape(PathOf(decoded).Span).Replace(@"\\", @"\", StringComparison.Ordinal)
        : decoded;

    /// <summary>Paths that arguments name (<see cref="PathArgument"/>), in their order.</summary>
    public static IReadOnlyList<BytePath> FilesOf(IReadOnlyList<string> decoded) =>
        [.. FindAll(decoded, File.ReadAllBytes("/proc/self/cmdline")).Select(PathArgument.Resolve)];

    /// <summary>Several arguments, in order: different bytes may look the same to .NET.</summary>
    internal static IReadOnlyList<BytePath> FindAll(IReadOnlyList<string> decoded, ReadOnlySpan<byte> commandLine)
    {
        var found = new BytePath[decoded.Count];
        int next = 0;
        var arguments = new List<BytePath>();
        foreach (Range range in commandLine.Split((byte)0))
            arguments.Add(new BytePath(commandLine[range]));
        for (int i = 0; i < found.Length; i++)
        {
            int at = next;
            while (at < arguments.Count && Encoding.UTF8.GetString(arguments[at].Span) != decoded[i])
                at++;
            bool isThere = at < arguments.Count;
            found[i] = isThere ? arguments[at] : new BytePath(Encoding.UTF8.GetBytes(decoded[i]));
            next = isThere ? at + 1 : next;
        }

        return found;
    }

    internal static BytePath Find(string decoded, ReadOnlySpan<byte> commandLine)
    {
        foreach (Range range in commandLine.Split((byte)0))
        {
            ReadOnlySpan<byte> argument = commandLine[range];
            if (Encoding.UTF8.GetString(argument) == decoded)
                return new BytePath(argument);
            int value = argument.StartsWith("--"u8) ? argument.IndexOf((byte)'=') + 1 : 0; // --option=value
            if (value > 0 && Encoding.UTF8.GetString(argument[value..]) == decoded)
                return new BytePath(argument[value..]);
        }

        return new BytePath(Encoding.UTF8.GetBytes(decoded));
    }
}
