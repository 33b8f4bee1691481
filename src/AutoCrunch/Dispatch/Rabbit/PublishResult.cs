namespace AutoCrunch.Dispatch;

/// <summary>How a publish ended.</summary>
internal enum PublishEnd : byte
{
    /// <summary>The broker has the message, in every queue it was routed to.</summary>
    Confirmed,

    /// <summary>It came back: no queue is bound that way.</summary>
    Unroutable,

    /// <summary>The broker refused it, or could not keep it.</summary>
    Nacked,

    /// <summary>
    /// The broker closed the channel, because of this message or, unless it was alone there, another one.
    /// </summary>
    ChannelClosed,

    /// <summary>The connection was lost before an answer came: the broker may have the message.</summary>
    Lost,

    /// <summary>No answer came in time: the broker may have the message.</summary>
    Unconfirmed,

    /// <summary>Nothing was sent: the broker has just refused another message of the rule.</summary>
    Refused,
}

/// <summary>What came of one publish.</summary>
/// <param name="End">How it ended.</param>
internal readonly record struct PublishResult(PublishEnd End)
{
    /// <summary>The broker's code, where it closed the channel.</summary>
    public int Code { get; init; }

    /// <summary>What the broker, or the client, said.</summary>
    public string Text { get; init; } = "";

    /// <summary>Unconfirmed, while others on the same connection were confirmed.</summary>
    public bool OthersWereConfirmed { get; init; }

    /// <summary>No other message was on the same channel.</summary>
    public bool WasAlone { get; init; }
}
