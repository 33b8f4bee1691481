namespace AutoCrunch.Hosting;

/// <summary>
/// One thing that a client of the control socket can ask for: one class per verb, registered with the service. Writing
/// verbs also run in the command itself while no service does.
/// </summary>
internal interface IControlVerb
{
    /// <summary>The word in the request's field <c>verb</c>.</summary>
    string Verb { get; }

    /// <summary>Changes something: the service's log says who asked.</summary>
    bool IsWriting => false;

    /// <summary>
    /// True when the answer may take for ever, as it waits for jobs or files: only some clients may do so at once, and
    /// the others find room.
    /// </summary>
    bool Waits(ControlRequest request) => false;

    /// <summary>
    /// Answers. Called on the thread pool, for several clients at once. Must not block it: what may wait for a disk or
    /// a server runs on a thread of its own (<see cref="ControlWork"/>).
    /// </summary>
    /// <param name="request">What is asked.</param>
    /// <param name="answer">Takes any number of lines, and what is to be in the last one.</param>
    /// <param name="stopping">The service stops, or the client has gone.</param>
    /// <exception cref="ControlRefusedException">It cannot be done; the message tells the client why.</exception>
    Task AnswerAsync(ControlRequest request, ControlAnswer answer, CancellationToken stopping);
}
