/* filesystem-lite: three tools of the reference server "filesystem", as a package. The one folder that it sees is its workspace. */
#include "diff.h"
#include "ported.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ROOT "/workspace"
#define FILE_BYTES_MAX (512u * 1024u) /* bytes of one file: what an answer may hold, twice and escaped */
#define ENTRIES_MAX 4096u

/* The absolute path of the argument `path`, without "." and ".."; NULL, with a reason, when it lies outside of the workspace. */
static char *path_of(const mpp_call *call, mpp_reply *reply)
{
    mpp_text given = mpp_text_or(call, reply, "path", "");
    ported_text whole = {0};
    if (given.size == 0 || given.at[0] != '/')
        ported_add_c(&whole, ROOT "/");
    ported_add(&whole, given);
    ported_add(&whole, (mpp_text){"", 1});
    char *out = malloc(whole.size + 2);
    size_t size = 0;
    if (out == NULL || memchr(whole.at, '\0', whole.size - 1) != NULL) {
        mpp_fail(reply, mpp_c("'path' is no path"));
        return NULL;
    }
    for (char *part = strtok(whole.at, "/"); part != NULL; part = strtok(NULL, "/")) {
        if (strcmp(part, "..") == 0) {
            while (size > 0 && out[--size] != '/') {
            }
        } else if (strcmp(part, ".") != 0) {
            out[size++] = '/';
            memcpy(out + size, part, strlen(part));
            size += strlen(part);
        }
    }
    out[size] = '\0';
    /* The host lets it see no other folder anyway; this is only the better reason. */
    if (strncmp(out, ROOT, sizeof ROOT - 1) != 0 || (out[sizeof ROOT - 1] != '\0' && out[sizeof ROOT - 1] != '/')) {
        const mpp_text parts[] = {mpp_c("Access denied - path outside allowed directories: "), mpp_c(out), mpp_c(" not in " ROOT)};
        mpp_fail(reply, mpp_join(reply, parts, sizeof parts / sizeof parts[0]));
        return NULL;
    }
    return out;
}

static void fail_errno(mpp_reply *reply, const char *doing, const char *path)
{
    const mpp_text parts[] = {mpp_c(strerror(errno)), mpp_c(", "), mpp_c(doing), mpp_c(" '"), mpp_c(path), mpp_c("'")};
    mpp_fail(reply, mpp_join(reply, parts, sizeof parts / sizeof parts[0]));
}

static bool read_file(mpp_reply *reply, const char *path, ported_text *out)
{
    static char piece[65536];
    struct stat found;
    FILE *file = fopen(path, "rb");
    if (file == NULL || fstat(fileno(file), &found) != 0) {
        fail_errno(reply, "open", path);
        return false;
    }
    if (S_ISDIR(found.st_mode)) {
        errno = EISDIR;
        fail_errno(reply, "read", path);
        return false;
    }
    size_t size;
    while ((size = fread(piece, 1, sizeof piece, file)) > 0 && out->size <= FILE_BYTES_MAX)
        ported_add(out, (mpp_text){piece, size});
    bool whole = !ferror(file) && out->size <= FILE_BYTES_MAX;
    fclose(file);
    if (!whole)
        mpp_fail(reply, mpp_c("the file cannot be read, or is too large"));
    return whole;
}

/* What all tools answer: the text, and the same as a field. */
static void answer(mpp_reply *reply, mpp_text text)
{
    mpp_say(reply, text);
    mpp_put_text(reply, "content", text);
}

static mpp_text first_lines(mpp_text text, int64_t count)
{
    size_t at = 0;
    for (int64_t seen = 0; at < text.size; at++)
        if (text.at[at] == '\n' && ++seen == count)
            break;
    /* The end of the last line is no part of it; that of a shorter file is. */
    if (at == text.size && at > 0 && text.at[at - 1] == '\n')
        at--;
    return (mpp_text){text.at, count < 1 ? 0 : at};
}

static mpp_text last_lines(mpp_text text, int64_t count)
{
    size_t at = text.size;
    for (int64_t seen = 0; at > 0; at--)
        if (text.at[at - 1] == '\n' && ++seen == count)
            break;
    return (mpp_text){text.at + at, count < 1 ? 0 : text.size - at};
}

