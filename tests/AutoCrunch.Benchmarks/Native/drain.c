// The least that reading the kernel's queue costs: counts COUNT events of DIR and does nothing with them. Prints
// "ready", then "<events> <overflows> <seconds from the end of the first read to the last>".
//   drain DIR COUNT
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 64;
    long wanted = atol(argv[2]), count = 0, overflows = 0;
    int queue = inotify_init1(IN_CLOEXEC);
    if (queue < 0 || inotify_add_watch(queue, argv[1], IN_MOVED_TO) < 0)
        return perror(argv[1]), 1;
    puts("ready");
    fflush(stdout);
    static char buffer[1 << 18] __attribute__((aligned(8)));
    double start = 0;
    while (count < wanted && overflows == 0) {
        ssize_t length = read(queue, buffer, sizeof buffer);
        start = start == 0 ? now() : start;
        for (char *at = buffer; length > 0 && at < buffer + length;) {
            const struct inotify_event *event = (void *)at;
            at += sizeof *event + event->len;
            count++;
            overflows += (event->mask & IN_Q_OVERFLOW) != 0;
        }
    }
    printf("%ld %ld %.6f\n", count, overflows, now() - start);
    return 0;
}
