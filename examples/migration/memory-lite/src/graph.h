/* graph.h - entities with observations, and relations between them, kept in one file. */
#ifndef GRAPH_H
#define GRAPH_H

#include "ported.h"

#define GRAPH_ITEMS_MAX 4096u /* entities, relations, or observations of one entity: bounds memory */

typedef struct {
    mpp_text *at;
    size_t count, room;
} texts;

typedef struct {
    mpp_text name, type;
    texts observations;
} entity;

typedef struct {
    mpp_text from, to, type;
} relation;

typedef struct {
    entity *entities;
    size_t entity_count, entity_room;
    relation *relations;
    size_t relation_count, relation_room;
} graph;

bool same_text(mpp_text a, mpp_text b);
bool has_text(const texts *list, mpp_text text);
void add_text(texts *list, mpp_text text);
void add_entity(graph *to, entity one);
void add_relation(graph *to, relation one);
entity *find_entity(graph *in, mpp_text name);

/* The kept graph; an empty one where nothing is kept. NULL, or why it cannot be read. */
const char *load_graph(graph *out);

/* Keep it: the old file or the new one, never half. NULL, or why not. */
const char *save_graph(const graph *from);

#endif
