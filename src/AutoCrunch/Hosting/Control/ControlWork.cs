namespace AutoCrunch.Hosting;

/// <summary>Work of a control verb that may wait for a disk or a file server.</summary>
internal static class ControlWork
{
    /// <summary>
    /// Does it on a thread of its own. It is waited for to the end, also when the client has gone: so there are never
    /// more such threads than clients, however many of them hang.
    /// </summary>
    public static Task<T> OnThreadAsync<T>(Func<T> work) => Task.Factory.StartNew(
        work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
