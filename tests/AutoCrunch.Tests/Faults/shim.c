/*
 * Preloaded into the service under test: lets the wall clock be set, and calls fail, for this process alone. What is
 * wanted is in the file $SHIM_CONTROL, eight 64-bit numbers that a test may change at any time:
 *   0  nanoseconds added to CLOCK_REALTIME
 *   1  errno of posix_spawn(3); 0 = it works
 *   2  errno of pwrite(2) to files whose path contains "ledger.db"
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *control;

static void *real(const char *name);

static void *(*real_dlsym(void))(void *, const char *)
{
    static void *(*found)(void *, const char *);
    static const char *const versions[] = { "GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.2.5" };
    for (int i = 0; !found && i < 3; i++)
        *(void **)&found = dlvsym(RTLD_NEXT, "dlsym", versions[i]);
    return found;
}

static void *real(const char *name) { return real_dlsym()(RTLD_NEXT, name); }

__attribute__((constructor)) static void start(void)
{
    const char *file = getenv("SHIM_CONTROL");
    int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    if (mapped != MAP_FAILED)
        control = mapped;
}

static int wanted(int index) { return control ? (int)control[index] : 0; }

int clock_gettime(clockid_t clock, struct timespec *time)
{
    static int (*next)(clockid_t, struct timespec *);
    if (!next)
        *(void **)&next = real("clock_gettime");
    int result = next(clock, time);
    if (result == 0 && clock == CLOCK_REALTIME && control && control[0] != 0) {
        int64_t ns = (int64_t)time->tv_sec * 1000000000 + time->tv_nsec + control[0];
        time->tv_sec = ns / 1000000000;
        time->tv_nsec = ns % 1000000000;
    }
    return result;
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
    const posix_spawnattr_t *attributes, char *const argv[], char *const environment[])
{
    if (wanted(1))
        return wanted(1);
    int (*next)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[],
        char *const[]);
    *(void **)&next = real("posix_spawn");
    return next(pid, path, actions, attributes, argv, environment);
}

static int fails(int fd)
{
    if (!wanted(2))
        return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    if (!strstr(path, "ledger.db"))
        return 0;
    errno = wanted(2);
    return 1;
}

ssize_t pwrite64(int fd, const void *buffer, size_t count, off64_t offset)
{
    static ssize_t (*next)(int, const void *, size_t, off64_t);
    if (!next)
        *(void **)&next = real("pwrite64");
    return fails(fd) ? -1 : next(fd, buffer, count, offset);
}

ssize_t pwrite(int fd, const void *buffer, size_t count, off_t offset)
{
    return pwrite64(fd, buffer, count, offset);
}

/* The runtime asks libc for its functions by name, past what is preloaded. */
void *dlsym(void *handle, const char *name)
{
    if (strcmp(name, "clock_gettime") == 0)
        return (void *)clock_gettime;
    if (strcmp(name, "posix_spawn") == 0)
        return (void *)posix_spawn;
    return real_dlsym()(handle, name);
}
