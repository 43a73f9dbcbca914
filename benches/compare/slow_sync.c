/* slow_sync: preloaded into a server, it makes every fsync and fdatasync take longer and tells the outside what was synced.
 *
 * SLOW_SYNC_US      microseconds added to each call, after the real one and before the server hears of it (default 0)
 * SLOW_SYNC_RECORD  a file of sizeof(struct record) zero bytes, mapped and shared with whoever measures
 *
 *   record:  calls u64 | ns u64 | files: FILES x { inode u64, durable u64 }
 *            calls and ns count every sync and its whole duration; durable is the size that the file had when its last
 *            finished sync began: what lies behind it may be gone after a power cut.
 * A slot of inode 0 is free. One lock serves all threads: it is held for a few stores, never across a sync. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FILES 1024
struct record { uint64_t calls, ns; struct { uint64_t inode, durable; } files[FILES]; };

static struct record *record;
static long added_us;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void open_record(void) {
    const char *us = getenv("SLOW_SYNC_US"), *path = getenv("SLOW_SYNC_RECORD");
    added_us = us ? atol(us) : 0;
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *at = mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) record = at;
    close(fd);
}

static void note(uint64_t inode, uint64_t size, uint64_t ns) {
    if (!record) return;
    pthread_mutex_lock(&lock);
    record->calls++;
    record->ns += ns;
    for (int i = 0; i < FILES; i++) {
        if (record->files[i].inode && record->files[i].inode != inode) continue;
        record->files[i].inode = inode;
        record->files[i].durable = size;
        break;
    }
    pthread_mutex_unlock(&lock);
}

static int slow(long number, int fd) {
    struct stat before;
    struct timespec begun, done, pause = {added_us / 1000000, added_us % 1000000 * 1000};
    int known = !fstat(fd, &before) && S_ISREG(before.st_mode);
    clock_gettime(CLOCK_MONOTONIC, &begun);
    int result = syscall(number, fd), error = errno;
    if (added_us) while (nanosleep(&pause, &pause)) {}
    clock_gettime(CLOCK_MONOTONIC, &done);
    if (known && !result) note(before.st_ino, before.st_size, (done.tv_sec - begun.tv_sec) * 1000000000ull + done.tv_nsec - begun.tv_nsec);
    errno = error;
    return result;
}

int fsync(int fd) { return slow(SYS_fsync, fd); }
int fdatasync(int fd) { return slow(SYS_fdatasync, fd); }
