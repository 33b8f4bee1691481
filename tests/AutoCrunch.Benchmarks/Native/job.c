// The job of the latency benchmark: its first act is to read the clock, its second to append
// "<CLOCK_MONOTONIC ns> <path>" to the record with one write. Static, so that exec is most of its start.
//   cc -O2 -static -DRECORD='"/path/to/record"' job.c -o job
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    char line[4352];
    int length = snprintf(line, sizeof line, "%lld %s\n", now.tv_sec * 1000000000LL + now.tv_nsec, argc > 1 ? argv[1] : "");
    int fd = open(RECORD, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    return fd < 0 || write(fd, line, length) != length;
}
