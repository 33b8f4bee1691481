/*
 * What the scripts of the end-to-end tests need and the shell cannot do.
 *
 *   tool list DIR                  every regular file below DIR: path in hex, size, hash (as the job under test makes it)
 *   tool burst DIR PREFIX COUNT    COUNT small files, each written under a temporary name and renamed
 *   tool fill DIR PREFIX COUNT SEED  COUNT files of 0 to 16 KiB, each hundredth of 320 KiB, of content that differs
 *   tool end-rsync WHO SIGNAL PID  signals one part of the rsync started as PID and waits until all of it is gone;
 *                                  WHO: sender, generator, receiver or all
 *   tool exchange A B              renameat2(RENAME_EXCHANGE)
 *   tool link-unnamed FILE         O_TMPFILE, write, linkat
 *   tool store FILE                writes through a shared mapping
 *   tool open-close FILE           opens for writing, creates, writes nothing
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int fail(const char *what)
{
    fprintf(stderr, "tool: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void list_file(const char *path, size_t root_length)
{
    static unsigned char buffer[1 << 16];
    uint64_t hash = 14695981039346656037u;
    int64_t size = 0;
    ssize_t got;
    int fd = open(path, O_RDONLY | O_NOFOLLOW);
    if (fd < 0)
        fail(path);
    while ((got = read(fd, buffer, sizeof buffer)) > 0) {
        size += got;
        for (ssize_t i = 0; i < got; i++)
            hash = (hash ^ buffer[i]) * 1099511628211u;
    }
    close(fd);
    for (const unsigned char *c = (const unsigned char *)path + root_length + 1; *c; c++)
        printf("%02x", *c);
    printf(" %" PRId64 " %016" PRIx64 "\n", size, hash);
}

static void list(const char *directory, size_t root_length)
{
    DIR *entries = opendir(directory);
    if (!entries)
        fail(directory);
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *path;
        struct stat facts;
        if (asprintf(&path, "%s/%s", directory, entry->d_name) < 0 || lstat(path, &facts) < 0)
            fail(entry->d_name);
        if (S_ISDIR(facts.st_mode))
            list(path, root_length);
        else if (S_ISREG(facts.st_mode))
            list_file(path, root_length);
        free(path);
    }
    closedir(entries);
}

static void burst(const char *directory, const char *prefix, int count)
{
    char temporary[400], final[300];
    if (chdir(directory) < 0)
        fail(directory);
    for (int i = 0; i < count; i++) {
        snprintf(final, sizeof final, "%s%06d.raw", prefix, i);
        snprintf(temporary, sizeof temporary, ".%s.AbC%03d", final, i % 1000);
        int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0644);
        if (fd < 0 || dprintf(fd, "content of %s\n", final) < 0 || close(fd) < 0 || rename(temporary, final) < 0)
            fail(final);
    }
}

static void fill(const char *directory, const char *prefix, int count, uint64_t seed)
{
    static uint64_t content[40960];
    char name[300];
    uint64_t state = seed * 2654435761u + 88172645463325252u;
    if (chdir(directory) < 0)
        fail(directory);
    for (int i = 0; i < count; i++) {
        size_t size = i % 100 == 99 ? sizeof content : (state >> 20) % 16384;
        for (size_t word = 0; word * 8 < size; word++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            content[word] = state;
        }
        snprintf(name, sizeof name, "%s%06d.raw", prefix, i);
        int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        struct timespec times[2] = { { 1400000000 + (long)seed, 7 }, { 1400000000 + (long)seed, 7 } };
        if (fd < 0 || write(fd, content, size) != (ssize_t)size || futimens(fd, times) < 0 || close(fd) < 0)
            fail(name);
    }
}

/* Parent and state of a process; 0 when there is none. */
static int process_facts(int pid, int *parent, char *state)
{
    char path[40], text[1000];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (got <= 0)
        return 0;
    text[got] = 0;
    char *name_end = strrchr(text, ')');
    return name_end && sscanf(name_end + 2, "%c %d", state, parent) == 2;
}

