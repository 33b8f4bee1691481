// Makes files one by one as rsync does: create .NAME.XXXXXX, write, close, set the times and the mode, rename.
//   generate paced DIR COUNT PAUSE_US          prints "<CLOCK_MONOTONIC ns just before the rename> <path>" for each file
//   generate burst DIR COUNT DIRECTORIES       as quickly as it can, into DIR/000, DIR/001 and so on, which exist
//   generate deep DIR CHAINS DEPTH             new directories in new directories, a file in each at once
//   generate names DIR COUNT                   COUNT empty files a0000000 and so on
//   generate renames DIR COUNT                 renames those to b0000000 and so on: one IN_MOVED_TO each
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char content[1024];

static void fail(const char *path)
{
    perror(path);
    exit(1);
}

static long long deliver(const char *directory, const char *name, char *final)
{
    char temporary[4096];
    snprintf(temporary, sizeof temporary, "%s/.%s.AbC123", directory, name);
    snprintf(final, 4096, "%s/%s", directory, name);
    int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || write(fd, content, sizeof content) != sizeof content)
        fail(temporary);
    close(fd);
    struct timespec times[2] = { { 1400000000, 5 }, { 1400000000, 5 } };
    utimensat(AT_FDCWD, temporary, times, 0);
    chmod(temporary, 0644);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (rename(temporary, final))
        fail(final);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void deep(const char *root, int chains, int depth)
{
    for (int chain = 0; chain < chains; chain++) {
        char directory[4096], name[64], final[4096];
        int length = snprintf(directory, sizeof directory, "%s/n%05d", root, chain);
        for (int level = 0; level < depth; level++) {
            if (mkdir(directory, 0755))
                fail(directory);
            snprintf(name, sizeof name, "f%05d-%d.raw", chain, level);
            deliver(directory, name, final);
            length += snprintf(directory + length, sizeof directory - length, "/l%d", level);
        }
    }
}

static void names(const char *directory, int count, int renames)
{
    for (int i = 0; i < count; i++) {
        char from[4096], to[4096];
        snprintf(from, sizeof from, "%s/a%07d", directory, i);
        snprintf(to, sizeof to, "%s/b%07d", directory, i);
        int fd = renames ? -1 : open(from, O_CREAT | O_WRONLY, 0644);
        if (renames ? rename(from, to) : fd < 0)
            fail(from);
        if (!renames)
            close(fd);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 64;
    memset(content, 'x', sizeof content);
    const char *mode = argv[1];
    int count = atoi(argv[3]), number = argc > 4 ? atoi(argv[4]) : 0;
    if (strcmp(mode, "names") == 0 || strcmp(mode, "renames") == 0) {
        names(argv[2], count, mode[0] == 'r');
        return 0;
    }
    if (strcmp(mode, "deep") == 0) {
        deep(argv[2], count, number);
        return 0;
    }
    int paced = strcmp(mode, "paced") == 0;
    for (int i = 0; i < count; i++) {
        char directory[4096], name[64], final[4096];
        snprintf(directory, sizeof directory, "%s", argv[2]);
        if (!paced)
            snprintf(directory, sizeof directory, "%s/%03d", argv[2], (int)((long)i * number / count));
        snprintf(name, sizeof name, "f%07d.raw", i);
        long long ns = deliver(directory, name, final);
        if (paced) {
            printf("%lld %s\n", ns, final);
            usleep(number);
        }
    }
    return 0;
}
