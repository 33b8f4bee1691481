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
        bool IsAbandoned { get; }

        void Answer();

        void Abandon();
    }

    /// <summary>Any thread. The answer comes on the thread pool.</summary>
    /// <param name="question">
    /// Run by the watch thread: it must be cheap and bounded (a copy of what is asked), and must not wait for anything.
    /// What it throws goes to the asker.
    /// </param>
    /// <param name="abandon">Nobody waits for the answer any more: the question is not run, if it was not yet.</param>
    /// <exception cref="OperationCanceledException">
    /// The watch thread ends, or has ended; or the question was abandoned (in the task).
    /// </exception>
    /// <exception cref="WatchBusyException">Too many questions wait (in the task).</exception>
    public Task<T> AskAsync<T>(Func<T> question, CancellationToken abandon)
    {
        var asked = new Question<T>(question, abandon);
        lock (_gate)
        {
            if (_isClosed)
            {
                asked.Abandon();
                return asked.Task;
            }

            if (_waiting.Count == WaitingMax)
                DropAbandoned();
            if (_waiting.Count == WaitingMax)
            {
                asked.Refuse(new WatchBusyException(
                    $"More than {WaitingMax} questions wait for the watch thread: ask again in a moment."));
                return asked.Task;
            }

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
        {
            while (_waiting.TryDequeue(out IQuestion? question))
                if (!question.IsAbandoned)
                    return question;
            return null;
        }
    }

    // Clients that ask and leave must not keep others from asking.
    private void DropAbandoned()
    {
        for (int i = _waiting.Count; i > 0; i--)
            if (_waiting.Dequeue() is { IsAbandoned: false } question)
                _waiting.Enqueue(question);
    }

    private sealed class Question<T> : IQuestion
    {
        private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Func<T> _question;
        private readonly CancellationTokenRegistration _abandoning;

        public Question(Func<T> question, CancellationToken abandon)
        {
            _question = question;
            _abandoning = abandon.UnsafeRegister(static asked => ((Question<T>)asked!).Abandon(), this);
        }

        public Task<T> Task => _answer.Task;

        public bool IsAbandoned => _answer.Task.IsCompleted;

        public void Answer()
        {
            _abandoning.Unregister(); // does not wait
            try
            {
                _answer.TrySetResult(_question());
            }
            catch (Exception e)
            {
                _answer.TrySetException(e);
            }
        }

        public void Refuse(Exception why)
        {
            _abandoning.Unregister();
            _answer.TrySetException(why);
        }

        public void Abandon()
        {
            _abandoning.Unregister();
            _answer.TrySetCanceled();
        }
    }
}
