/*
 * The job under test: job RECORD [rule=value]... -- PATH
 *
 * Looks at PATH, then appends one line to RECORD; when it ends by itself it appends a second one:
 *   S path size hash mtime_ns inode attempt job rule pid monotonic_ns
 *   E path exit_code attempt job rule pid monotonic_ns
 * The path is in hex, so that no byte of it can disturb the line. Each line is one write(2) with O_APPEND.
 *
 * Rules, carried out in the order given:
 *   exit=N            ends with N
 *   fail-first=N      ends with 1 while the attempt's number is at most N
 *   fail-while=FILE   ends with 1 while FILE exists
 *   must-read=        ends with 2 if PATH could not be read
 *   wait-for=FILE     waits until FILE exists
 *   wait-forever=     waits for a signal
 *   dawdle=MS         takes so many milliseconds for about every fiftieth path
 *   ignore-term=      ignores SIGTERM
 *   children=N        starts N children that ignore SIGTERM and wait for a signal
 *   say=TEXT          writes TEXT and a newline to stdout
 *   print=BYTES       writes so many bytes to stdout
 *   rewrite=TEXT      writes TEXT over the beginning of PATH, as a pre-processing step would
 *   remove=FILE       removes FILE
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *record_file, *path;
static int is_read;

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : "-";
}

static void append(const char *line, size_t length)
{
    int fd = open(record_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, line, length) != (ssize_t)length) {
        perror(record_file);
        exit(99);
    }
    close(fd);
}

static void record(char kind, const char *facts)
{
    static char line[20000];
    size_t used = 0;
    line[used++] = kind;
    line[used++] = ' ';
    for (const unsigned char *c = (const unsigned char *)path; *c; c++)
        used += (size_t)sprintf(line + used, "%02x", *c);
    used += (size_t)snprintf(line + used, sizeof line - used, " %s %s %s %s %d %" PRIu64 "\n", facts,
        variable("AUTOCRUNCH_ATTEMPT"), variable("AUTOCRUNCH_JOB_ID"), variable("AUTOCRUNCH_RULE"), (int)getpid(),
        monotonic_ns());
    append(line, used);
}

static void record_start(void)
{
    static unsigned char buffer[1 << 16];
    char facts[200];
    struct stat stat_now = { 0 };
    uint64_t hash = 14695981039346656037u;
    int64_t size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = -1;
    if (fd >= 0 && fstat(fd, &stat_now) == 0) {
        while ((got = read(fd, buffer, sizeof buffer)) > 0) {
            size += got;
            for (ssize_t i = 0; i < got; i++)
                hash = (hash ^ buffer[i]) * 1099511628211u;
        }
    }
    is_read = got == 0;
    if (!is_read)
        size = -1;
    snprintf(facts, sizeof facts, "%" PRId64 " %016" PRIx64 " %" PRId64 " %" PRIu64, size, hash,
        (int64_t)stat_now.st_mtim.tv_sec * 1000000000 + stat_now.st_mtim.tv_nsec, (uint64_t)stat_now.st_ino);
    if (fd >= 0)
        close(fd);
    record('S', facts);
}

static void end(int status)
{
    char facts[20];
    snprintf(facts, sizeof facts, "%d", status);
    record('E', facts);
    fflush(stdout);
    _exit(status);
}

static void start_children(long count)
{
    for (long i = 0; i < count; i++) {
        pid_t child = fork();
        if (child != 0)
            continue;
        signal(SIGTERM, SIG_IGN);
        for (;;)
            pause();
    }
}

static void print_bytes(long long count)
{
    static char block[1 << 16];
    memset(block, 'x', sizeof block);
    for (size_t i = 99; i < sizeof block; i += 100)
        block[i] = '\n';
    puts("the first line");
    fflush(stdout);
    for (long long left = count; left > 0;) {
        ssize_t put = write(1, block, left < (long long)sizeof block ? (size_t)left : sizeof block);
        if (put < 0) {
            perror("stdout");
            end(98);
        }
        left -= put;
    }
    puts("\nthe last line");
    fflush(stdout);
}

static void rewrite(const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        perror(path);
    close(fd);
}

static void wait_for(const char *file)
{
    struct timespec pause_ns = { 0, 5000000 };
    while (access(file, F_OK) != 0)
        nanosleep(&pause_ns, NULL);
}

static void dawdle(long ms)
{
    unsigned sum = 0;
    for (const unsigned char *c = (const unsigned char *)path; *c; c++)
        sum = sum * 31 + *c;
    struct timespec pause_ns = { ms / 1000, ms % 1000 * 1000000 };
    if (sum % 50 == 0)
        nanosleep(&pause_ns, NULL);
}

static void carry_out(const char *rule, const char *value)
{
    if (strcmp(rule, "exit") == 0)
        end(atoi(value));
    else if (strcmp(rule, "fail-first") == 0) {
        if (atol(variable("AUTOCRUNCH_ATTEMPT")) <= atol(value))
            end(1);
    } else if (strcmp(rule, "fail-while") == 0) {
        if (access(value, F_OK) == 0)
            end(1);
    } else if (strcmp(rule, "must-read") == 0) {
        if (!is_read)
            end(2);
    } else if (strcmp(rule, "wait-for") == 0)
        wait_for(value);
    else if (strcmp(rule, "wait-forever") == 0)
        for (;;)
            pause();
    else if (strcmp(rule, "dawdle") == 0)
        dawdle(atol(value));
    else if (strcmp(rule, "ignore-term") == 0)
        signal(SIGTERM, SIG_IGN);
    else if (strcmp(rule, "children") == 0)
        start_children(atol(value));
    else if (strcmp(rule, "say") == 0) {
        puts(value);
        fflush(stdout);
    } else if (strcmp(rule, "print") == 0)
        print_bytes(atoll(value));
    else if (strcmp(rule, "rewrite") == 0)
        rewrite(value);
    else if (strcmp(rule, "remove") == 0)
        unlink(value);
    else {
        fprintf(stderr, "job: unknown rule %s\n", rule);
        end(97);
    }
}

int main(int argc, char **argv)
{
    int dashes = 2;
    while (dashes < argc && strcmp(argv[dashes], "--") != 0)
        dashes++;
    if (dashes + 2 != argc) {
        fprintf(stderr, "usage: job RECORD [rule=value]... -- PATH\n");
        return 96;
    }
    record_file = argv[1];
    path = argv[dashes + 1];
    record_start();
    for (int i = 2; i < dashes; i++) {
        char *equals = strchr(argv[i], '=');
        if (!equals)
            return 95;
        *equals = 0;
        carry_out(argv[i], equals + 1);
    }
    end(0);
}
