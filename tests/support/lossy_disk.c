/* lossy_disk: preloaded into a server, it writes down in order what the server does to the files below its working directory, so
 * that a test can work out what a power cut would leave of them; and it makes the disk slow, full, broken or dishonest on demand.
 *
 *   home/data/           the server's working directory when it starts: all below it is watched
 *   home/disk.control    words of 64 bits, mapped: what the disk is to do, set by the test (enum word)
 *   home/disk.journal.n  what the n-th process did (struct entry, each followed by its bytes)
 *
 * Nothing is really synced: what a sync is worth, the journal tells. An entry is written behind its operation and before the server
 * hears of the result, so a kill at any moment leaves a journal that has at least what the server was told; half an entry at its
 * end does not count. One lock keeps entries in the order of the operations; it is not held while a sync takes its time.
 * An operation on a watched file that is not known here ends the process: a journal with gaps would prove nothing. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The same numbers stand in lossy_disk.rs. */
enum word {
    SYNC_US,        /* microseconds that each sync takes */
    HOLD,           /* bits: 1 syncs of files wait until it is cleared, 2 writes do */
    SYNC_FAILS_IN,  /* n: the n-th sync from now fails; 0: none does */
    SYNC_FAILURES,  /* so many syncs fail from then on */
    LIES,           /* syncs say that they succeeded, and do nothing */
    ROOM,           /* n: n - 1 more bytes can be written; 0: any number */
    CUT_IN,         /* n: the power is cut before the n-th operation from now; 0: it is not */
    HELD,           /* told: how many threads wait because of HOLD */
    FAILED,         /* told: how many syncs have failed */
    WORDS
};
enum kind { OPEN = 1, WRITE, CUT, SYNC_BEGUN, SYNC_DONE, SYNC_FAILED, RENAME, REMOVE, MAKE_DIR };
enum { CREATED = 1, EMPTIED = 2, DIRECTORY = 4 };
struct entry { uint64_t kind, id, number, first, second; }; /* lengths of the bytes behind it: first, then second */

#define FDS 65536
#define PATH_BYTES 4096
static _Atomic uint64_t *control;
static int journal = -1;
static char root[PATH_BYTES];
static size_t root_len;
static uint64_t id_of[FDS], last_id, entries; /* id 0: not watched */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void give_up(const char *what) {
    dprintf(2, "lossy_disk: %s\n", what);
    abort();
}

__attribute__((constructor)) static void begin(void) {
    char path[PATH_BYTES + 32];
    if (!getcwd(root, sizeof root)) give_up("no working directory");
    root_len = strlen(root);
    snprintf(path, sizeof path, "%s/../disk.control", root);
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, WORDS * sizeof *control)) give_up("no disk.control");
    control = mmap(NULL, WORDS * sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (control == MAP_FAILED) give_up("disk.control cannot be mapped");
    syscall(SYS_close, fd);
    control[HELD] = 0;
    for (int n = 1; journal < 0; n++) {
        snprintf(path, sizeof path, "%s/../disk.journal.%d", root, n);
        journal = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
        if (journal < 0 && errno != EEXIST) give_up("no disk.journal");
    }
}

/* The journal. All of this is called with the lock held. */

static void put(const void *bytes, size_t len) {
    for (const char *at = bytes; len;) {
        ssize_t put = syscall(SYS_write, journal, at, len);
        if (put < 0 && errno != EINTR) give_up("the journal cannot be written");
        if (put > 0) at += put, len -= put;
    }
}

/* Gives the entry's place in the journal. */
static uint64_t note(enum kind kind, uint64_t id, uint64_t number, const char *first, const char *second) {
    struct entry entry = {kind, id, number, first ? strlen(first) : 0, second ? strlen(second) : 0};
    put(&entry, sizeof entry);
    put(first, entry.first);
    put(second, entry.second);
    return entries++;
}

static void note_write(uint64_t id, uint64_t offset, const struct iovec *parts, size_t taken) {
    struct entry entry = {WRITE, id, offset, taken, 0};
    put(&entry, sizeof entry);
    for (; taken; parts++) {
        size_t len = parts->iov_len < taken ? parts->iov_len : taken;
        put(parts->iov_base, len);
        taken -= len;
    }
    entries++;
}

static void operate(void) {
    if (control[CUT_IN] && --control[CUT_IN] == 0) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
}

/* What is watched. */

