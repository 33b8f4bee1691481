namespace AutoCrunch.Benchmarks;

/// <summary>A round of one tool: a fresh place to work in, removed afterwards.</summary>
internal sealed class Arena : IDisposable
{
    public Arena(BenchmarkOptions options, int subdirectories = 0, int pool = 2)
    {
        string home = Path.Combine(options.Directory, "round-" + Path.GetRandomFileName());
        string incoming = Path.Combine(home, "incoming");
        Directory.CreateDirectory(incoming);
        for (int i = 0; i < subdirectories; i++)
            Directory.CreateDirectory(Path.Combine(incoming, $"{i:D3}"));
        Place = new Place(home, incoming, subdirectories + 1, pool);
    }

    public Place Place { get; }

    /// <summary>Everything delivered so far: all files that are in the watched tree.</summary>
    public string[] Delivered() => Directory.GetFiles(Place.Incoming, "*", new EnumerationOptions
    {
        RecurseSubdirectories = true,
        AttributesToSkip = FileAttributes.None,
    });

    public void Dispose() => Shell.RemoveTree(Place.Home);
}
