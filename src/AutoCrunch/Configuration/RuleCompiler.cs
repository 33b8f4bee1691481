using AutoCrunch.Core;

namespace AutoCrunch.Configuration;

/// <summary>Makes a rule of its section, and tells every mistake in it.</summary>
/// <param name="reader">What was read, and where mistakes are put.</param>
/// <param name="baseDirectory">Relative paths are relative to it.</param>
/// <param name="searchPath">The service's PATH.</param>
internal sealed class RuleCompiler(SectionReader reader, BytePath baseDirectory, string searchPath)
{
    /// <summary>What was read, and where mistakes are put.</summary>
    public SectionReader Reader => reader;

    /// <summary>Relative paths are relative to it.</summary>
    public BytePath BaseDirectory => baseDirectory;

    /// <summary>The service's PATH.</summary>
    public string SearchPath => searchPath;

    /// <inheritdoc cref="Surroundings.HasPrograms"/>
    public bool FindsPrograms { get; init; } = true;

    /// <summary>The rule; null when a part of it cannot be made, which was told.</summary>
    public CompiledRule? Compile(string name, RuleSection section)
    {
        string key = $"{AutoCrunchSection.Key}:{nameof(AutoCrunchSection.Rules)}:{name}";
        if (!IsName(name))
            reader.Mistake(key, $"the name {ConfigurationLayers.Quote(name)}", "letters a-z, A-Z, digits, '_' and '-'");
        BytePath? path = reader.Layers.Value($"{key}:{nameof(section.Path)}") is null
            ? null
            : ResolvePath($"{key}:{nameof(section.Path)}", section.Path);
        PathPatterns? include = CompilePatterns($"{key}:{nameof(section.Include)}", section.Include);
        PathPatterns? exclude = CompilePatterns($"{key}:{nameof(section.Exclude)}", section.Exclude);
        PathPatterns? ignored = CompilePatterns(
            $"{key}:{nameof(section.Completion)}:{nameof(CompletionSection.IgnoredDirectories)}",
            section.Completion.IgnoredDirectories);
        RetrySection retry = section.Retry;
        if (retry.Delay > retry.MaxDelay)
        {
            reader.Mistake(
                $"{key}:{nameof(section.Retry)}:{nameof(retry.Delay)}",
                $"\"{Duration.Format(retry.Delay)}\"",
                $"no more than {nameof(retry.MaxDelay)}, which is \"{Duration.Format(retry.MaxDelay)}\"");
        }

        DispatcherOptions? dispatcher = reader.FindType(section.Dispatcher.Type) is { } type
            && type.Section.IsInstanceOfType(section.Dispatcher)
                ? type.Compile(section.Dispatcher, $"{key}:{nameof(section.Dispatcher)}", this)
                : null;
        DisposalPolicy? onSuccess = DisposalCompiler.Compile(
            $"{key}:{nameof(section.OnSuccess)}", KindOf(section.OnSuccess.Action), section.OnSuccess.To, path, this);
        DisposalPolicy? onFailure = DisposalCompiler.Compile(
            $"{key}:{nameof(section.OnFailure)}", KindOf(section.OnFailure.Action), section.OnFailure.To, path, this);
        FailureCommand? onFailureCommand = ProcessCompiler.CompileOnFailure(
            $"{key}:{nameof(section.OnFailureCommand)}", section.OnFailureCommand, this);
        if (onSuccess is null || onFailure is null)
            return null;
        if (path is null || include is null || exclude is null || ignored is null || dispatcher is null)
            return null;
        CompletionSection completion = section.Completion;
        return new CompiledRule(
            new WatchRule
            {
                Name = name,
                Path = path.Value,
                Recursive = section.Recursive,
                Include = include,
                Exclude = exclude,
                Completion = new CompletionPolicy
                {
                    Arrivals = completion.Arrivals,
                    InPlace = completion.InPlace,
                    QuietPeriod = completion.QuietPeriod,
                    IgnoredDirectories = ignored,
                    ZeroMtime = completion.ZeroMtime,
                    OwnerOnly = completion.OwnerOnly,
                    Renames = completion.Renames,
                    Updates = completion.Updates,
                },
                RescanInterval = section.RescanInterval,
                ExistingFiles = section.ExistingFiles,
                MaxExistingFiles = section.MaxExistingFiles,
                PauseAfterRepeats = section.PauseAfterRepeats,
                PauseAfterFailures = section.PauseAfterFailures,
                OnSuccess = onSuccess,
                OnFailure = onFailure,
                OnFailureCommand = onFailureCommand,
                HeldWarning = section.HeldWarning,
                Retry = new RetryPolicy(retry.MaxAttempts, retry.Delay, retry.MaxDelay, retry.PermanentExitCodes),
            },
            dispatcher);
    }

    private static DisposalKind KindOf(OnSuccessAction action) => action switch
    {
        OnSuccessAction.Move => DisposalKind.Move,
        OnSuccessAction.Delete => DisposalKind.Delete,
        _ => DisposalKind.Keep,
    };

    private static DisposalKind KindOf(OnFailureAction action) =>
        action == OnFailureAction.Move ? DisposalKind.Move : DisposalKind.Keep;

    /// <summary>An absolute path of text; null when that cannot be one, which is told.</summary>
    public BytePath? ResolvePath(string key, string text)
    {
        if (PathText.TryResolve(text, baseDirectory, out BytePath path, out string? expected))
            return path;
        reader.Mistake(key, expected);
        return null;
    }

    private PathPatterns? CompilePatterns(string key, string[] texts)
    {
        bool areValid = true;
        for (int i = 0; i < texts.Length; i++)
        {
            try
            {
                _ = new PathPatterns([texts[i]]);
            }
            catch (FormatException e)
            {
                reader.Mistake($"{key}:{i}", $"a pattern ({(e.InnerException ?? e).Message})");
                areValid = false;
            }
        }

        return areValid ? new PathPatterns(texts) : null;
    }

    private static bool IsName(string name) =>
        name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');
}