static int absolute(int dir, const char *path, char out[2 * PATH_BYTES]) {
    char base[PATH_BYTES] = "", link[64];
    if (path[0] != '/' && dir == AT_FDCWD && !getcwd(base, sizeof base)) return 0;
    if (path[0] != '/' && dir != AT_FDCWD) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
        ssize_t len = syscall(SYS_readlinkat, AT_FDCWD, link, base, sizeof base - 1);
        if (len < 0) return 0;
        base[len] = 0;
    }
    snprintf(out, 2 * PATH_BYTES, "%s%s%s", base, path[0] == '/' ? "" : "/", path);
    return !strncmp(out, root, root_len) && (out[root_len] == '/' || !out[root_len]);
}

static uint64_t watched(int fd) { return control && fd >= 0 && fd < FDS ? id_of[fd] : 0; }

static int opened(int dir, const char *path, int flags, mode_t mode) {
    char full[2 * PATH_BYTES];
    struct stat found;
    if (!control || !absolute(dir, path, full)) return syscall(SYS_openat, dir, path, flags, mode);
    if ((flags & O_TMPFILE) == O_TMPFILE) give_up("O_TMPFILE is not known");
    pthread_mutex_lock(&lock);
    int is_there = !fstatat(dir, path, &found, 0);
    if ((flags & O_CREAT && !is_there) || flags & O_TRUNC) operate();
    int fd = syscall(SYS_openat, dir, path, flags, mode), error = errno;
    if (fd >= FDS) give_up("too many files are open");
    if (fd >= 0) {
        id_of[fd] = ++last_id;
        int what = is_there && S_ISDIR(found.st_mode) ? DIRECTORY : (is_there ? 0 : CREATED) | (flags & O_TRUNC ? EMPTIED : 0);
        note(OPEN, last_id, what, full, NULL);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

static mode_t mode_of(int flags, va_list arguments) { return flags & O_CREAT ? va_arg(arguments, mode_t) : 0; }
#define WITH_MODE(call) va_list rest; va_start(rest, flags); mode_t mode = mode_of(flags, rest); va_end(rest); return call
int open(const char *path, int flags, ...) { WITH_MODE(opened(AT_FDCWD, path, flags, mode)); }
int open64(const char *path, int flags, ...) { WITH_MODE(opened(AT_FDCWD, path, flags, mode)); }
int openat(int dir, const char *path, int flags, ...) { WITH_MODE(opened(dir, path, flags, mode)); }
int openat64(int dir, const char *path, int flags, ...) { WITH_MODE(opened(dir, path, flags, mode)); }
int creat(const char *path, mode_t mode) { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

int close(int fd) {
    if (!watched(fd)) return syscall(SYS_close, fd);
    pthread_mutex_lock(&lock);
    id_of[fd] = 0;
    int result = syscall(SYS_close, fd), error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

/* Content. */

static void wait_while_held(uint64_t bit) {
    struct timespec pause = {0, 1000000};
    if (!(control[HOLD] & bit)) return;
    control[HELD]++;
    while (control[HOLD] & bit) nanosleep(&pause, NULL);
    control[HELD]--;
}

static ssize_t written(int fd, const struct iovec *parts, int count) {
    struct iovec cut;
    size_t wanted = 0;
    wait_while_held(2);
    pthread_mutex_lock(&lock);
    operate();
    for (int i = 0; i < count; i++) wanted += parts[i].iov_len;
    ssize_t taken;
    int error = ENOSPC;
    if (control[ROOM] == 1 && wanted) {
        taken = -1;
    } else {
        if (control[ROOM] && wanted > control[ROOM] - 1) { /* a part of the first part that does not fit, as a file system would */
            size_t room = control[ROOM] - 1;
            while (parts->iov_len == 0) parts++;
            cut = (struct iovec){parts->iov_base, parts->iov_len < room ? parts->iov_len : room};
            parts = &cut, count = 1;
        }
        taken = syscall(SYS_writev, fd, parts, count), error = errno;
    }
    if (taken > 0) {
        if (control[ROOM]) control[ROOM] -= taken;
        note_write(id_of[fd], lseek(fd, 0, SEEK_CUR) - taken, parts, taken);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return taken;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    return watched(fd) ? written(fd, parts, count) : syscall(SYS_writev, fd, parts, count);
}

ssize_t write(int fd, const void *bytes, size_t len) {
    struct iovec part = {(void *)bytes, len};
    return watched(fd) ? written(fd, &part, 1) : syscall(SYS_write, fd, bytes, len);
}

int ftruncate(int fd, off_t len) {
    if (!watched(fd)) return syscall(SYS_ftruncate, fd, len);
    pthread_mutex_lock(&lock);
    operate();
    int result = syscall(SYS_ftruncate, fd, len), error = errno;
    if (!result) note(CUT, id_of[fd], len, NULL, NULL);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int ftruncate64(int fd, off_t len) { return ftruncate(fd, len); }

/* Whether this sync is one that fails. */
static int fails(void) {
    if (control[SYNC_FAILS_IN] > 1) control[SYNC_FAILS_IN]--;
    else if (control[SYNC_FAILS_IN] == 1 && control[SYNC_FAILURES]) {
        control[SYNC_FAILURES]--;
        control[FAILED]++;
        return 1;
    }
    return 0;
}

static int synced(long number, int fd) {
    if (!watched(fd)) return syscall(number, fd);
    struct timespec pause = {control[SYNC_US] / 1000000, control[SYNC_US] % 1000000 * 1000};
    pthread_mutex_lock(&lock);
    operate();
    uint64_t id = id_of[fd], begun = note(SYNC_BEGUN, id, 0, NULL, NULL);
    pthread_mutex_unlock(&lock);
    wait_while_held(1);
    while (nanosleep(&pause, &pause)) {}
    pthread_mutex_lock(&lock);
    operate(); /* the power may go before it is done */
    int has_failed = fails();
    if (has_failed || !control[LIES]) note(has_failed ? SYNC_FAILED : SYNC_DONE, id, begun, NULL, NULL);
    pthread_mutex_unlock(&lock);
    errno = EIO;
    return has_failed ? -1 : 0;
}

int fsync(int fd) { return synced(SYS_fsync, fd); }
int fdatasync(int fd) { return synced(SYS_fdatasync, fd); }

/* Names. */

static int renamed(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    char old[2 * PATH_BYTES], new[2 * PATH_BYTES];
    int is_watched = control ? absolute(from_dir, from, old) + absolute(to_dir, to, new) : 0;
    if (!is_watched) return syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
    if (is_watched == 1 || flags) give_up("this way to rename is not known");
    pthread_mutex_lock(&lock);
    operate();
    int result = syscall(SYS_renameat2, from_dir, from, to_dir, to, flags), error = errno;
    if (!result) note(RENAME, 0, 0, old, new);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_dir, const char *from, int to_dir, const char *to) { return renamed(from_dir, from, to_dir, to, 0); }
int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    return renamed(from_dir, from, to_dir, to, flags);
}

/* `number` takes a directory, a path, and flags or a mode. */
static int named(long number, enum kind kind, int dir, const char *path, unsigned last) {
    char full[2 * PATH_BYTES];
    if (!control || !absolute(dir, path, full)) return syscall(number, dir, path, last);
    pthread_mutex_lock(&lock);
    operate();
    int result = syscall(number, dir, path, last), error = errno;
    if (!result) note(kind, 0, 0, full, NULL);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int unlink(const char *path) { return named(SYS_unlinkat, REMOVE, AT_FDCWD, path, 0); }
int unlinkat(int dir, const char *path, int flags) { return named(SYS_unlinkat, REMOVE, dir, path, flags); }
int rmdir(const char *path) { return named(SYS_unlinkat, REMOVE, AT_FDCWD, path, AT_REMOVEDIR); }
int mkdir(const char *path, mode_t mode) { return named(SYS_mkdirat, MAKE_DIR, AT_FDCWD, path, mode); }
int mkdirat(int dir, const char *path, mode_t mode) { return named(SYS_mkdirat, MAKE_DIR, dir, path, mode); }

/* What would leave a gap in the journal. */

#define UNKNOWN(type, name, parameters, fd, number, ...) \
    type name parameters { \
        if (watched(fd)) give_up(#name " is not known"); \
        return syscall(number, __VA_ARGS__); \
    }
UNKNOWN(ssize_t, pwrite, (int fd, const void *bytes, size_t len, off_t at), fd, SYS_pwrite64, fd, bytes, len, at)
UNKNOWN(ssize_t, pwrite64, (int fd, const void *bytes, size_t len, off_t at), fd, SYS_pwrite64, fd, bytes, len, at)
UNKNOWN(ssize_t, sendfile, (int fd, int from, off_t *at, size_t len), fd, SYS_sendfile, fd, from, at, len)
UNKNOWN(ssize_t, sendfile64, (int fd, int from, off_t *at, size_t len), fd, SYS_sendfile, fd, from, at, len)
UNKNOWN(ssize_t, splice, (int from, off_t *at, int fd, off_t *to, size_t len, unsigned flags), fd, SYS_splice, from, at, fd, to, len, flags)
UNKNOWN(ssize_t, copy_file_range, (int from, off_t *at, int fd, off_t *to, size_t len, unsigned flags), fd, SYS_copy_file_range, from, at, fd, to, len, flags)
UNKNOWN(int, fallocate, (int fd, int mode, off_t at, off_t len), fd, SYS_fallocate, fd, mode, at, len)
UNKNOWN(int, dup, (int fd), fd, SYS_dup, fd)
