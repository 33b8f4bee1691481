using System.Globalization;

namespace AutoCrunch.Benchmarks;

/// <summary>What the command line asks for.</summary>
internal sealed class BenchmarkOptions : IDisposable
{
    private readonly string[] _args;
    private readonly FileStream _lock;

    public BenchmarkOptions(string[] args)
    {
        _args = args;
        Directory = Text("--dir") ?? Scratch;
        System.IO.Directory.CreateDirectory(Scratch);
        System.IO.Directory.CreateDirectory(Directory);

        // Two runs at once would measure each other, and write into one record.
        _lock = new FileStream(
            Path.Combine(Scratch, "lock"), FileMode.Create, FileAccess.Write, FileShare.None);
    }

    /// <summary>
    /// Where the programs, the jobs' record and what is no part of a measurement lie: always in memory.
    /// </summary>
    public string Scratch { get; } = "/dev/shm/autocrunch-benchmarks";

    /// <summary>Where the watched trees and the ledger are.</summary>
    public string Directory { get; }

    /// <summary>A published AutoCrunch to measure; without it one is published first.</summary>
    public string? Program => Text("--program");

    /// <summary>Only the contestants whose name begins with this.</summary>
    public string? Only => Text("--only");

    public int Rounds(int otherwise) => Number("--rounds", otherwise);

    public int Files(int otherwise) => Number("--files", otherwise);

    public int Number(string name, int otherwise) =>
        Text(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    public void Dispose() => _lock.Dispose();

    private string? Text(string name) =>
        Array.IndexOf(_args, name) is >= 0 and var at && at + 1 < _args.Length ? _args[at + 1] : null;
}
