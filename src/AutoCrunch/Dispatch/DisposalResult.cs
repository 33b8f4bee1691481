namespace AutoCrunch.Dispatch;

/// <summary>What came of an attempt to move or delete a file whose job has ended: a closed set.</summary>
internal abstract record DisposalResult
{
    private DisposalResult()
    {
    }

    /// <summary>It is done.</summary>
    public sealed record Done : DisposalResult
    {
        private Done()
        {
        }

        /// <summary>The one value.</summary>
        public static Done Value { get; } = new();
    }

    /// <summary>The file stays, or has gone its own way: nothing more is tried.</summary>
    /// <param name="Reason">One sentence for the operator.</param>
    public sealed record Left(string Reason) : DisposalResult;

    /// <summary>It cannot be done at present.</summary>
    /// <param name="Reason">One sentence for the operator, with what mends it.</param>
    public sealed record Later(string Reason) : DisposalResult
    {
        /// <summary>Meanwhile the file is not under its name: its job cannot run again before this is done.</summary>
        public bool IsAside { get; init; }
    }
}
