using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Linux;

/// <summary>
/// Holds every number of the native layer against the C headers, by compiling a static assertion for each. The numbers
/// are found by reflection: all constants of the classes named here, all structs that name a C type, all their fields.
/// </summary>
public sealed class CHeaderTests : IDisposable
{
    private const string Headers = """
        #define _GNU_SOURCE
        #include <dirent.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <grp.h>
        #include <limits.h>
        #include <linux/magic.h>
        #include <poll.h>
        #include <signal.h>
        #include <spawn.h>
        #include <stddef.h>
        #include <stdio.h>
        #include <sys/eventfd.h>
        #include <sys/file.h>
        #include <sys/inotify.h>
        #include <sys/ioctl.h>
        #include <sys/mman.h>
        #include <sys/prctl.h>
        #include <sys/socket.h>
        #include <sys/stat.h>
        #include <sys/statvfs.h>
        #include <sys/uio.h>
        #include <sys/un.h>
        #include <sys/syscall.h>
        #include <sys/vfs.h>
        #include <sys/wait.h>
        #include <termios.h>
        #include <time.h>

        """;

    private static readonly Type[] s_constants = [typeof(Libc), typeof(Errno), typeof(Signals), typeof(InotifyMask)];

    // Ours, not C's.
    private static readonly string[] s_ownNames = ["Library", nameof(Libc.OpaqueBytes)];

    // Published by the projects, not by the kernel's headers.
    private static readonly FileSystemMagic[] s_foreignMagic =
    [
        FileSystemMagic.ZFS_SUPER_MAGIC, FileSystemMagic.LUSTRE_SUPER_MAGIC, FileSystemMagic.GPFS_SUPER_MAGIC,
        FileSystemMagic.BEEGFS_SUPER_MAGIC, FileSystemMagic.GFS2_MAGIC, FileSystemMagic.ORANGEFS_SUPER_MAGIC,
        FileSystemMagic.PANFS_SUPER_MAGIC, FileSystemMagic.ACFS_SUPER_MAGIC, FileSystemMagic.VBOXSF_SUPER_MAGIC,
        FileSystemMagic.VMHGFS_SUPER_MAGIC,
    ];

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [RequiresFact("gcc")]
    public void Every_number_is_that_of_the_headers_of_this_machine() =>
        Compile("gcc", Program(RuntimeInformation.ProcessArchitecture));

    [RequiresFact("aarch64-linux-gnu-gcc")]
    public void Every_number_is_that_of_the_headers_of_arm64() =>
        Compile("aarch64-linux-gnu-gcc", Program(Architecture.Arm64));

    [RequiresFact("gcc")]
    public void A_wrong_number_does_not_compile()
    {
        BytePath source = _directory.Write("wrong.c", Headers + Assertion("AT_FDCWD", -101));

        (int exitCode, _, string error) = Tool.TryRun("gcc", "-std=gnu11", "-fsyntax-only", source.ToString());

        Assert.NotEqual(0, exitCode);
        Assert.Contains("static assertion failed", error);
    }

    [Fact]
    public void Every_struct_has_the_size_and_offsets_that_its_attributes_state()
    {
        foreach (Type type in Structs())
        {
            Assert.Equal(type.StructLayoutAttribute!.Size, SizeOf(type));
            Assert.Equal(LayoutKind.Explicit, type.StructLayoutAttribute.Value);
        }
    }

    private static string Program(Architecture architecture)
    {
        var text = new StringBuilder(Headers);
        int count = 0;
        foreach (FieldInfo field in s_constants.SelectMany(Constants))
        {
            object value = field.Name switch
            {
                nameof(Libc.O_DIRECTORY) => Libc.OpenFlagsOf(architecture).Directory,
                nameof(Libc.O_NOFOLLOW) => Libc.OpenFlagsOf(architecture).NoFollow,
                _ => field.GetValue(null)!,
            };
            text.Append(Assertion(field.Name, value));
            count++;
        }

        Assert.True(count > 150, $"only {count} constants found");
        foreach (FileSystemMagic magic in Enum.GetValues<FileSystemMagic>().Except(s_foreignMagic))
            text.Append(Assertion(magic.ToString(), (uint)magic));
        foreach (Type type in Structs())
            AppendStruct(text, type);

        text.Append(Assertion("offsetof(struct dirent64, d_reclen)", DirectoryReader.RecordLengthOffset));
        text.Append(Assertion("offsetof(struct dirent64, d_type)", DirectoryReader.TypeOffset));
        text.Append(Assertion("offsetof(struct dirent64, d_name)", DirectoryReader.NameOffset));
        text.Append(Assertion("offsetof(struct inotify_event, name)", SizeOf(typeof(InotifyEvent))));
        text.Append(Assertion("offsetof(struct sigaction, sa_handler)", 0));
        foreach (string type in new[]
            { "posix_spawnattr_t", "posix_spawn_file_actions_t", "sigset_t", "struct sigaction" })
        {
            text.Append(CultureInfo.InvariantCulture,
                $"_Static_assert(sizeof({type}) <= {Libc.OpaqueBytes} && _Alignof({type}) <= 8, \"{type}\");\n");
        }

        return text.ToString();
    }

    private static void AppendStruct(StringBuilder text, Type type)
    {
        string name = type.GetCustomAttribute<CTypeAttribute>()!.Name;
        text.Append(Assertion($"sizeof({name})", SizeOf(type)));
        foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public))
        {
            int offset = field.GetCustomAttribute<FieldOffsetAttribute>()!.Value;
            text.Append(Assertion($"offsetof({name}, {field.Name})", offset));
            text.Append(Assertion($"sizeof((({name} *)0)->{field.Name})", SizeOf(field.FieldType)));
        }
    }

    private static string Assertion(string name, object value)
    {
        string number = Convert.ToString(value, CultureInfo.InvariantCulture)!;
        string cast = value is uint or ulong ? "(unsigned long long)" : "(long long)";
        string suffix = value is uint or ulong ? "ULL" : "LL";
        return $"_Static_assert({cast}({name}) == {number}{suffix}, \"{name} is not {number}\");\n";
    }

    private static IEnumerable<FieldInfo> Constants(Type type) => type
        .GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
        .Where(field => field.FieldType.IsPrimitive && !s_ownNames.Contains(field.Name) && field.Name[0] != '<');

    private static IEnumerable<Type> Structs() =>
        typeof(Libc).Assembly.GetTypes().Where(type => type.GetCustomAttribute<CTypeAttribute>() is not null);

    private static int SizeOf(Type type) => Marshal.SizeOf(type);

    private void Compile(string compiler, string program)
    {
        BytePath source = _directory.Write("numbers.c", program);
        Tool.Run(compiler, "-std=gnu11", "-fsyntax-only", source.ToString());
    }
}
