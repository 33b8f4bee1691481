// The least a rename-to-job program can do: one directory, inotify, posix_spawn, two jobs at a time. It remembers
// nothing, recovers from nothing, and is here only to show what the machine can do.
//   reference DIR JOB
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
    if (argc != 3)
        return 64;
    sigset_t signals, none;
    sigemptyset(&none);
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    int children = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    int events = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (children < 0 || events < 0 || inotify_add_watch(events, argv[1], IN_MOVED_TO) < 0)
        return perror(argv[1]), 1;
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    static char buffer[1 << 16] __attribute__((aligned(8)));
    struct pollfd fds[2] = { { events, POLLIN, 0 }, { children, POLLIN, 0 } };
    int running = 0;
    puts("ready");
    fflush(stdout);
    for (;;) {
        fds[0].events = running < 2 ? POLLIN : 0;
        poll(fds, 2, -1);
        if (fds[1].revents) {
            struct signalfd_siginfo info;
            while (read(children, &info, sizeof info) > 0)
                ;
            while (waitpid(-1, NULL, WNOHANG) > 0)
                running--;
        }
        if (!fds[0].revents)
            continue;
        ssize_t length = read(events, buffer, sizeof buffer);
        for (char *at = buffer; length > 0 && at < buffer + length;) {
            struct inotify_event *event = (struct inotify_event *)at;
            at += sizeof *event + event->len;
            char path[PATH_MAX];
            snprintf(path, sizeof path, "%s/%s", argv[1], event->name);
            char *job[] = { argv[2], path, NULL };
            pid_t pid;
            if (posix_spawn(&pid, argv[2], NULL, &attributes, job, environ) == 0)
                running++;
        }
    }
}
