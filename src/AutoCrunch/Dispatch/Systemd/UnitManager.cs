using System.Globalization;
using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Dispatch;

/// <summary>What a <see cref="UnitManager"/> is to start.</summary>
/// <param name="Name">The unit's whole name.</param>
/// <param name="Description">For systemctl status: one line.</param>
/// <param name="Properties">"Name=value".</param>
/// <param name="Command">argv; no word of it is expanded.</param>
internal sealed record UnitStart(
    string Name, string Description, IReadOnlyList<string> Properties, IReadOnlyList<string> Command);

/// <summary>The service manager did not do what it was asked to.</summary>
/// <param name="Text">What it said, and what to do about it; one sentence.</param>
/// <param name="IsUnreachable">It was not there to be asked, did not answer, or is about to end.</param>
internal sealed record UnitRefusal(string Text, bool IsUnreachable);

/// <summary>Units that the manager has loaded: they run, or are about to.</summary>
/// <param name="Loaded">Their whole names.</param>
/// <param name="Refusal">Set when it could not be asked: then nothing is known.</param>
internal sealed record UnitList(IReadOnlySet<string> Loaded, UnitRefusal? Refusal);

/// <summary>
/// Asks the service manager that runs the jobs: the service user's own (<c>systemd --user</c>, with lingering), or the
/// system's when the service is root. By systemd-run(1) and systemctl(1), a few at a time. Any thread.
/// </summary>
internal sealed class UnitManager
{
    // One takes about ten milliseconds, most of which it waits for the manager.
    private const int ProgramsMax = 4;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    // "Failed to connect to bus: No such file or directory", "Failed to connect to user scope bus via ...",
    // "Connection timed out", "Transport endpoint is not connected", "Transaction for ... is destructive (basic.target
    // has 'stop' job queued, ...)".
    private static readonly string[] s_unreachable =
    [
        "connect to bus", "scope bus", "connection ", "not connected", "timed out", "disconnected", "shutting down",
        "is destructive",
    ];

    private readonly ProgramRunner _programs = new("systemd", ProgramsMax);
    private readonly Lock _gate = new();
    private readonly byte[][] _environment;
    private readonly string _searchPath;
    private Task<UnitList>? _listing;
    private Task<UnitList>? _nextListing;

    /// <param name="userId">The user whose manager it is; 0: the system's.</param>
    /// <param name="runtimeDirectory">The user's runtime directory; null for the usual one.</param>
    public UnitManager(uint userId, string? runtimeDirectory = null)
    {
        UserId = userId;
        string user = runtimeDirectory is { Length: > 0 }
            ? runtimeDirectory
            : string.Create(CultureInfo.InvariantCulture, $"/run/user/{userId}");
        RuntimeDirectory = IsSystem ? "/run" : user;
        _searchPath = Environment.GetEnvironmentVariable("PATH") ?? ProgramFinder.DefaultPath;

        // What they say is read: in C. Colours and pagers are for terminals.
        string[] environment =
        [
            "PATH=" + _searchPath, "LC_ALL=C.UTF-8", "SYSTEMD_COLORS=0", "SYSTEMD_PAGER=", "XDG_RUNTIME_DIR=" + user,
        ];
        _environment = [.. environment.Select(Encoding.UTF8.GetBytes)];
    }

    /// <summary>The user whose manager it is; 0: the system's.</summary>
    public uint UserId { get; }

    /// <summary>It is the system's manager.</summary>
    public bool IsSystem => UserId == 0;

    /// <summary>For systemctl and systemd-run.</summary>
    public string Option => IsSystem ? "--system" : "--user";

    /// <summary>Whose it is, for messages.</summary>
    public string Description => IsSystem
        ? "the system's service manager"
        : string.Create(CultureInfo.InvariantCulture, $"the service manager of user {UserId}");

    /// <summary>
    /// Where it keeps the files of the units that we start: one disappears when its unit has ended and is forgotten.
    /// There is no such directory before the first one.
    /// </summary>
    public BytePath TransientUnits => new(Encoding.UTF8.GetBytes(RuntimeDirectory + "/systemd/transient"));

    private string RuntimeDirectory { get; }

