using AutoCrunch.Watching;

namespace AutoCrunch.Tests.Watching;

/// <summary>
/// Events that never stop: the loop itself makes the next one in each of its turns, so that it never comes to rest. The
/// ways to the roots are looked at all the same.
/// </summary>
public sealed class RootInFloodTests : IDisposable
{
    // Turns without rest before anything is changed.
    private const int Enough = 1000;

    private readonly TempDirectory _temp = new();
    private readonly WatchOptions _options;
    private volatile bool _isFlooding;
    private int _turns;

    public RootInFloodTests() => _options = new WatchOptions
    {
        CoveredRootCheck = TimeSpan.FromHours(1),
        OnTurn = _ =>
        {
            if (!_isFlooding)
                return;
            _temp.Write("busy/f", "");
            Interlocked.Increment(ref _turns);
        },
    };

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData("mv a elsewhere")]
    [InlineData("rm a/link")]
    [InlineData("mv real elsewhere")]
    public void A_root_that_is_moved_away_is_lost_and_found_again_when_it_is_back(string change)
    {
        using WatchRig rig = Flooded();
        Shell.Run(_temp.Text, change);
        Wait.Until(() => rig.HasLogged("is lost"));
        Shell.Run(_temp.Text, "mkdir -p a real/in; [ -e a/link ] || ln -s ../real a/link; touch real/in/back.raw");
        Wait.Until(() => rig.Known.Has("raw", "back.raw"));
    }

    [Theory]
    [InlineData("ln -sfn ../other a/link")]
    [InlineData("mv real old; mv other real")]
    public void A_root_that_is_replaced_is_followed_to_the_new_directory(string change)
    {
        _temp.Write("other/in/b.raw");
        using WatchRig rig = Flooded();
        Shell.Run(_temp.Text, change);
        Wait.Until(() => rig.Known.Has("raw", "b.raw"));
    }

    [RequiresFact(RequiresFactAttribute.Root, "mount")]
    public void A_root_that_is_mounted_over_shows_what_is_mounted()
    {
        using WatchRig rig = Flooded();
        Shell.Run(_temp.Text, "mount -t tmpfs none real/in");
        try
        {
            _temp.Write("real/in/b.raw");
            Wait.Until(() => rig.Known.Has("raw", "b.raw"));
        }
        finally
        {
            Shell.Run(_temp.Text, "umount -l real/in");
        }
    }

    // Beside the busy root one whose way is a link: "a/link/in".
    private WatchRig Flooded()
    {
        _temp.Write("real/in/a.raw");
        Shell.Run(_temp.Text, "mkdir a busy; ln -s ../real a/link");
        var rig = new WatchRig(
            [WatchRig.Rule(_temp["a/link/in"]), WatchRig.Rule(_temp["busy"], "busy")], options: _options);
        try
        {
            Wait.Until(() => rig.Known.Has("raw", "a.raw"));
            _isFlooding = true;
            _temp.Write("busy/f", ""); // the first, from which on each turn makes the next
            Wait.Until(() => Volatile.Read(ref _turns) > Enough);
            return rig;
        }
        catch
        {
            rig.Dispose();
            throw;
        }
    }
}
