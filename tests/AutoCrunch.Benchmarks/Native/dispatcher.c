// The C reference: a correct dispatcher for rsync's renames, as small as it can be. One thread, inotify, new
// directories watched and listed, everything listed again after an overflow, each path taken once, posix_spawn. It
// remembers nothing when it ends.
//   dispatcher DIR JOB POOL       runs JOB PATH for each file, POOL at a time
//   dispatcher DIR - RECORD       starts nothing: on SIGTERM writes "<CLOCK_MONOTONIC ns> <path>" for each file
#define _GNU_SOURCE
#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static const char *job;
static int events, pool, running, detects;
static posix_spawnattr_t attributes;
static char **directories;
static int directories_max;
static struct { char *path; long long ns; } *queue;
static size_t next, count, queue_max;
static char **taken;
static size_t taken_count, taken_max = 1 << 16;

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static size_t place(char **table, size_t max, const char *path)
{
    unsigned long hash = 1469598103934665603ul;
    for (const char *at = path; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211ul;
    size_t i = (hash ^ hash >> 29) & (max - 1);
    while (table[i] && strcmp(table[i], path) != 0)
        i = (i + 1) & (max - 1);
    return i;
}

static int take(char *path)
{
    if (taken_count * 2 > taken_max) {
        char **larger = calloc(taken_max * 2, sizeof *larger);
        for (size_t i = 0; i < taken_max; i++)
            if (taken[i])
                larger[place(larger, taken_max * 2, taken[i])] = taken[i];
        free(taken);
        taken = larger;
        taken_max *= 2;
    }
    size_t i = place(taken, taken_max, path);
    if (taken[i])
        return 0;
    taken[i] = path;
    taken_count++;
    return 1;
}

static void start(void)
{
    while (!detects && running < pool && next < count) {
        char *argv[] = { (char *)job, queue[next++].path, NULL };
        pid_t pid;
        if (posix_spawn(&pid, job, NULL, &attributes, argv, environ) == 0)
            running++;
    }
}

static void found(const char *directory, const char *name)
{
    char *path;
    if (name[0] == '.' || asprintf(&path, "%s/%s", directory, name) < 0)
        return;
    if (!take(path)) {
        free(path);
        return;
    }
    if (count == queue_max)
        queue = realloc(queue, (queue_max = queue_max ? queue_max * 2 : 65536) * sizeof *queue);
    queue[count].ns = detects ? now() : 0;
    queue[count++].path = path;
    start();
}

static void watch(const char *directory, int reports)
{
    int wd = inotify_add_watch(events, directory, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
    if (wd < 0)
        return;
    if (wd >= directories_max) {
        int before = directories_max;
        directories = realloc(directories, (directories_max = wd * 2 + 64) * sizeof *directories);
        memset(directories + before, 0, (directories_max - before) * sizeof *directories);
    }
    if (!directories[wd])
        directories[wd] = strdup(directory);
    DIR *list = opendir(directory);
    for (struct dirent *entry; list && (entry = readdir(list));) {
        if (entry->d_name[0] == '.')
            continue;
        if (entry->d_type == DT_DIR) {
            char below[PATH_MAX];
            snprintf(below, sizeof below, "%s/%s", directory, entry->d_name);
            watch(below, reports);
        } else if (reports) {
            found(directory, entry->d_name);
        }
    }
    if (list)
        closedir(list);
}

static void handle(const char *root, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW) {
        watch(root, 1);
        return;
    }
    if (event->wd < 0 || event->wd >= directories_max || !directories[event->wd] || event->len == 0)
        return;
    if (event->mask & IN_ISDIR) {
        char below[PATH_MAX];
        snprintf(below, sizeof below, "%s/%s", directories[event->wd], event->name);
        watch(below, 1);
    } else if (event->mask & IN_MOVED_TO) {
        found(directories[event->wd], event->name);
    }
}

static void record(const char *file)
{
    FILE *out = fopen(file, "w");
    for (size_t i = 0; out && i < count; i++)
        fprintf(out, "%lld %s\n", queue[i].ns, queue[i].path);
    exit(out == NULL || fclose(out) != 0);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 64;
    job = argv[2];
    detects = strcmp(job, "-") == 0;
    pool = atoi(argv[3]);
    taken = calloc(taken_max, sizeof *taken);
    sigset_t signals, none;
    sigemptyset(&none);
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    int told = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    events = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    watch(argv[1], 0);
    static char buffer[1 << 18] __attribute__((aligned(8)));
    struct pollfd fds[2] = { { events, POLLIN, 0 }, { told, POLLIN, 0 } };
    for (;;) {
        poll(fds, 2, -1);
        if (fds[1].revents) {
            struct signalfd_siginfo info;
            while (read(told, &info, sizeof info) > 0)
                if (info.ssi_signo == SIGTERM)
                    detects ? record(argv[3]) : exit(0);
            while (waitpid(-1, NULL, WNOHANG) > 0)
                running--;
            start();
        }
        if (!fds[0].revents)
            continue;
        ssize_t length = read(events, buffer, sizeof buffer);
        for (char *at = buffer; length > 0 && at < buffer + length;) {
            const struct inotify_event *event = (void *)at;
            at += sizeof *event + event->len;
            handle(argv[1], event);
        }
    }
}
