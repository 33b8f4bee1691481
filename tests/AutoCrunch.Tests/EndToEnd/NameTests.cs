using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>Names that break programs which take paths for text, or temporaries for files.</summary>
public sealed class NameTests(RenameService fixture) : IClassFixture<RenameService>
{
    // The atlas's awkward names: dots, quotes, control characters, invalid UTF-8, Latin-1, names too long for a
    // temporary.
    private const string MakeAll = """
        k=$(printf '\346\274\242'); many() { printf "%0.s$1" $(seq $2); }
        for name in f.raw .f.raw f.raw. .f.raw. f.raw.. noext .noext a .a a. ... ..f.raw '. .' a.b.c.d 'sp ace.raw' \
            $'new\nline.raw' $'quo\'te".raw' -dash.raw --delete $'tab\t.raw' été.raw \
            $'bad\xff\xfe.raw' $'bad\xfe\xff.raw' \
            'bs\.raw' 'star*.raw' '$HOME.raw' '{path}.raw' '%s.raw' .f.raw.AbC123 f.raw.AbC123 .~tmp~x \
            $(many x 240).raw $(many x 242).raw $(many x 243).raw $(many x 250).raw $(many x 251).raw \
            .$(many y 250).raw $(many x 245).$(many z 9) $(many x 246).$(many z 8) a$(many $k 84) $(many $k 85) \
            $(many x 244)$(many é 5) $(many x 100).$(many $k 51) $(many $'\xff' 255) e.$(many $'\xe9' 253); do
            printf 'content of %s' "$name" >"$S/$name"
            touch -d 2020-01-01 -- "$S/$name"
        done
        """;

    private const int NameCount = 45;

    private readonly Arena _arena = new(fixture.Service);

    [Fact]
    public void Pain_29_every_awkward_name_runs_once_with_its_exact_bytes()
    {
        _arena.RunsAll(MakeAll + "\nrsync -a $S/ $D/", NameCount);
        _arena.Nothing();
        BytePath[] ran = [.. _arena.Started().Select(record => record.Path.Name)];
        Assert.Contains(new BytePath([.. "bad"u8, 0xFF, 0xFE, .. ".raw"u8]), ran);
        Assert.Contains(new BytePath([.. "bad"u8, 0xFE, 0xFF, .. ".raw"u8]), ran);
        Assert.Contains(new BytePath("new\nline.raw"u8), ran);
        Assert.Contains(new BytePath("-dash.raw"u8), ran);
        Assert.Contains(ran, name => name.Length == 255);
    }

    [Fact]
    public void Every_awkward_name_runs_once_through_a_temporary_directory()
    {
        _arena.RunsAll("mkdir $B/T\n" + MakeAll + "\nrsync -a --temp-dir=$B/T $S/ $D/", NameCount);
        _arena.Nothing();
    }

    [Fact]
    public void Every_awkward_name_but_those_of_temporary_shape_runs_once_in_place()
    {
        _arena.RunsAll(MakeAll + "\nrm $S/.f.raw.AbC123; rsync -a --inplace $S/ $D/", NameCount - 1);
        _arena.Nothing();
    }

    [Fact]
    public void A_file_really_named_like_a_temporary_runs_when_it_arrives_by_rename()
    {
        _arena.Runs("new $S/.f.raw.AbC123; rsync -a $S/ $D/", ".f.raw.AbC123");
        _arena.Runs("new $S/.config.backup; mv $S/.config.backup $D/", ".config.backup");
        _arena.Nothing();
    }

    [Fact]
    public void A_directory_of_awkward_bytes_is_watched_like_any_other()
    {
        _arena.Script("""
            d=$S/$'dir\xff\n"'; mkdir -p "$d/-sub"; echo 1 >"$d/-sub/f.raw"
            rsync -a $S/ $D/
            """);
        byte[] directory = [.. "dir"u8, 0xFF, .. "\n\"/-sub/"u8];
        _arena.ExpectOneMore([new BytePath([.. directory, .. "f.raw"u8])]);
        _arena.Script("""echo 2 >"$S/"$'dir\xff\n"/-sub/g.raw'; rsync -a $S/ $D/""");
        _arena.ExpectOneMore([new BytePath([.. directory, .. "g.raw"u8])]);
        _arena.Nothing();
    }

    [Fact]
    public void A_name_that_is_no_text_is_escaped_in_the_log()
    {
        _arena.Holds(
            """printf x >$S/$'held\xff\n.raw'; touch -d @0 $S/held*; mv $S/held* $D/""", @"held\xFF\x0A.raw",
                "mtime 0");
        Assert.DoesNotContain(Encoding.UTF8.GetString([0xEF, 0xBF, 0xBD]), fixture.Service.Log,
            StringComparison.Ordinal);
    }
}
