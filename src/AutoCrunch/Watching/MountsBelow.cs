using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

/// <summary>What is mounted inside a watched tree: mounts hide directories, or show others in their place.</summary>
/// <param name="Any">False when the tree is on one file system, or that cannot be told.</param>
/// <param name="Signature">Changes when what is mounted does.</param>
internal readonly record struct MountsBelow(bool Any, ulong Signature)
{
    private const ulong FnvOffset = 14695981039346656037;
    private const ulong FnvPrime = 1099511628211;
    private const int ReadsMax = 5;

    /// <summary>Looks into the mount table; without one, as if nothing were mounted.</summary>
    public static MountsBelow Read(BytePath root) =>
        PathOps.TryRealPath(root, out BytePath real) == 0
        && TryReadTable(out byte[] table)
            ? Of(table, real)
            : default;

    // It is read piece by piece: one that changes meanwhile may lack lines that were there all the time.
    private static bool TryReadTable(out byte[] table)
    {
        bool isRead = MountInfoReader.TryReadTable(out table) == 0;
        for (int i = 0; i < ReadsMax && isRead; i++)
        {
            byte[] before = table;
            isRead = MountInfoReader.TryReadTable(out table) == 0;
            if (table.AsSpan().SequenceEqual(before))
                break;
        }

        return isRead;
    }

    /// <summary>What <paramref name="table"/>, a /proc/self/mountinfo, has below a directory.</summary>
    internal static MountsBelow Of(ReadOnlySpan<byte> table, BytePath directory)
    {
        bool any = false;
        ulong signature = FnvOffset;
        var mounts = new MountInfoReader(table);
        while (mounts.MoveNext())
        {
            if (mounts.Point is not { } point || !point.IsAtOrBelow(directory) || point == directory)
                continue;
            any = true;
            signature = Mix(signature, mounts.Line);
        }

        return new MountsBelow(any, signature);
    }

    private static ulong Mix(ulong signature, ReadOnlySpan<byte> line)
    {
        foreach (byte value in line)
            signature = unchecked((signature ^ value) * FnvPrime);
        return signature;
    }
}
