using System.Globalization;
using System.Text;
using AutoCrunch.Core;

namespace AutoCrunch.Dispatch;

/// <summary>
/// The batch script of an attempt: plain ASCII, whatever bytes it carries (sbatch refuses scripts with CR LF in them).
/// It claims the attempt, which only one copy can, runs the command and leaves the outcome.
/// </summary>
internal static class SlurmScript
{
    private const int PrintableFirst = 0x20;
    private const int PrintableLast = 0x7E;

    /// <summary>The script.</summary>
    /// <param name="attempt">The attempt.</param>
    /// <param name="options">The rule's options.</param>
    /// <param name="place">Its place in SharedDirectory.</param>
    /// <param name="environment">What is added to what sbatch passes on, "KEY=value".</param>
    /// <param name="arguments">The command.</param>
    public static byte[] Of(
        Attempt attempt, SlurmOptions options, SlurmPlace place, byte[][] environment, byte[][] arguments)
    {
        var script = new StringBuilder();
        script.Append(CultureInfo.InvariantCulture, $$"""
            #!/bin/bash
            # AutoCrunch job {{attempt.Job.Id}}, attempt {{attempt.Number}}
            autocrunch_dir={{Quote(place.Directory.Span)}}
            if ! command -p mkdir -- "$autocrunch_dir/claim" 2>/dev/null; then
                [ -d "$autocrunch_dir/claim" ] && exit 0 # another copy of this attempt has it, or it is called off
                echo "autocrunch: this node cannot write in $autocrunch_dir" >&2
                exit 71
            fi
            echo "$SLURM_JOB_ID" >"$autocrunch_dir/claim/job"
            autocrunch_end() {
                local code=$?
                trap - EXIT
                # Neither what Setup sources nor a signal may end this script as if the command had succeeded.
                [ -n "${autocrunch_done-}" ] || [ "$code" -ne 0 ] || code=73
                printf 'autocrunch 1\ncode %s\njob %s\nnode %s\n%bend\n' "$code" "$SLURM_JOB_ID" \
                    "$SLURMD_NODENAME" "${autocrunch_term:+term\\n}" >"$autocrunch_dir/outcome.new" \
                    && command -p mv -f -- "$autocrunch_dir/outcome.new" "$autocrunch_dir/outcome"
                exit "$code"
            }
            trap autocrunch_end EXIT
            unset autocrunch_term
            trap autocrunch_term=1 TERM # the command gets it too, and is waited for
            exec </dev/null

            """);
        foreach (byte[] entry in environment)
            if (IsAssignment(entry))
                script.Append("export ").Append(Quote(entry)).Append('\n');
        script.Append("unset autocrunch_done\n");
        foreach (string line in options.Setup)
            script.Append(line).Append("\nautocrunch_code=$?; [ \"$autocrunch_code\" -eq 0 ] ")
                .Append("|| { echo \"autocrunch: Setup failed with code $autocrunch_code\" >&2; ")
                .Append("exit \"$autocrunch_code\"; }\n");
        script.Append("cd -- ").Append(Quote(options.WorkingDirectory.Span)).Append(" || exit 72\n");
        script.Append("set --");
        foreach (byte[] argument in arguments)
            script.Append(' ').Append(Quote(argument));

        // exec, so that no builtin or function of that name is taken; in a shell of its own, so that this one can tell.
        script.Append("\n(exec -- \"$@\")\n")
            .Append("autocrunch_code=$?; autocrunch_done=1; exit \"$autocrunch_code\"\n");
        return Encoding.UTF8.GetBytes(script.ToString());
    }

    /// <summary>Bytes as a word of bash: $'...' (QUOTING in bash(1)), which stands for them in every locale.</summary>
    public static string Quote(ReadOnlySpan<byte> bytes)
    {
        var word = new StringBuilder("$'", bytes.Length + 3);
        foreach (byte value in bytes)
        {
            if (value is (byte)'\'' or (byte)'\\')
                word.Append('\\').Append((char)value);
            else if (value is >= PrintableFirst and <= PrintableLast)
                word.Append((char)value);
            else
                word.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}");
        }

        return word.Append('\'').ToString();
    }

    // A shell can only export what it could name.
    private static bool IsAssignment(ReadOnlySpan<byte> entry)
    {
        int end = entry.IndexOf((byte)'=');
        if (end <= 0 || char.IsAsciiDigit((char)entry[0]))
            return false;
        foreach (byte value in entry[..end])
            if (!char.IsAsciiLetterOrDigit((char)value) && value != '_')
                return false;
        return true;
    }
}
