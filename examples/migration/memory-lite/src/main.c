/* memory-lite: the reference server "memory", as a package. The graph lies in a file of the workspace, as the server keeps its own. */
#include "graph.h"
#include "ported.h"

#include <string.h>

/* ---- Answers: a text as JavaScript indents it, and the same as fields ---------------------------------- */

typedef struct {
    mpp_reply *reply;
    ported_text text;
    unsigned depth;
    bool fresh; /* nothing stands in the innermost list or object yet */
} answer;

static void begin(answer *out, const char *key)
{
    if (out->depth > 0) {
        ported_add_c(&out->text, out->fresh ? "\n" : ",\n");
        for (unsigned i = 0; i < out->depth; i++)
            ported_add_c(&out->text, "  ");
    }
    if (key != NULL) {
        ported_add_json(&out->text, mpp_c(key));
        ported_add_c(&out->text, ": ");
    }
    out->fresh = false;
}

static void open(answer *out, const char *key, const char *bracket)
{
    begin(out, key);
    ported_add_c(&out->text, bracket);
    out->depth++;
    out->fresh = true;
}

static void close(answer *out, const char *bracket)
{
    bool was_fresh = out->fresh;
    out->depth--;
    out->fresh = false;
    if (!was_fresh) {
        ported_add_c(&out->text, "\n");
        for (unsigned i = 0; i < out->depth; i++)
            ported_add_c(&out->text, "  ");
    }
    ported_add_c(&out->text, bracket);
}

/* `field` is the key among the fields; the text has `key`, which is NULL for a list that stands alone. */
static void open_list(answer *out, const char *key, const char *field)
{
    open(out, key, "[");
    mpp_open_list(out->reply, field);
}

static void close_list(answer *out)
{
    close(out, "]");
    mpp_close(out->reply);
}

static void open_item(answer *out)
{
    open(out, NULL, "{");
    mpp_open_object(out->reply, NULL);
}

static void close_item(answer *out)
{
    close(out, "}");
    mpp_close(out->reply);
}

static void put_text(answer *out, const char *key, mpp_text text)
{
    begin(out, key);
    ported_add_json(&out->text, text);
    mpp_put_text(out->reply, key, text);
}

static void put_texts(answer *out, const char *key, const texts *list)
{
    open_list(out, key, key);
    for (size_t i = 0; i < list->count; i++)
        put_text(out, NULL, list->at[i]);
    close_list(out);
}

static void put_entity(answer *out, const entity *one)
{
    open_item(out);
    put_text(out, "name", one->name);
    put_text(out, "entityType", one->type);
    put_texts(out, "observations", &one->observations);
    close_item(out);
}

static void put_relation(answer *out, const relation *one)
{
    open_item(out);
    put_text(out, "from", one->from);
    put_text(out, "to", one->to);
    put_text(out, "relationType", one->type);
    close_item(out);
}

static void put_entities(answer *out, const char *key, const graph *from)
{
    open_list(out, key, "entities");
    for (size_t i = 0; i < from->entity_count; i++)
        put_entity(out, &from->entities[i]);
    close_list(out);
}

static void put_relations(answer *out, const char *key, const graph *from)
{
    open_list(out, key, "relations");
    for (size_t i = 0; i < from->relation_count; i++)
        put_relation(out, &from->relations[i]);
    close_list(out);
}

static void put_graph(mpp_reply *reply, const graph *from)
{
    answer out = {.reply = reply};
    open(&out, NULL, "{");
    put_entities(&out, "entities", from);
    put_relations(&out, "relations", from);
    close(&out, "}");
    mpp_say(reply, ported_view(&out.text));
}

/* What is deleted is told in words alone. */
static void put_done(mpp_reply *reply, const char *words)
{
    mpp_say(reply, mpp_c(words));
    mpp_put_boolean(reply, "success", true);
    mpp_put_text(reply, "message", mpp_c(words));
}

/* ---- Arguments --------------------------------------------------------------------------------------- */

static mpp_text text_of(const mpp_value *object, const char *key)
{
    mpp_text text = {"", 0};
    mpp_as_text(mpp_find(object, key), &text);
    return text;
}

