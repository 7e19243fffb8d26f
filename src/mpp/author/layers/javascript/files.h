/* Files of the folders that the run was granted. Each function gives minus the error number of WASI where it fails; boot.js makes an error of it. */

enum { FILE_BYTES_MAX = 256 << 20 };

static JSValue failed(JSContext *c) { return JS_NewInt32(c, -errno); }

NATIVE(n_read_file) {
    const char *path = JS_ToCString(c, argv[0]);
    if (!path)
        return JS_EXCEPTION;
    int fd = open(path, O_RDONLY);
    JS_FreeCString(c, path);
    struct stat about;
    if (fd < 0)
        return failed(c);
    if (fstat(fd, &about) < 0 || S_ISDIR(about.st_mode) || about.st_size > FILE_BYTES_MAX) {
        if (S_ISDIR(about.st_mode))
            errno = EISDIR;
        else if (about.st_size > FILE_BYTES_MAX)
            errno = EFBIG;
        close(fd);
        return failed(c);
    }
    size_t cap = about.st_size + 1, size = 0;
    uint8_t *data = js_malloc(c, cap);
    ssize_t n = 0;
    while (data && size < cap && (n = read(fd, data + size, cap - size)) > 0) {
        size += n;
        if (size == cap && cap < FILE_BYTES_MAX) { /* it grew, or does not know its size */
            uint8_t *more = js_realloc(c, data, cap *= 2);
            if (!more)
                js_free(c, data);
            data = more;
        }
    }
    JSValue v = !data ? JS_EXCEPTION : n < 0 ? failed(c) : new_bytes(c, data, size);
    js_free(c, data);
    close(fd);
    return v;
}

NATIVE(n_write_file) { /* (path, bytes, flag): w replaces, a appends, x makes a new one */
    size_t size, done = 0;
    uint8_t *data = bytes_of(c, argv[1], &size);
    const char *path = data ? JS_ToCString(c, argv[0]) : NULL, *flag = path ? JS_ToCString(c, argv[2]) : NULL;
    JSValue v = JS_EXCEPTION;
    if (flag) {
        int how = *flag == 'a' ? O_APPEND : *flag == 'x' ? O_EXCL : O_TRUNC;
        int fd = open(path, O_WRONLY | O_CREAT | how, 0600);
        ssize_t n = fd < 0 ? -1 : 0;
        while (n >= 0 && done < size && (n = write(fd, data + done, size - done)) >= 0)
            done += n;
        v = n < 0 ? failed(c) : JS_NewInt32(c, 0);
        if (fd >= 0)
            close(fd);
    }
    JS_FreeCString(c, path);
    JS_FreeCString(c, flag);
    return v;
}

NATIVE(n_list_folder) { /* names and kinds, one after the other */
    const char *path = JS_ToCString(c, argv[0]);
    if (!path)
        return JS_EXCEPTION;
    DIR *folder = opendir(path);
    JS_FreeCString(c, path);
    if (!folder)
        return failed(c);
    JSValue list = JS_NewArray(c);
    uint32_t count = 0;
    for (struct dirent *e; (e = readdir(folder));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        JS_SetPropertyUint32(c, list, count++, text_of(c, (uint8_t *)e->d_name, strlen(e->d_name), 0));
        JS_SetPropertyUint32(c, list, count++, JS_NewInt32(c, e->d_type == DT_DIR ? 2 : e->d_type == DT_LNK ? 3 : 1));
    }
    closedir(folder);
    return list;
}

NATIVE(n_stat) { /* (path, follow) -> [kind, size, modified, accessed, changed] */
    const char *path = JS_ToCString(c, argv[0]);
    if (!path)
        return JS_EXCEPTION;
    struct stat s;
    int bad = JS_ToBool(c, argv[1]) ? stat(path, &s) : lstat(path, &s);
    JS_FreeCString(c, path);
    if (bad)
        return failed(c);
    double found[5] = {S_ISDIR(s.st_mode) ? 2 : S_ISLNK(s.st_mode) ? 3 : 1, s.st_size, s.st_mtim.tv_sec * 1e3 + s.st_mtim.tv_nsec / 1e6,
                       s.st_atim.tv_sec * 1e3 + s.st_atim.tv_nsec / 1e6, s.st_ctim.tv_sec * 1e3 + s.st_ctim.tv_nsec / 1e6};
    JSValue list = JS_NewArray(c);
    for (int i = 0; i < 5; i++)
        JS_SetPropertyUint32(c, list, i, JS_NewFloat64(c, found[i]));
    return list;
}

NATIVE(n_change) { /* (what, path, other) */
    const char *what = JS_ToCString(c, argv[0]), *path = JS_ToCString(c, argv[1]), *other = JS_ToCString(c, argv[2]);
    JSValue v = JS_EXCEPTION;
    if (what && path && other) {
        int bad = !strcmp(what, "mkdir")    ? mkdir(path, 0700)
                  : !strcmp(what, "unlink") ? unlink(path)
                  : !strcmp(what, "rmdir")  ? rmdir(path)
                  : !strcmp(what, "rename") ? rename(path, other)
                                            : (errno = ENOSYS, -1);
        v = bad ? failed(c) : JS_NewInt32(c, 0);
    }
    JS_FreeCString(c, what);
    JS_FreeCString(c, path);
    JS_FreeCString(c, other);
    return v;
}
