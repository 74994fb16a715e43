/* Loaded before the C library: a clock that is set wrong, a disk that is full from the n-th write on, and an end as by
 * `kill -9` at the n-th call that changes something on a disk. Each is switched on by a call, and off at first. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long long ahead_seconds;
static volatile int counting;
static volatile long long seen, die_at, full_at;

void faults_clock(long long seconds) { ahead_seconds = seconds; }

void faults_begin(long long die, long long full) {
    seen = 0;
    die_at = die;
    full_at = full;
    counting = 1;
}

long long faults_seen(void) { return seen; }

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

/* Of the files of a store alone: what goes to a terminal or a pipe changes nothing on a disk. */
static int is_ours(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return strstr(path, "/.drift/") != NULL;
}

/* Whether there is no room for this change; where it is the one to end at, there is no return. */
static int counted(void) {
    if (++seen == die_at) raise(SIGKILL);
    return full_at && seen >= full_at;
}

static int is_full(int fd) { return counting && is_ours(fd) && counted(); }

static int is_full_for(const char *path) { return counting && strstr(path, ".drift/") && counted(); }

#define WRITES(name, type, parameters, arguments) \
    type name parameters { \
        REAL(name); \
        if (is_full(fd)) { errno = ENOSPC; return -1; } \
        return real arguments; \
    }

WRITES(write, ssize_t, (int fd, const void *bytes, size_t count), (fd, bytes, count))
WRITES(pwrite, ssize_t, (int fd, const void *bytes, size_t count, off_t at), (fd, bytes, count, at))
WRITES(pwrite64, ssize_t, (int fd, const void *bytes, size_t count, off64_t at), (fd, bytes, count, at))

/* A file that is cut gives room back; one that grows needs some. */
static int grows(int fd, long long length) {
    struct stat found;
    return !fstat(fd, &found) && length > found.st_size;
}

int ftruncate(int fd, off_t length) {
    REAL(ftruncate);
    if (is_full(fd) && grows(fd, length)) { errno = ENOSPC; return -1; }
    return real(fd, length);
}

int ftruncate64(int fd, off64_t length) {
    REAL(ftruncate64);
    if (is_full(fd) && grows(fd, length)) { errno = ENOSPC; return -1; }
    return real(fd, length);
}

#define NEEDS_ROOM(name, parameters, arguments) \
    int name parameters { \
        REAL(name); \
        if (is_full_for(path)) { errno = ENOSPC; return -1; } \
        return real arguments; \
    }

NEEDS_ROOM(link, (const char *old, const char *path), (old, path))
NEEDS_ROOM(mkdir, (const char *path, mode_t mode), (path, mode))

/* These need no room, but a process may end between any two of them. */
#define CHANGES(name, parameters, ours, arguments) \
    int name parameters { \
        REAL(name); \
        if (ours) counted(); \
        return real arguments; \
    }

CHANGES(fsync, (int fd), counting && is_ours(fd), (fd))
CHANGES(fdatasync, (int fd), counting && is_ours(fd), (fd))
CHANGES(rename, (const char *old, const char *path), counting && strstr(path, ".drift/"), (old, path))
CHANGES(unlink, (const char *path), counting && strstr(path, ".drift/"), (path))
CHANGES(rmdir, (const char *path), counting && strstr(path, ".drift/"), (path))

int clock_gettime(clockid_t which, struct timespec *now) {
    REAL(clock_gettime);
    int status = real(which, now);
    if (!status && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead_seconds;
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    REAL(gettimeofday);
    int status = real(now, zone);
    if (!status) now->tv_sec += ahead_seconds;
    return status;
}

time_t time(time_t *now) {
    REAL(time);
    time_t found = real(NULL) + ahead_seconds;
    if (now) *now = found;
    return found;
}
