namespace AutoCrunch.Linux;

/// <summary>Signal numbers of Linux (signal(7)); the same on x86_64 and arm64.</summary>
internal static class Signals
{
    public const int SIGHUP = 1;
    public const int SIGINT = 2;
    public const int SIGQUIT = 3;
    public const int SIGILL = 4;
    public const int SIGTRAP = 5;
    public const int SIGABRT = 6;
    public const int SIGBUS = 7;
    public const int SIGFPE = 8;
    public const int SIGKILL = 9;
    public const int SIGUSR1 = 10;
    public const int SIGSEGV = 11;
    public const int SIGUSR2 = 12;
    public const int SIGPIPE = 13;
    public const int SIGALRM = 14;
    public const int SIGTERM = 15;
    public const int SIGCHLD = 17;
    public const int SIGCONT = 18;
    public const int SIGSTOP = 19;
    public const int SIGTSTP = 20;
    public const int SIGURG = 23;
    public const int SIGXCPU = 24;
    public const int SIGXFSZ = 25;
    public const int SIGIO = 29;
    public const int SIGPWR = 30;
    public const int SIGSYS = 31;

    /// <summary>"SIGKILL"; "signal 42" for one without a name here.</summary>
    public static string Name(int signal) => signal switch
    {
        SIGHUP => nameof(SIGHUP),
        SIGINT => nameof(SIGINT),
        SIGQUIT => nameof(SIGQUIT),
        SIGILL => nameof(SIGILL),
        SIGTRAP => nameof(SIGTRAP),
        SIGABRT => nameof(SIGABRT),
        SIGBUS => nameof(SIGBUS),
        SIGFPE => nameof(SIGFPE),
        SIGKILL => nameof(SIGKILL),
        SIGUSR1 => nameof(SIGUSR1),
        SIGSEGV => nameof(SIGSEGV),
        SIGUSR2 => nameof(SIGUSR2),
        SIGPIPE => nameof(SIGPIPE),
        SIGALRM => nameof(SIGALRM),
        SIGTERM => nameof(SIGTERM),
        SIGCHLD => nameof(SIGCHLD),
        SIGCONT => nameof(SIGCONT),
        SIGSTOP => nameof(SIGSTOP),
        SIGTSTP => nameof(SIGTSTP),
        SIGURG => nameof(SIGURG),
        SIGXCPU => nameof(SIGXCPU),
        SIGXFSZ => nameof(SIGXFSZ),
        SIGIO => nameof(SIGIO),
        SIGPWR => nameof(SIGPWR),
        SIGSYS => nameof(SIGSYS),
        _ => $"signal {signal}",
    };
}
