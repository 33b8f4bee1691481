using System.Globalization;
using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Dispatch;

/// <summary>
/// The file of one attempt in the directory of outcomes. Its name says how far the attempt is: <c>UNIT.ready</c> is the
/// script that the unit is to run, <c>UNIT.begun</c> is the same file when the unit has claimed it, and <c>UNIT</c> the
/// same again with the outcome in its first line. Each step is a rename, so it is made once, by one; and what has begun
/// never begins a second time, however often its unit was submitted, and whoever was killed in between.
/// </summary>
/// <param name="directory">The directory of outcomes.</param>
/// <param name="unit">The unit's name without ".service".</param>
internal sealed class UnitFiles(BytePath directory, string unit)
{
    private const uint OwnerOnly = 0b110_000_000; // the environment may hold what is nobody's business
    private const int OutcomeBytesMax = 16 * 1024 * 1024;

    /// <summary>Those of an attempt.</summary>
    /// <param name="directory">The directory of outcomes.</param>
    /// <param name="prefix">What the names of the ledger's units begin with.</param>
    /// <param name="jobId">The attempt's job.</param>
    /// <param name="attempt">The attempt's number.</param>
    public static UnitFiles Of(BytePath directory, string prefix, long jobId, int attempt) =>
        new(directory, string.Create(CultureInfo.InvariantCulture, $"{prefix}{jobId}-{attempt}"));

    /// <summary>The unit's name without ".service".</summary>
    public string Unit => unit;

    /// <summary>The file without suffix: the outcome, once it is there.</summary>
    public BytePath Outcome { get; } = directory.Join(Encoding.ASCII.GetBytes(unit));

    /// <summary>The unit has claimed the attempt, and has left no outcome yet.</summary>
    public bool HasBegun => FileStatReader.TryRead(Begun, out _) == 0;

    private BytePath Ready => Suffixed(".ready"u8);

    private BytePath Begun => Suffixed(".begun"u8);

    /// <summary>
    /// Makes the script ready to be run; what was there of another attempt of that name is removed. Null, or what went
    /// wrong.
    /// </summary>
    public string? Prepare(byte[] script)
    {
        Remove();
        int errno = PathOps.TryOpen(Ready, OpenMode.CreateNew, OwnerOnly, out SafeFileHandle? file);
        if (file is null)
            return LinuxException.Explain("create", Ready, errno);
        using (file)
        {
            try
            {
                RandomAccess.Write(file, script, 0);
                return null;
            }
            catch (IOException e)
            {
                PathOps.TryUnlink(Ready);
                return $"cannot write '{Ready}': {e.Message}";
            }
        }
    }

    /// <summary>
    /// Takes the script away: 0 when no unit had claimed it, and none ever will; ENOENT when one has. With any other
    /// errno neither is known.
    /// </summary>
    public int TryWithdraw() => PathOps.TryUnlink(Ready);

    /// <summary>
    /// What the unit has left: 0 when it has, ENOENT while it has not. With any other errno neither is known.
    /// </summary>
    public int TryReadOutcome(out UnitOutcome? outcome)
    {
        int errno = PathOps.TryReadSmallFile(Outcome, out byte[] content, OutcomeBytesMax);
        outcome = errno == 0 ? UnitOutcome.Parse(content) : null;
        return errno;
    }

    /// <summary>Removes all that is there of the attempt.</summary>
    public void Remove()
    {
        PathOps.TryUnlink(Outcome);
        PathOps.TryUnlink(Begun);
        PathOps.TryUnlink(Ready);
    }

    private BytePath Suffixed(ReadOnlySpan<byte> suffix) => new([.. Outcome.Span, .. suffix]);
}