static void read_text_file(const mpp_call *call, mpp_reply *reply)
{
    ported_text text = {0};
    bool has_head = mpp_find(call->arguments, "head") != NULL, has_tail = mpp_find(call->arguments, "tail") != NULL;
    int64_t head = mpp_integer_or(call, reply, "head", 0), tail = mpp_integer_or(call, reply, "tail", 0);
    char *path = path_of(call, reply);
    if (has_head && has_tail)
        mpp_fail(reply, mpp_c("Cannot specify both head and tail parameters simultaneously"));
    else if (path != NULL && read_file(reply, path, &text))
        answer(reply, has_head ? first_lines(ported_view(&text), head) : has_tail ? last_lines(ported_view(&text), tail) : ported_view(&text));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a + 1, *(char *const *)b + 1);
}

static void list_directory(const mpp_call *call, mpp_reply *reply)
{
    static char *names[ENTRIES_MAX];
    size_t count = 0;
    ported_text out = {0};
    char *path = path_of(call, reply);
    DIR *folder = path == NULL ? NULL : opendir(path);
    if (path == NULL)
        return;
    if (folder == NULL) {
        fail_errno(reply, "scandir", path);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL && count < ENTRIES_MAX;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        /* Its kind stands before its name. */
        names[count] = malloc(strlen(entry->d_name) + 2);
        if (names[count] == NULL)
            abort();
        names[count][0] = entry->d_type == DT_DIR ? 'd' : 'f';
        strcpy(names[count++] + 1, entry->d_name);
    }
    closedir(folder);
    qsort(names, count, sizeof names[0], by_name);
    for (size_t i = 0; i < count; i++) {
        ported_add_c(&out, i > 0 ? "\n" : "");
        ported_add_c(&out, names[i][0] == 'd' ? "[DIR] " : "[FILE] ");
        ported_add_c(&out, names[i] + 1);
    }
    answer(reply, ported_view(&out));
}

/* ---- Edits ------------------------------------------------------------------------------------------- */

/* Without the carriage return of a line end. */
static mpp_text unix_lines(mpp_text text)
{
    ported_text out = {0};
    for (size_t i = 0; i < text.size; i++)
        if (text.at[i] != '\r' || i + 1 == text.size || text.at[i + 1] != '\n')
            ported_add(&out, (mpp_text){text.at + i, 1});
    return ported_view(&out);
}

/* The next line from *at on, which is moved behind it; false after the last one. A text that ends in a line end has an empty last line. */
static bool next_line(mpp_text text, size_t *at, mpp_text *line)
{
    if (*at > text.size)
        return false;
    size_t end = *at;
    while (end < text.size && text.at[end] != '\n')
        end++;
    *line = (mpp_text){text.at + *at, end - *at};
    *at = end + 1;
    return true;
}

static size_t indent_of(mpp_text line)
{
    size_t size = 0;
    while (size < line.size && (line.at[size] == ' ' || line.at[size] == '\t'))
        size++;
    return size;
}

static bool same_but_for_spaces(mpp_text a, mpp_text b)
{
    size_t i = indent_of(a), j = indent_of(b);
    while (a.size > i && (a.at[a.size - 1] == ' ' || a.at[a.size - 1] == '\t'))
        a.size--;
    while (b.size > j && (b.at[b.size - 1] == ' ' || b.at[b.size - 1] == '\t'))
        b.size--;
    return a.size - i == b.size - j && memcmp(a.at + i, b.at + j, a.size - i) == 0;
}

/* Where the lines of `old` stand in `text`, from `from` on, whatever spaces are around each; the size of what they take, 0 if they do not stand there. */
static size_t match_at(mpp_text text, size_t from, mpp_text old)
{
    mpp_text mine, theirs;
    size_t at = from, k = 0;
    while (next_line(old, &k, &theirs))
        if (!next_line(text, &at, &mine) || !same_but_for_spaces(mine, theirs))
            return 0;
    return at - 1 - from;
}

