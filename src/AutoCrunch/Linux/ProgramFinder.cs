using System.Text;
using AutoCrunch.Core;

namespace AutoCrunch.Linux;

/// <summary>Finds programs as execvp(3) does.</summary>
internal static class ProgramFinder
{
    /// <summary>What execvp(3) takes for PATH when there is none.</summary>
    public const string DefaultPath = "/bin:/usr/bin";

    /// <summary>
    /// Looks for a program: a name with a slash relative to <paramref name="baseDirectory"/>, any other in each
    /// directory of <paramref name="searchPath"/> (empty elements, which would mean the current directory, are
    /// skipped). Returns 0, or the errno that says best why nothing can be executed: EACCES when something of that name
    /// was there.
    /// </summary>
    public static int TryFind(BytePath name, BytePath baseDirectory, string searchPath, out BytePath program)
    {
        program = BytePath.Empty;
        if (name.IsEmpty)
            return Errno.ENOENT;
        if (name.Span.Contains((byte)'/'))
        {
            BytePath path = name.Span[0] == '/' ? name : baseDirectory.Join(name);
            int errno = TryExecutable(path);
            program = errno == 0 ? path : BytePath.Empty;
            return errno;
        }

        int best = Errno.ENOENT;
        foreach (string directory in searchPath.Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            BytePath path = new BytePath(Encoding.UTF8.GetBytes(directory)).Join(name);
            int errno = path.Span[0] == '/' ? TryExecutable(path) : Errno.ENOENT;
            if (errno == 0)
            {
                program = path;
                return 0;
            }

            if (errno is Errno.EACCES or Errno.EISDIR)
                best = errno;
        }

        return best;
    }

    // A directory is "executable" for access(2), so the type has to be asked too.
    private static int TryExecutable(BytePath path)
    {
        int errno = FileStatReader.TryReadTarget(path, out FileStat stat);
        if (errno != 0)
            return errno;
        return stat.Type switch
        {
            FileType.Regular => PathOps.TryAccess(path, AccessMode.Execute),
            FileType.Directory => Errno.EISDIR,
            _ => Errno.EACCES,
        };
    }
}