static texts texts_of(const mpp_value *list)
{
    texts out = {0};
    mpp_text text;
    for (const mpp_value *item = mpp_first(list); item != NULL; item = mpp_next(item))
        if (mpp_as_text(item, &text))
            add_text(&out, text);
    return out;
}

static relation relation_of(const mpp_value *item)
{
    return (relation){text_of(item, "from"), text_of(item, "to"), text_of(item, "relationType")};
}

static bool same_relation(const relation *a, const relation *b)
{
    return same_text(a->from, b->from) && same_text(a->to, b->to) && same_text(a->type, b->type);
}

static bool loaded(graph *out, mpp_reply *reply)
{
    const char *fault = load_graph(out);
    if (fault != NULL)
        mpp_fail(reply, mpp_c(fault));
    return fault == NULL;
}

static void save(const graph *from, mpp_reply *reply)
{
    const char *fault = save_graph(from);
    if (fault != NULL)
        mpp_fail(reply, mpp_c(fault));
}

/* ---- Tools ------------------------------------------------------------------------------------------- */

static void create_entities(const mpp_call *call, mpp_reply *reply)
{
    graph all, fresh = {0};
    answer out = {.reply = reply};
    if (!loaded(&all, reply))
        return;
    for (const mpp_value *item = mpp_first(mpp_find(call->arguments, "entities")); item != NULL; item = mpp_next(item)) {
        entity one = {text_of(item, "name"), text_of(item, "entityType"), texts_of(mpp_find(item, "observations"))};
        if (find_entity(&all, one.name) == NULL)
            add_entity(&fresh, one);
    }
    for (size_t i = 0; i < fresh.entity_count; i++)
        add_entity(&all, fresh.entities[i]);
    put_entities(&out, NULL, &fresh);
    mpp_say(reply, ported_view(&out.text));
    save(&all, reply);
}

static bool has_relation(const graph *in, const relation *one)
{
    for (size_t i = 0; i < in->relation_count; i++)
        if (same_relation(&in->relations[i], one))
            return true;
    return false;
}

static void create_relations(const mpp_call *call, mpp_reply *reply)
{
    graph all, fresh = {0};
    answer out = {.reply = reply};
    if (!loaded(&all, reply))
        return;
    for (const mpp_value *item = mpp_first(mpp_find(call->arguments, "relations")); item != NULL; item = mpp_next(item)) {
        relation one = relation_of(item);
        if (!has_relation(&all, &one))
            add_relation(&fresh, one);
    }
    for (size_t i = 0; i < fresh.relation_count; i++)
        add_relation(&all, fresh.relations[i]);
    put_relations(&out, NULL, &fresh);
    mpp_say(reply, ported_view(&out.text));
    save(&all, reply);
}

static void add_observations(const mpp_call *call, mpp_reply *reply)
{
    graph all;
    answer out = {.reply = reply};
    if (!loaded(&all, reply))
        return;
    open_list(&out, NULL, "results");
    for (const mpp_value *item = mpp_first(mpp_find(call->arguments, "observations")); item != NULL; item = mpp_next(item)) {
        mpp_text name = text_of(item, "entityName");
        entity *found = find_entity(&all, name);
        texts given = texts_of(mpp_find(item, "contents")), added = {0};
        if (found == NULL) {
            ported_fail(reply, "Entity with name ", name, " not found");
            return;
        }
        for (size_t i = 0; i < given.count; i++)
            if (!has_text(&found->observations, given.at[i]))
                add_text(&added, given.at[i]);
        for (size_t i = 0; i < added.count; i++)
            add_text(&found->observations, added.at[i]);
        open_item(&out);
        put_text(&out, "entityName", name);
        put_texts(&out, "addedObservations", &added);
        close_item(&out);
    }
    close_list(&out);
    mpp_say(reply, ported_view(&out.text));
    save(&all, reply);
}

static void delete_entities(const mpp_call *call, mpp_reply *reply)
{
    graph all, kept = {0};
    texts names = texts_of(mpp_find(call->arguments, "entityNames"));
    if (!loaded(&all, reply))
        return;
    for (size_t i = 0; i < all.entity_count; i++)
        if (!has_text(&names, all.entities[i].name))
            add_entity(&kept, all.entities[i]);
    for (size_t i = 0; i < all.relation_count; i++)
        if (!has_text(&names, all.relations[i].from) && !has_text(&names, all.relations[i].to))
            add_relation(&kept, all.relations[i]);
    put_done(reply, "Entities deleted successfully");
    save(&kept, reply);
}