static int is_rsync(int pid)
{
    char path[40], target[4096];
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length <= 0)
        return 0;
    target[length] = 0;
    char *name = strrchr(target, '/');
    return name && strncmp(name + 1, "rsync", 5) == 0;
}

static int all[1000], all_count;

/* Every process started below pid, parents first. */
static void collect(int pid)
{
    DIR *proc = opendir("/proc");
    int found[100], count = 0;
    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        int parent = 0, child = atoi(entry->d_name);
        char state;
        if (isdigit((unsigned char)entry->d_name[0]) && process_facts(child, &parent, &state) && parent == pid)
            found[count++] = child;
    }
    closedir(proc);
    for (int i = 0; i < count; i++) {
        all[all_count++] = found[i];
        collect(found[i]);
    }
}

static void end_rsync(const char *who, int signal_number, int pid)
{
    int servers[1000], count = 0;
    all[all_count++] = pid;
    collect(pid);
    for (int i = 1; i < all_count; i++)
        if (is_rsync(all[i]))
            servers[count++] = all[i];
    if (count < 2) {
        fprintf(stderr, "tool: %d rsync processes below %d, expected a generator and a receiver\n", count, pid);
        exit(1);
    }
    int sends_all = strcmp(who, "all") == 0;
    if (sends_all || strcmp(who, "sender") == 0)
        kill(pid, signal_number);
    if (sends_all || strcmp(who, "generator") == 0)
        kill(servers[0], signal_number);
    if (sends_all || strcmp(who, "receiver") == 0)
        kill(servers[count - 1], signal_number);
    for (int i = 0; i < all_count; i++) {
        int parent;
        char state;
        struct timespec pause_ns = { 0, 5000000 };
        for (int tries = 0; process_facts(all[i], &parent, &state) && state != 'Z'; tries++) {
            if (tries > 6000) {
                fprintf(stderr, "tool: process %d does not end\n", all[i]);
                exit(1);
            }
            nanosleep(&pause_ns, NULL);
        }
    }
}

static void link_unnamed(const char *file)
{
    char *copy = strdup(file), *slash = strrchr(copy, '/'), source[40];
    *slash = 0;
    int fd = open(copy, O_WRONLY | O_TMPFILE, 0644);
    snprintf(source, sizeof source, "/proc/self/fd/%d", fd);
    if (fd < 0 || write(fd, "unnamed\n", 8) != 8 || linkat(AT_FDCWD, source, AT_FDCWD, file, AT_SYMLINK_FOLLOW) < 0)
        fail(file);
    close(fd);
    free(copy);
}

static void store(const char *file)
{
    int fd = open(file, O_RDWR);
    char *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED)
        fail(file);
    memcpy(mapped, "mmap", 4);
    if (msync(mapped, 4, MS_SYNC) < 0)
        fail(file);
    munmap(mapped, 4);
    close(fd);
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "list") == 0 && argc == 3)
        list(argv[2], strlen(argv[2]));
    else if (strcmp(verb, "burst") == 0 && argc == 5)
        burst(argv[2], argv[3], atoi(argv[4]));
    else if (strcmp(verb, "fill") == 0 && argc == 6)
        fill(argv[2], argv[3], atoi(argv[4]), (uint64_t)atoll(argv[5]));
    else if (strcmp(verb, "end-rsync") == 0 && argc == 5)
        end_rsync(argv[2], atoi(argv[3]), atoi(argv[4]));
    else if (strcmp(verb, "exchange") == 0 && argc == 4) {
        if (renameat2(AT_FDCWD, argv[2], AT_FDCWD, argv[3], RENAME_EXCHANGE) < 0)
            fail(argv[2]);
    } else if (strcmp(verb, "link-unnamed") == 0 && argc == 3)
        link_unnamed(argv[2]);
    else if (strcmp(verb, "store") == 0 && argc == 3)
        store(argv[2]);
    else if (strcmp(verb, "open-close") == 0 && argc == 3) {
        int fd = open(argv[2], O_RDWR | O_CREAT, 0644);
        if (fd < 0)
            fail(argv[2]);
        close(fd);
    } else {
        fprintf(stderr, "tool: unknown arguments\n");
        return 64;
    }
    return 0;
}
