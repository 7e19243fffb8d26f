/* What SQLite needs of a system, over the files that the sandbox grants. There are no locks between programs: see what-works-in-sandboxed-python.md. */
#include "sqlite3.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATH_BYTES_MAX 4096
#define SECTOR_BYTES 4096
#define JULIAN_1970_MS 210866760000000LL

typedef struct {
    sqlite3_file base;
    int descriptor;
    int gone_at_close;
    char path[PATH_BYTES_MAX + 1];
} File;

static int close_file(sqlite3_file *given) {
    File *file = (File *)given;
    close(file->descriptor);
    if (file->gone_at_close) unlink(file->path);
    return SQLITE_OK;
}

static int read_file(sqlite3_file *given, void *to, int size, sqlite3_int64 at) {
    int have = 0;
    while (have < size) {
        ssize_t more = pread(((File *)given)->descriptor, (char *)to + have, (size_t)(size - have), at + have);
        if (more < 0) return SQLITE_IOERR_READ;
        if (more == 0) {
            memset((char *)to + have, 0, (size_t)(size - have));
            return SQLITE_IOERR_SHORT_READ;
        }
        have += (int)more;
    }
    return SQLITE_OK;
}

static int write_file(sqlite3_file *given, const void *from, int size, sqlite3_int64 at) {
    int have = 0;
    while (have < size) {
        ssize_t more = pwrite(((File *)given)->descriptor, (const char *)from + have, (size_t)(size - have), at + have);
        if (more <= 0) return errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL : SQLITE_IOERR_WRITE;
        have += (int)more;
    }
    return SQLITE_OK;
}

static int truncate_file(sqlite3_file *given, sqlite3_int64 size) { return ftruncate(((File *)given)->descriptor, size) == 0 ? SQLITE_OK : SQLITE_IOERR_TRUNCATE; }

static int sync_file(sqlite3_file *given, int flags) {
    (void)flags;
    return fsync(((File *)given)->descriptor) == 0 ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int size_of_file(sqlite3_file *given, sqlite3_int64 *size) {
    struct stat found;
    if (fstat(((File *)given)->descriptor, &found) != 0) return SQLITE_IOERR_FSTAT;
    *size = found.st_size;
    return SQLITE_OK;
}

static int no_lock(sqlite3_file *given, int level) {
    (void)given;
    (void)level;
    return SQLITE_OK;
}

static int is_reserved(sqlite3_file *given, int *answer) {
    (void)given;
    *answer = 0;
    return SQLITE_OK;
}

static int control(sqlite3_file *given, int what, void *argument) {
    (void)given;
    (void)what;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int sector(sqlite3_file *given) {
    (void)given;
    return SECTOR_BYTES;
}

static int device(sqlite3_file *given) {
    (void)given;
    return 0;
}

static const sqlite3_io_methods methods = {
    1, close_file, read_file, write_file, truncate_file, sync_file, size_of_file, no_lock, no_lock, is_reserved, control, sector, device,
    NULL, NULL, NULL, NULL, NULL, NULL,
};

static int open_file(sqlite3_vfs *vfs, const char *path, sqlite3_file *given, int flags, int *out) {
    File *file = (File *)given;
    (void)vfs;
    file->base.pMethods = NULL;
    if (path == NULL || strlen(path) > PATH_BYTES_MAX) return SQLITE_CANTOPEN;
    int how = (flags & SQLITE_OPEN_READWRITE ? O_RDWR : O_RDONLY) | (flags & SQLITE_OPEN_CREATE ? O_CREAT : 0) | (flags & SQLITE_OPEN_EXCLUSIVE ? O_EXCL : 0);
    file->descriptor = open(path, how, 0600);
    if (file->descriptor < 0 && flags & SQLITE_OPEN_READWRITE && !(flags & SQLITE_OPEN_EXCLUSIVE)) {
        /* A folder that is granted for reading: the database is then open for reading. */
        flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
        file->descriptor = open(path, O_RDONLY);
    }
    if (file->descriptor < 0) return SQLITE_CANTOPEN;
    strcpy(file->path, path);
    file->gone_at_close = flags & SQLITE_OPEN_DELETEONCLOSE;
    if (out != NULL) *out = flags;
    file->base.pMethods = &methods;
    return SQLITE_OK;
}

static int delete_file(sqlite3_vfs *vfs, const char *path, int sync) {
    (void)vfs;
    (void)sync;
    if (unlink(path) == 0) return SQLITE_OK;
    return errno == ENOENT ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE;
}

static int look(sqlite3_vfs *vfs, const char *path, int flags, int *answer) {
    struct stat found;
    (void)vfs;
    (void)flags;
    *answer = stat(path, &found) == 0 && (flags != SQLITE_ACCESS_EXISTS || found.st_size > 0);
    return SQLITE_OK;
}

static int full_path(sqlite3_vfs *vfs, const char *path, int room, char *out) {
    (void)vfs;
    if (path[0] != '/') {
        if (room < 2 || getcwd(out, (size_t)room - 1) == NULL) return SQLITE_CANTOPEN;
        if (out[strlen(out) - 1] != '/') strcat(out, "/");
        out += strlen(out);
        room -= (int)strlen(out);
    }
    if ((int)strlen(path) >= room) return SQLITE_CANTOPEN;
    strcpy(out, path);
    return SQLITE_OK;
}

static int fill(sqlite3_vfs *vfs, int size, char *out) {
    (void)vfs;
    for (int at = 0; at < size; at += 256) {
        if (getentropy(out + at, (size_t)(size - at < 256 ? size - at : 256)) != 0) memset(out + at, 0, 1);
    }
    return size;
}

static int wait(sqlite3_vfs *vfs, int microseconds) {
    (void)vfs;
    usleep((unsigned)microseconds);
    return microseconds;
}

static int now_ms(sqlite3_vfs *vfs, sqlite3_int64 *out) {
    struct timespec now;
    (void)vfs;
    clock_gettime(CLOCK_REALTIME, &now);
    *out = JULIAN_1970_MS + (sqlite3_int64)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    return SQLITE_OK;
}

static int now(sqlite3_vfs *vfs, double *out) {
    sqlite3_int64 ms;
    now_ms(vfs, &ms);
    *out = (double)ms / 86400000.0;
    return SQLITE_OK;
}

static int last_error(sqlite3_vfs *vfs, int size, char *out) {
    (void)vfs;
    (void)size;
    (void)out;
    return errno;
}

static sqlite3_vfs vfs = {
    2, sizeof(File), PATH_BYTES_MAX, NULL, "sandbox", NULL, open_file, delete_file, look, full_path, NULL, NULL, NULL, NULL, fill, wait, now, last_error, now_ms,
    NULL, NULL, NULL,
};

int sqlite3_os_init(void) { return sqlite3_vfs_register(&vfs, 1); }
int sqlite3_os_end(void) { return SQLITE_OK; }
