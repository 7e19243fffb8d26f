/* diff.c - see diff.h. The longest common subsequence, by the plain table: files of an agent's edits are short. */
#include "diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXT 4u

typedef struct {
    mpp_text *at;
    size_t count;
    bool ends; /* the last line has its line end */
} lines;

/* One row of the result: ' ', '-' or '+', and the line. */
typedef struct {
    char kind;
    mpp_text text;
    bool torn; /* the last line of its side, without a line end */
} row;

static bool split(lines *out, mpp_text text)
{
    size_t from = 0;
    out->at = calloc(DIFF_LINES_MAX + 1, sizeof *out->at);
    out->count = 0;
    out->ends = text.size == 0 || text.at[text.size - 1] == '\n';
    if (out->at == NULL)
        return false;
    for (size_t i = 0; i <= text.size; i++) {
        if (i < text.size ? text.at[i] != '\n' : i == from)
            continue;
        if (out->count == DIFF_LINES_MAX)
            return false;
        out->at[out->count++] = (mpp_text){text.at + from, i - from};
        from = i + 1;
    }
    return true;
}

/* A last line without its end differs from one with it. */
static bool equal(const lines *a, size_t i, const lines *b, size_t j)
{
    bool torn_a = !a->ends && i + 1 == a->count, torn_b = !b->ends && j + 1 == b->count;
    return torn_a == torn_b && a->at[i].size == b->at[j].size && memcmp(a->at[i].at, b->at[j].at, a->at[i].size) == 0;
}

/* The rows of the whole text: what is common, and before each common line what goes, then what comes. */
static size_t compare(const lines *a, const lines *b, row *rows)
{
    size_t width = b->count + 1, count = 0, i = 0, j = 0;
    unsigned short *table = calloc((a->count + 1) * width, sizeof *table);
    if (table == NULL)
        abort();
    for (size_t x = a->count; x-- > 0;)
        for (size_t y = b->count; y-- > 0;) {
            unsigned short down = table[(x + 1) * width + y], right = table[x * width + y + 1];
            table[x * width + y] = equal(a, x, b, y) ? (unsigned short)(table[(x + 1) * width + y + 1] + 1) : down >= right ? down : right;
        }
    while (i < a->count || j < b->count) {
        if (i < a->count && j < b->count && equal(a, i, b, j)) {
            rows[count++] = (row){' ', a->at[i], !a->ends && i + 1 == a->count};
            i++, j++;
        } else if (i < a->count && (j == b->count || table[(i + 1) * width + j] >= table[i * width + j + 1])) {
            rows[count++] = (row){'-', a->at[i], !a->ends && i + 1 == a->count};
            i++;
        } else {
            rows[count++] = (row){'+', b->at[j], !b->ends && j + 1 == b->count};
            j++;
        }
    }
    free(table);
    return count;
}

static void add_hunk(ported_text *out, const row *rows, size_t from, size_t to)
{
    size_t old_start = 1, new_start = 1, old_count = 0, new_count = 0;
    char head[96];
    for (size_t i = 0; i < to; i++) {
        size_t *old_at = i < from ? &old_start : &old_count, *new_at = i < from ? &new_start : &new_count;
        *old_at += rows[i].kind != '+';
        *new_at += rows[i].kind != '-';
    }
    /* A side without a line stands one earlier, as the form wants it. */
    snprintf(head, sizeof head, "@@ -%zu,%zu +%zu,%zu @@\n", old_start - (old_count == 0), old_count, new_start - (new_count == 0), new_count);
    ported_add_c(out, head);
    for (size_t i = from; i < to; i++) {
        ported_add(out, (mpp_text){&rows[i].kind, 1});
        ported_add(out, rows[i].text);
        ported_add_c(out, rows[i].torn ? "\n\\ No newline at end of file\n" : "\n");
    }
}

bool diff_unified(ported_text *out, mpp_text name, mpp_text before, mpp_text after)
{
    lines a, b;
    row *rows = calloc(2 * DIFF_LINES_MAX, sizeof *rows);
    if (rows == NULL || !split(&a, before) || !split(&b, after))
        return false;
    size_t count = compare(&a, &b, rows);
    ported_add_c(out, "Index: ");
    ported_add(out, name);
    ported_add_c(out, "\n===================================================================\n--- ");
    ported_add(out, name);
    ported_add_c(out, "\toriginal\n+++ ");
    ported_add(out, name);
    ported_add_c(out, "\tmodified\n");
    for (size_t i = 0; i < count; i++) {
        if (rows[i].kind == ' ')
            continue;
        size_t from = i > CONTEXT ? i - CONTEXT : 0, last = i;
        for (size_t k = i; k < count && k <= last + 2 * CONTEXT; k++)
            if (rows[k].kind != ' ')
                last = k;
        size_t to = last + CONTEXT + 1 < count ? last + CONTEXT + 1 : count;
        add_hunk(out, rows, from, to);
        i = to - 1;
    }
    return true;
}
