using System.Diagnostics;

namespace AutoCrunch.Benchmarks;

/// <summary>The small C programs that others are measured against.</summary>
internal static class NativePrograms
{
    /// <summary>
    /// Compiles Native/NAME.c into a directory; returns the program's path. With other options it needs a name of its
    /// own there.
    /// </summary>
    public static string Compile(string name, string directory, string options = "", string? asName = null)
    {
        string source = Path.Combine(AppContext.BaseDirectory, "Native", name + ".c");
        string program = Path.Combine(directory, asName ?? name);
        using Process compiler = Process.Start("cc", $"-O2 -Wall {options} {source} -o {program}");
        compiler.WaitForExit();
        return compiler.ExitCode == 0 ? program : throw new InvalidOperationException($"cc failed for {source}");
    }
}
