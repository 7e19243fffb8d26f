/* graph.c - see graph.h. The file is a row of texts, each with its length before it: no reader of JSON is needed. */
#include "graph.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH "/workspace/memory.graph"
#define FRESH "/workspace/memory.graph.new"
#define FILE_BYTES_MAX (8u * 1024u * 1024u)

bool same_text(mpp_text a, mpp_text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

bool has_text(const texts *list, mpp_text text)
{
    for (size_t i = 0; i < list->count; i++)
        if (same_text(list->at[i], text))
            return true;
    return false;
}

/* Room for one more in a list that grows; more than the limit is a trap, and the host says so. */
static void *room_for(void *at, size_t count, size_t *room, size_t size)
{
    if (count >= GRAPH_ITEMS_MAX)
        abort();
    if (count < *room)
        return at;
    *room = 2 * count + 8;
    at = realloc(at, *room * size);
    if (at == NULL)
        abort();
    return at;
}

void add_text(texts *list, mpp_text text)
{
    list->at = room_for(list->at, list->count, &list->room, sizeof *list->at);
    list->at[list->count++] = text;
}

void add_entity(graph *to, entity one)
{
    to->entities = room_for(to->entities, to->entity_count, &to->entity_room, sizeof *to->entities);
    to->entities[to->entity_count++] = one;
}

void add_relation(graph *to, relation one)
{
    to->relations = room_for(to->relations, to->relation_count, &to->relation_room, sizeof *to->relations);
    to->relations[to->relation_count++] = one;
}

entity *find_entity(graph *in, mpp_text name)
{
    for (size_t i = 0; i < in->entity_count; i++)
        if (same_text(in->entities[i].name, name))
            return &in->entities[i];
    return NULL;
}

/* ---- The file ---------------------------------------------------------------------------------------- */

static void put(ported_text *out, mpp_text text)
{
    char size[24];
    snprintf(size, sizeof size, "%zu:", text.size);
    ported_add_c(out, size);
    ported_add(out, text);
}

static void put_count(ported_text *out, size_t count)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%zu", count);
    put(out, mpp_c(digits));
}

static bool get(mpp_text *from, mpp_text *text)
{
    size_t size = 0, at = 0;
    while (at < from->size && from->at[at] >= '0' && from->at[at] <= '9' && size <= FILE_BYTES_MAX)
        size = 10 * size + (size_t)(from->at[at++] - '0');
    if (at == 0 || at == from->size || from->at[at] != ':' || size > from->size - at - 1)
        return false;
    *text = (mpp_text){from->at + at + 1, size};
    from->at += at + 1 + size;
    from->size -= at + 1 + size;
    return true;
}

static bool get_count(mpp_text *from, size_t *count)
{
    mpp_text digits;
    *count = 0;
    if (!get(from, &digits) || digits.size == 0 || digits.size > 6)
        return false;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return false;
        *count = 10 * *count + (size_t)(digits.at[i] - '0');
    }
    return *count <= GRAPH_ITEMS_MAX;
}

static bool parse(graph *out, mpp_text from)
{
    size_t count, inner;
    mpp_text text;
    if (!get_count(&from, &count))
        return false;
    while (count-- > 0) {
        entity one = {0};
        if (!get(&from, &one.name) || !get(&from, &one.type) || !get_count(&from, &inner))
            return false;
        while (inner-- > 0) {
            if (!get(&from, &text))
                return false;
            add_text(&one.observations, text);
        }
        add_entity(out, one);
    }
    if (!get_count(&from, &count))
        return false;
    while (count-- > 0) {
        relation one;
        if (!get(&from, &one.from) || !get(&from, &one.to) || !get(&from, &one.type))
            return false;
        add_relation(out, one);
    }
    return from.size == 0;
}

const char *load_graph(graph *out)
{
    static char piece[65536];
    ported_text whole = {0};
    size_t size;
    FILE *file = fopen(PATH, "rb");
    memset(out, 0, sizeof *out);
    if (file == NULL)
        return errno == ENOENT ? NULL : "the kept graph cannot be opened";
    while ((size = fread(piece, 1, sizeof piece, file)) > 0 && whole.size <= FILE_BYTES_MAX)
        ported_add(&whole, (mpp_text){piece, size});
    bool good = !ferror(file) && whole.size <= FILE_BYTES_MAX;
    fclose(file);
    return good && parse(out, ported_view(&whole)) ? NULL : "the kept graph cannot be read";
}

const char *save_graph(const graph *from)
{
    ported_text out = {0};
    put_count(&out, from->entity_count);
    for (size_t i = 0; i < from->entity_count; i++) {
        const entity *one = &from->entities[i];
        put(&out, one->name);
        put(&out, one->type);
        put_count(&out, one->observations.count);
        for (size_t k = 0; k < one->observations.count; k++)
            put(&out, one->observations.at[k]);
    }
    put_count(&out, from->relation_count);
    for (size_t i = 0; i < from->relation_count; i++) {
        put(&out, from->relations[i].from);
        put(&out, from->relations[i].to);
        put(&out, from->relations[i].type);
    }
    FILE *file = fopen(FRESH, "wb");
    bool good = file != NULL && fwrite(out.at, 1, out.size, file) == out.size;
    if (file != NULL && fclose(file) != 0)
        good = false;
    return good && rename(FRESH, PATH) == 0 ? NULL : "the graph cannot be kept";
}
