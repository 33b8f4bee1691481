// Processes a second: so many threads, each posix_spawn(3) and waitpid(2) of its own child. Prints the rate.
//   spawn COUNT THREADS PROGRAM
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static int left;
static char *program;

static void *work(void *unused)
{
    char *argv[] = { program, "path", NULL };
    while (__atomic_sub_fetch(&left, 1, __ATOMIC_RELAXED) >= 0) {
        pid_t pid;
        if (posix_spawn(&pid, program, NULL, NULL, argv, environ) != 0 || waitpid(pid, NULL, 0) != pid)
            exit(1);
    }
    return unused;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 64;
    int count = left = atoi(argv[1]), threads = atoi(argv[2]);
    program = argv[3];
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    pthread_t thread[64];
    for (int i = 0; i < threads && i < 64; i++)
        pthread_create(&thread[i], NULL, work, NULL);
    for (int i = 0; i < threads && i < 64; i++)
        pthread_join(thread[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.1f\n", count / (end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) / 1e9));
    return 0;
}
