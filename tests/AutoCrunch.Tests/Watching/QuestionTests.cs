using AutoCrunch.Core;
using AutoCrunch.Tests.Hosting;
using AutoCrunch.Watching;
using NSubstitute;

namespace AutoCrunch.Tests.Watching;

/// <summary>Questions to the watch thread.</summary>
public sealed class QuestionTests : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly IRsyncCompletionTracker _tracker = Substitute.For<IRsyncCompletionTracker>();
    private readonly BytePath _root;

    public QuestionTests()
    {
        _root = _temp.MakeDirectory("in");
        _tracker.Advance(default, default).ReturnsForAnyArgs(long.MaxValue);
        _tracker.TakeRescan().Returns((TrackedDirectory?)null);
    }

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task The_watch_thread_answers_although_nothing_else_happens()
    {
        using WatchService service = Service();
        await service.StartAsync(CancellationToken.None);
        await service.Ready.WaitAsync(Wait.Bound);
        Assert.Equal("watch", await service.AskAsync(() => Thread.CurrentThread.Name).WaitAsync(Wait.Bound));
        Assert.NotEqual("watch", Thread.CurrentThread.Name);
        await service.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_question_that_fails_fails_for_its_asker_alone()
    {
        using WatchService service = Service();
        await service.StartAsync(CancellationToken.None);
        await Assert.ThrowsAsync<FormatException>(
            () => service.AskAsync<int>(() => throw new FormatException()).WaitAsync(Wait.Bound));
        Assert.Equal(1, await service.AskAsync(() => 1).WaitAsync(Wait.Bound));
        await service.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task More_questions_than_may_wait_are_refused_and_the_others_answered()
    {
        using WatchService service = Service();
        Task<int>[] asked = [.. Enumerable.Range(0, WatchQuestions.WaitingMax).Select(i => service.AskAsync(() => i))];
        await Assert.ThrowsAsync<WatchBusyException>(() => service.AskAsync(() => 0));
        await service.StartAsync(CancellationToken.None);
        int[] answers = await Task.WhenAll(asked).WaitAsync(Wait.Bound);
        Assert.Equal(Enumerable.Range(0, WatchQuestions.WaitingMax), answers);
        await service.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Questions_that_nobody_waits_for_any_more_are_not_run_and_make_room()
    {
        using WatchService service = Service();
        using var gone = new CancellationTokenSource();
        int run = 0;
        Task<int>[] asked = [.. Enumerable.Range(0, WatchQuestions.WaitingMax).Select(
            _ => service.AskAsync(() => Interlocked.Increment(ref run), gone.Token))];
        await gone.CancelAsync();
        Task<int> next = service.AskAsync(() => 7);
        await service.StartAsync(CancellationToken.None);
        Assert.Equal(7, await next.WaitAsync(Wait.Bound));
        Assert.All(asked, question => Assert.True(question.IsCanceled));
        Assert.Equal(0, run);
        await service.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_question_that_comes_when_the_thread_has_ended_is_cancelled()
    {
        using WatchService service = Service();
        await service.StartAsync(CancellationToken.None);
        await service.Ready.WaitAsync(Wait.Bound);
        await service.StopAsync(CancellationToken.None);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => service.AskAsync(() => 0).WaitAsync(Wait.Bound));
    }

    private WatchService Service() => new(
        [new WatchRule { Name = "raw", Path = _root }], _tracker, new MemoryKnownFiles(),
        new ListLogger<WatchService>(), new WatchOptions());
}