/* The new lines, as deep as the old ones stood: the first as deep as the first, the others by how much deeper they are written. */
static void add_indented(ported_text *out, mpp_text indent, mpp_text old, mpp_text fresh)
{
    mpp_text line, before;
    size_t at = 0, k = 0;
    for (bool first = true; next_line(fresh, &at, &line); first = false) {
        bool has_old = next_line(old, &k, &before);
        size_t mine = indent_of(line), theirs = has_old ? indent_of(before) : 0;
        ported_add_c(out, first ? "" : "\n");
        if (!first && (mine == 0 || theirs == 0)) {
            ported_add(out, line);
            continue;
        }
        ported_add(out, indent);
        for (size_t i = theirs; !first && i < mine; i++)
            ported_add_c(out, " ");
        ported_add(out, (mpp_text){line.at + mine, line.size - mine});
    }
}

static size_t find(mpp_text text, mpp_text part)
{
    for (size_t i = 0; part.size <= text.size && i <= text.size - part.size; i++)
        if (memcmp(text.at + i, part.at, part.size) == 0)
            return i;
    return SIZE_MAX;
}

static bool edit(mpp_text *text, mpp_text old, mpp_text fresh)
{
    ported_text out = {0};
    mpp_text line;
    size_t at = find(*text, old), size = old.size;
    if (at != SIZE_MAX) {
        ported_add(&out, (mpp_text){text->at, at});
        ported_add(&out, fresh);
    } else {
        for (at = 0; at <= text->size; next_line(*text, &at, &line))
            if ((size = match_at(*text, at, old)) > 0)
                break;
        if (at > text->size)
            return false;
        ported_add(&out, (mpp_text){text->at, at});
        size_t here = at;
        next_line(*text, &here, &line);
        add_indented(&out, (mpp_text){line.at, indent_of(line)}, old, fresh);
    }
    ported_add(&out, (mpp_text){text->at + at + size, text->size - at - size});
    *text = ported_view(&out);
    return true;
}

static bool write_file(mpp_reply *reply, const char *path, mpp_text text)
{
    FILE *file = fopen(path, "wb");
    bool written = file != NULL && fwrite(text.at, 1, text.size, file) == text.size;
    if (file != NULL && fclose(file) != 0)
        written = false;
    if (!written)
        fail_errno(reply, "open", path);
    return written;
}

/* A fence of more backticks than stand in a row in the text. */
static void add_fenced(ported_text *out, mpp_text text)
{
    size_t longest = 0, run = 0;
    for (size_t i = 0; i < text.size; i++) {
        run = text.at[i] == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    ported_text fence = {0};
    for (size_t i = 0; i < (longest < 3 ? 3 : longest + 1); i++)
        ported_add_c(&fence, "`");
    ported_add(out, ported_view(&fence));
    ported_add_c(out, "diff\n");
    ported_add(out, text);
    ported_add(out, ported_view(&fence));
    ported_add_c(out, "\n\n");
}

static void edit_file(const mpp_call *call, mpp_reply *reply)
{
    ported_text found = {0}, diff = {0}, out = {0};
    bool dry = mpp_boolean_or(call, reply, "dryRun", false);
    char *path = path_of(call, reply);
    if (path == NULL || !read_file(reply, path, &found))
        return;
    mpp_text before = unix_lines(ported_view(&found)), after = before;
    for (const mpp_value *one = mpp_first(mpp_find(call->arguments, "edits")); one != NULL; one = mpp_next(one)) {
        mpp_text old = {"", 0}, fresh = {"", 0};
        if (!mpp_as_text(mpp_find(one, "oldText"), &old) || !mpp_as_text(mpp_find(one, "newText"), &fresh)) {
            mpp_fail(reply, mpp_c("each edit has an 'oldText' and a 'newText'"));
            return;
        }
        if (!edit(&after, unix_lines(old), unix_lines(fresh))) {
            ported_fail(reply, "Could not find exact match for edit:\n", old, "");
            return;
        }
    }
    if (!diff_unified(&diff, mpp_c(path), before, after)) {
        mpp_fail(reply, mpp_c("the file has too many lines to be compared"));
        return;
    }
    if (!dry && !write_file(reply, path, after))
        return;
    add_fenced(&out, ported_view(&diff));
    answer(reply, ported_view(&out));
}

static const mpp_tool tools[] = {
    {"read_text_file", read_text_file},
    {"list_directory", list_directory},
    {"edit_file", edit_file},
};

int main(void)
{
    return mpp_main(tools, sizeof tools / sizeof tools[0]);
}
