namespace AutoCrunch.Watching;

/// <summary>Too many questions wait for the watch thread: whoever asks may do so again in a moment.</summary>
internal sealed class WatchBusyException(string message) : Exception(message);
