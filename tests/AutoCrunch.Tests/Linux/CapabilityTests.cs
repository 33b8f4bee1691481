using System.Runtime.InteropServices;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Linux;

public sealed partial class CapabilityTests : IDisposable
{
    private const uint Version3 = 0x2008_0522; // _LINUX_CAPABILITY_VERSION_3
    private const int PR_CAP_AMBIENT = 47;
    private const int PR_CAP_AMBIENT_RAISE = 2;
    private const int CAP_CHOWN = 0;

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [RequiresFact(RequiresFactAttribute.Root)]
    public void A_child_has_no_ambient_capability_once_its_starting_thread_gave_them_up()
    {
        Exception? failure = null;
        // Capabilities belong to threads: this one ends with the test.
        var thread = new Thread(() =>
        {
            try
            {
                RaiseAmbient();
                Assert.Equal("CapAmb:\t0000000000000001\n", AmbientOfAChild("before"));
                ChildProcess.ClearAmbientCapabilities();
                Assert.Equal("CapAmb:\t0000000000000000\n", AmbientOfAChild("after"));
            }
            catch (Exception caught)
            {
                failure = caught;
            }
        });
        thread.Start();
        thread.Join();

        Assert.Null(failure);
    }

    private static void RaiseAmbient()
    {
        uint[] header = [Version3, 0];
        uint[] sets = new uint[6]; // twice: effective, permitted, inheritable
        Assert.Equal(0, capget(ref header[0], ref sets[0]));
        sets[2] |= 1 << CAP_CHOWN;
        Assert.Equal(0, capset(ref header[0], ref sets[0]));
        Assert.Equal(0, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
    }

    private string AmbientOfAChild(string log)
    {
        var start = new ChildStart(
            new BytePath("/bin/grep"u8),
            ["grep"u8.ToArray(), "CapAmb"u8.ToArray(), "/proc/self/status"u8.ToArray()],
            [],
            _directory.Path,
            _directory[log]);
        Assert.Equal(0, ChildProcess.TryStart(start, out ChildProcess? child));
        Assert.Equal(new ChildExit(0, null), child!.Wait());
        return _directory.ReadText(log);
    }

    [LibraryImport("libc")]
    private static partial int capget(ref uint header, ref uint sets);

    [LibraryImport("libc")]
    private static partial int capset(ref uint header, ref uint sets);

    [LibraryImport("libc")]
    private static partial int prctl(int option, nuint second, nuint third, nuint fourth, nuint fifth);
}
