using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

/// <summary>
/// Questions of other threads that only the watch thread can answer, as it alone owns what they are about. They are
/// answered between two batches of events; askers never wait for a lock that the watch thread holds over work.
/// </summary>
internal sealed class WatchQuestions(WakeEvent wake)
{
    /// <summary>So many wait for an answer at most; further ones are refused.</summary>
    public const int WaitingMax = 256;

    // Events come first: the rest waits for the next turn.
    private const int AnswersPerTurn = 16;

    private readonly Lock _gate = new();
    private readonly Queue<IQuestion> _waiting = [];
    private bool _isClosed;

    private interface IQuestion
    {
        void Answer();

        void Abandon();
    }

    /// <summary>Any thread. The answer comes on the thread pool.</summary>
    /// <param name="question">
    /// Run by the watch thread: it must be cheap and bounded (a copy of what is asked), and must not wait for anything.
    /// What it throws goes to the asker.
    /// </param>
    /// <exception cref="OperationCanceledException">The watch thread ends, or has ended (in the task).</exception>
    /// <exception cref="InvalidOperationException">Too many questions wait (in the task).</exception>
    public Task<T> AskAsync<T>(Func<T> question)
    {
        var asked = new Question<T>(question);
        lock (_gate)
        {
            if (_isClosed)
                return Task.FromCanceled<T>(new CancellationToken(canceled: true));
            if (_waiting.Count == WaitingMax)
                return Task.FromException<T>(new InvalidOperationException(
                    $"More than {WaitingMax} questions wait for the watch thread: ask again in a moment."));
            _waiting.Enqueue(asked);
            wake.Set(); // under the lock: it is disposed of when this is closed
        }

        return asked.Task;
    }

    /// <summary>Answers what waits. True when there was a question. Watch thread only.</summary>
    public bool Answer()
    {
        int answered = 0;
        while (answered < AnswersPerTurn && Take() is { } question)
        {
            question.Answer();
            answered += 1;
        }

        return answered > 0;
    }

    /// <summary>Nobody answers any more.</summary>
    public void Close()
    {
        lock (_gate)
            _isClosed = true;
        while (Take() is { } question)
            question.Abandon();
    }

    private IQuestion? Take()
    {
        lock (_gate)
            return _waiting.TryDequeue(out IQuestion? question) ? question : null;
    }

    private sealed class Question<T>(Func<T> question) : IQuestion
    {
        private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Task => _answer.Task;

        public void Answer()
        {
            try
            {
                _answer.SetResult(question());
            }
            catch (Exception e)
            {
                _answer.SetException(e);
            }
        }

        public void Abandon() => _answer.SetCanceled();
    }
}