    /// <summary>The manager of the user as whom this process acts.</summary>
    public static UnitManager OfThisProcess() =>
        new(Accounts.UserId, Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR"));

    /// <summary>
    /// Has a unit started, and waits only until that is accepted; null then. After a refusal it may have been
    /// accepted nevertheless, if no answer came.
    /// </summary>
    public Task<UnitRefusal?> StartAsync(UnitStart start) => StartAsync(start, ["--no-block"]);

    /// <summary>
    /// Has a unit of Type=oneshot run to its end, which must come soon; null when it ended well.
    /// </summary>
    public Task<UnitRefusal?> TryAsync(UnitStart start) => StartAsync(start, []);

    /// <summary>
    /// Has a unit stopped: SIGTERM to all its processes, SIGKILL after its grace. Waits only until that is
    /// accepted; null then, and also when there is no such unit.
    /// </summary>
    public async Task<UnitRefusal?> StopAsync(string unit)
    {
        (_, UnitRefusal? refusal) = await RunAsync(["systemctl", Option, "stop", "--no-block", "--", unit])
            .ConfigureAwait(false);
        return refusal is { IsUnreachable: false } ? null : refusal;
    }

    /// <summary>
    /// The units that are there with this beginning of their names. Asked anew after the call; who calls while an
    /// answer is under way shares the next one.
    /// </summary>
    public Task<UnitList> ListAsync(string prefix)
    {
        lock (_gate)
        {
            if (_nextListing is not null)
                return _nextListing;
            return _listing is null
                ? _listing = AskAsync(prefix)
                : _nextListing = AfterAsync(_listing, prefix);
        }
    }

    private async Task<UnitRefusal?> StartAsync(UnitStart start, string[] options)
    {
        string[] command =
        [
            "systemd-run", Option, "--quiet", "--collect", .. options, "--unit=" + start.Name,
            "--description=" + start.Description, .. start.Properties.Select(property => "--property=" + property),
            "--", .. start.Command.Select(word => word.Replace("$", "$$", StringComparison.Ordinal)),
        ];
        (_, UnitRefusal? refusal) = await RunAsync(command).ConfigureAwait(false);
        return refusal;
    }

    private async Task<UnitList> AfterAsync(Task<UnitList> listing, string prefix)
    {
        // How it went is told to those who asked for it.
        await ((Task)listing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Task<UnitList> next;
        lock (_gate)
        {
            _nextListing = null;
            next = _listing = AskAsync(prefix);
        }

        return await next.ConfigureAwait(false);
    }

    private async Task<UnitList> AskAsync(string prefix)
    {
        await Task.Yield(); // whoever holds the gate keeps this very task
        string[] command =
        [
            "systemctl", Option, "list-units", "--all", "--plain", "--no-legend", "--full", "--no-pager",
            "--", prefix + "*",
        ];
        ProgramResult? result;
        UnitRefusal? refusal;
        try
        {
            (result, refusal) = await RunAsync(command).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
                _listing = null;
        }

        var loaded = new HashSet<string>(StringComparer.Ordinal);
        string output = refusal is null ? Encoding.UTF8.GetString(result!.Output) : "";
        foreach (string line in output.Split('\n'))
            if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var unit, "loaded", ..])
                loaded.Add(unit);
        return new UnitList(loaded, refusal);
    }

    private async Task<(ProgramResult? Result, UnitRefusal? Refusal)> RunAsync(string[] command)
    {
        try
        {
            var name = new BytePath(Encoding.ASCII.GetBytes(command[0]));
            int errno = ProgramFinder.TryFind(name, BytePath.Empty, _searchPath, out BytePath program);
            if (errno != 0)
                return (null, new UnitRefusal(
                    LinuxException.Explain("program", name, errno) + "; rules of type Systemd need it", true));
            var call = new ProgramCall(program, [.. command.Select(Encoding.UTF8.GetBytes)], _environment)
            {
                Timeout = s_patience,
            };
            ProgramResult result = await _programs.RunAsync(call).ConfigureAwait(false);
            return (result, result.IsSuccess ? null : Explain(call, result));
        }
        catch (Exception e) when (e is not InvariantException)
        {
            // No memory for what it says, for one. That is never a job's fault.
            return (null, new UnitRefusal(e.Message, IsUnreachable: true));
        }
    }

    private UnitRefusal Explain(ProgramCall call, ProgramResult result)
    {
        string text = result.Explain(call);
        bool isUnreachable = result.WasNotStarted || result.IsTimedOut || result.Exit.ExitCode is null
            || s_unreachable.Any(sign => text.Contains(sign, StringComparison.OrdinalIgnoreCase));
        if (!isUnreachable)
            return new UnitRefusal(text, IsUnreachable: false);
        string advice = IsSystem
            ? "systemd has to be the machine's init system, and to answer ('systemctl is-system-running')"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{Description} has to run without a login ('loginctl enable-linger {UserId}'); 'systemctl status "
                + $"user@{UserId}' tells whether it does, and 'systemctl start user@{UserId}' starts it again");
        return new UnitRefusal($"{text}; {advice}", IsUnreachable: true);
    }
}