static void delete_observations(const mpp_call *call, mpp_reply *reply)
{
    graph all;
    if (!loaded(&all, reply))
        return;
    for (const mpp_value *item = mpp_first(mpp_find(call->arguments, "deletions")); item != NULL; item = mpp_next(item)) {
        entity *found = find_entity(&all, text_of(item, "entityName"));
        texts gone = texts_of(mpp_find(item, "observations")), kept = {0};
        for (size_t i = 0; found != NULL && i < found->observations.count; i++)
            if (!has_text(&gone, found->observations.at[i]))
                add_text(&kept, found->observations.at[i]);
        if (found != NULL)
            found->observations = kept;
    }
    put_done(reply, "Observations deleted successfully");
    save(&all, reply);
}

static void delete_relations(const mpp_call *call, mpp_reply *reply)
{
    graph all, gone = {0}, kept = {0};
    if (!loaded(&all, reply))
        return;
    for (const mpp_value *item = mpp_first(mpp_find(call->arguments, "relations")); item != NULL; item = mpp_next(item))
        add_relation(&gone, relation_of(item));
    kept.entities = all.entities;
    kept.entity_count = all.entity_count;
    for (size_t i = 0; i < all.relation_count; i++)
        if (!has_relation(&gone, &all.relations[i]))
            add_relation(&kept, all.relations[i]);
    put_done(reply, "Relations deleted successfully");
    save(&kept, reply);
}

static void read_graph(const mpp_call *call, mpp_reply *reply)
{
    graph all;
    (void)call;
    if (loaded(&all, reply))
        put_graph(reply, &all);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool holds(mpp_text text, mpp_text part)
{
    for (size_t i = 0; part.size <= text.size && i <= text.size - part.size; i++) {
        size_t k = 0;
        while (k < part.size && lower(text.at[i + k]) == lower(part.at[k]))
            k++;
        if (k == part.size)
            return true;
    }
    return false;
}

static bool entity_holds(const entity *one, mpp_text part)
{
    if (holds(one->name, part) || holds(one->type, part))
        return true;
    for (size_t i = 0; i < one->observations.count; i++)
        if (holds(one->observations.at[i], part))
            return true;
    return false;
}

/* The relations that touch one of the found entities. */
static void put_found(mpp_reply *reply, const graph *all, graph *found)
{
    for (size_t i = 0; i < all->relation_count; i++)
        if (find_entity(found, all->relations[i].from) != NULL || find_entity(found, all->relations[i].to) != NULL)
            add_relation(found, all->relations[i]);
    put_graph(reply, found);
}

static void search_nodes(const mpp_call *call, mpp_reply *reply)
{
    graph all, found = {0};
    mpp_text query = text_of(call->arguments, "query");
    if (!loaded(&all, reply))
        return;
    for (size_t i = 0; i < all.entity_count; i++)
        if (entity_holds(&all.entities[i], query))
            add_entity(&found, all.entities[i]);
    put_found(reply, &all, &found);
}

static void open_nodes(const mpp_call *call, mpp_reply *reply)
{
    graph all, found = {0};
    texts names = texts_of(mpp_find(call->arguments, "names"));
    if (!loaded(&all, reply))
        return;
    for (size_t i = 0; i < all.entity_count; i++)
        if (has_text(&names, all.entities[i].name))
            add_entity(&found, all.entities[i]);
    put_found(reply, &all, &found);
}

static const mpp_tool tools[] = {
    {"create_entities", create_entities},         {"create_relations", create_relations}, {"add_observations", add_observations},
    {"delete_entities", delete_entities},         {"delete_observations", delete_observations}, {"delete_relations", delete_relations},
    {"read_graph", read_graph},                   {"search_nodes", search_nodes},         {"open_nodes", open_nodes},
};

int main(void)
{
    return mpp_main(tools, sizeof tools / sizeof tools[0]);
}
