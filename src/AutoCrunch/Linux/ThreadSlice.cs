using System.Runtime.InteropServices;

namespace AutoCrunch.Linux;

/// <summary>How long a thread may run before others have their turn.</summary>
internal static unsafe class ThreadSlice
{
    // The least that the kernel takes (kernel/sched/syscalls.c: __setparam_fair).
    private const ulong ShortNs = 100_000;

    private const uint PolicyOther = 0;     // SCHED_OTHER
    private const ulong ResetOnFork = 1;    // SCHED_FLAG_RESET_ON_FORK

    // Their numbers differ from one processor to another; those without are left alone.
    private static readonly (int Get, int Set)? s_calls = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => (315, 314),
        Architecture.Arm64 => (275, 274),
        _ => null,
    };

    /// <summary>
    /// Asks for the shortest slices for the calling thread: when it is woken it then takes its turn at once where
    /// another has just begun a long one. Its share of the processor stays what it was, and so do the slices of the
    /// processes it starts (sched_setattr(2); Linux 6.12, Documentation/scheduler/sched-eevdf.rst). Earlier kernels
    /// ignore it; one that refuses is heeded. A filter that ends the process for it ends every .NET program.
    /// </summary>
    public static void Shorten()
    {
        if (s_calls is not { } calls)
            return;
        var attributes = new Attributes { Size = (uint)sizeof(Attributes) };
        if (Libc.syscall(calls.Get, 0, (nint)(&attributes), sizeof(Attributes), 0) != 0)
            return;

        // What it starts begins with the default policy then: a policy or priority that was given to the service for
        // them too would be lost.
        if (attributes.Policy != PolicyOther || attributes.Nice < 0)
            return;
        attributes.Flags = ResetOnFork;
        attributes.SliceNs = ShortNs;
        _ = Libc.syscall(calls.Set, 0, (nint)(&attributes), 0, 0);
    }

    // struct sched_attr, as of its first version (include/uapi/linux/sched/types.h).
    [StructLayout(LayoutKind.Sequential)]
    private struct Attributes
    {
        public uint Size;
        public uint Policy;
        public ulong Flags;
        public int Nice;
        public uint Priority;
        public ulong SliceNs;
        public ulong Deadline;
        public ulong Period;
    }
}
