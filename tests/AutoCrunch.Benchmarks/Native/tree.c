// Big trees, and the least that can be done with them.
//   tree make DIR DIRECTORIES FILES   so many directories, at most 1000 in one, with so many empty files in each
//   tree watch DIR                    nftw(3) and inotify_add_watch(2) on each directory; prints how many, and waits
#define _GNU_SOURCE
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

static int queue;
static long watches;

static int watch(const char *path, const struct stat *facts, int type, struct FTW *where)
{
    (void)facts, (void)where;
    if (type != FTW_D)
        return 0;
    watches++;
    unsigned mask = IN_CREATE | IN_CLOSE_WRITE | IN_MOVE | IN_DELETE | IN_ATTRIB | IN_ONLYDIR;
    return inotify_add_watch(queue, path, mask) < 0;
}

static int make(const char *root, int directories, int files)
{
    char path[4096];
    for (int i = 0; i < directories; i++) {
        snprintf(path, sizeof path, "%s/%04d", root, i / 1000);
        if (i % 1000 == 0 && mkdir(path, 0755) < 0)
            return perror(path), 1;
        snprintf(path, sizeof path, "%s/%04d/d%06d", root, i / 1000, i);
        if (mkdir(path, 0755) < 0 || chdir(path) < 0)
            return perror(path), 1;
        for (int file = 0; file < files; file++) {
            snprintf(path, sizeof path, "f%07d.raw", file);
            int fd = open(path, O_WRONLY | O_CREAT, 0644);
            if (fd < 0)
                return perror(path), 1;
            close(fd);
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "make") == 0)
        return make(argv[2], atoi(argv[3]), atoi(argv[4]));
    if (argc != 3 || strcmp(argv[1], "watch") != 0)
        return 64;
    queue = inotify_init1(IN_CLOEXEC);
    if (queue < 0 || nftw(argv[2], watch, 64, FTW_PHYS) != 0)
        return perror(argv[2]), 1;
    printf("%ld\n", watches);
    fflush(stdout);
    pause();
    return 0;
}
