/* Preloaded: notes what a process writes to the files whose path begins with $WRITES_OF, in $WRITES_TO.
 *
 * A note is: kind u8, size of the path u8, offset u64, size of the data u64 (little-endian), path, data. Kinds are 'w' write, 't' truncate
 * (the offset is the new size), 's' sync, 'u' unlink.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void note(char kind, const char *path, uint64_t offset, const void *data, uint64_t size)
{
    static int log = -1;
    const char *of = getenv("WRITES_OF");
    if (!of || strncmp(path, of, strlen(of)))
        return;
    if (log < 0)
        log = syscall(SYS_openat, AT_FDCWD, getenv("WRITES_TO"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    unsigned char head[18] = {kind, strlen(path)};
    memcpy(head + 2, &offset, 8);
    memcpy(head + 10, &size, 8);
    if (syscall(SYS_write, log, head, sizeof head) < 0 || syscall(SYS_write, log, path, strlen(path)) < 0
        || (size && syscall(SYS_write, log, data, size) < 0))
        abort();
}

static void note_file(char kind, int file, uint64_t offset, const void *data, uint64_t size)
{
    char link[32], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return;
    path[length] = 0;
    note(kind, path, offset, data, size);
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t offset)
{
    ssize_t done = NEXT(pwrite64)(file, data, size, offset);
    if (done > 0)
        note_file('w', file, offset, data, done);
    return done;
}

ssize_t write(int file, const void *data, size_t size)
{
    off64_t offset = lseek64(file, 0, SEEK_CUR);
    ssize_t done = NEXT(write)(file, data, size);
    if (done > 0 && offset >= 0)
        note_file('w', file, offset, data, done);
    return done;
}

int ftruncate64(int file, off64_t size)
{
    int error = NEXT(ftruncate64)(file, size);
    if (!error)
        note_file('t', file, size, NULL, 0);
    return error;
}

int fdatasync(int file)
{
    int error = NEXT(fdatasync)(file);
    if (!error)
        note_file('s', file, 0, NULL, 0);
    return error;
}

int fsync(int file)
{
    int error = NEXT(fsync)(file);
    if (!error)
        note_file('s', file, 0, NULL, 0);
    return error;
}

int unlink(const char *path)
{
    int error = NEXT(unlink)(path);
    if (!error)
        note('u', path, 0, NULL, 0);
    return error;
}
