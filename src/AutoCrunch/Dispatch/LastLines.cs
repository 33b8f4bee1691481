using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Dispatch;

/// <summary>The end of what an attempt printed, for the service's log.</summary>
internal static class LastLines
{
    private const int LinesMax = 10;
    private const int BytesMax = 2048;

    /// <summary>The last lines of a log, each on a line of its own; empty when there are none.</summary>
    public static string Of(BytePath log)
    {
        byte[] tail = LogFile.ReadTail(log, BytesMax);
        var text = new StringBuilder();
        ReadOnlySpan<byte> rest = tail.AsSpan().TrimEnd((byte)'\n');
        var starts = new List<int> { 0 };
        for (int i = 0; i < rest.Length; i++)
            if (rest[i] == '\n')
                starts.Add(i + 1);
        for (int line = Math.Max(0, starts.Count - LinesMax); line < starts.Count && !rest.IsEmpty; line++)
        {
            int end = line + 1 < starts.Count ? starts[line + 1] - 1 : rest.Length;
            text.Append("\n  | ").Append(BytePath.Escape(rest[starts[line]..end]));
        }

        return text.ToString();
    }
}
