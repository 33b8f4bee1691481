// Makes files one by one as rsync does: create .NAME.XXXXXX, write, close, set the times and the mode, rename.
//   generate DIR COUNT PAUSE_US    prints "<CLOCK_MONOTONIC ns just before the rename> <path>" for each file
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 4)
        return 64;
    static char content[1024];
    memset(content, 'x', sizeof content);
    int count = atoi(argv[2]);
    for (int i = 0; i < count; i++) {
        char temporary[4096], final[4096];
        snprintf(temporary, sizeof temporary, "%s/.f%07d.raw.AbC123", argv[1], i);
        snprintf(final, sizeof final, "%s/f%07d.raw", argv[1], i);
        int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (fd < 0 || write(fd, content, sizeof content) != sizeof content)
            return perror(temporary), 1;
        close(fd);
        struct timespec times[2] = { { 1400000000, 5 }, { 1400000000, 5 } };
        utimensat(AT_FDCWD, temporary, times, 0);
        chmod(temporary, 0644);
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (rename(temporary, final))
            return perror(final), 1;
        printf("%lld %s\n", now.tv_sec * 1000000000LL + now.tv_nsec, final);
        usleep(atoi(argv[3]));
    }
    return 0;
}
