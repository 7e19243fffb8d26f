/* The golden tools over mpp.h; what each does stands in sdk/golden/README.md. */
#define MPP_IMPLEMENTATION
#include "mpp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void ok(mpp_reply *reply)
{
    mpp_say(reply, mpp_c("ok"));
}

static mpp_text decimal(mpp_reply *reply, int64_t number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)number);
    const mpp_text part = mpp_c(digits);
    return mpp_join(reply, &part, 1);
}

static bool same_text(mpp_text a, const char *b)
{
    return a.size == strlen(b) && memcmp(a.at, b, a.size) == 0;
}

/* A text as a C string; the tools that use it take words without NUL bytes. */
static const char *c_string(mpp_reply *reply, mpp_text text)
{
    char *made = mpp_room(reply, text.size + 1);
    if (made == NULL)
        return "";
    memcpy(made, text.at, text.size);
    return made;
}

/* What the host refused becomes the failure of the tool. */
static bool worked(mpp_reply *reply, bool good)
{
    if (!good)
        mpp_fail(reply, mpp_error_code(reply));
    return good;
}

static void echo(const mpp_call *call, mpp_reply *reply)
{
    mpp_put_value(reply, "value", mpp_find(call->arguments, "value"));
    ok(reply);
}

static void add_two(const mpp_call *call, mpp_reply *reply)
{
    int64_t a = mpp_integer_or(call, reply, "a", 0), b = mpp_integer_or(call, reply, "b", 0), sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        mpp_fail(reply, mpp_c("the sum does not fit in 64 bits"));
        return;
    }
    mpp_put_integer(reply, "sum", sum);
    mpp_say(reply, decimal(reply, sum));
}

static void greet(const mpp_call *call, mpp_reply *reply)
{
    mpp_text name = mpp_text_or(call, reply, "name", "World"), whole = mpp_c("");
    int64_t times = mpp_integer_or(call, reply, "times", 1);
    bool loud = mpp_boolean_or(call, reply, "loud", false);
    if (name.size == 0) {
        mpp_fail(reply, mpp_c("the name is empty"));
        return;
    }
    for (int64_t i = 0; i < times; i++) {
        const mpp_text parts[] = {whole, mpp_c(i > 0 ? " " : ""), mpp_c("Hello, "), name, mpp_c(loud ? "!!!" : "!")};
        whole = mpp_join(reply, parts, 5);
    }
    mpp_say(reply, whole);
    mpp_put_text(reply, "greeting", whole);
}

static void half(const mpp_call *call, mpp_reply *reply)
{
    mpp_put_number(reply, "half", mpp_number_or(call, reply, "number", 1) / 2);
    ok(reply);
}

static void fail(const mpp_call *call, mpp_reply *reply)
{
    mpp_fail(reply, mpp_text_or(call, reply, "message", ""));
}

static void reject(const mpp_call *call, mpp_reply *reply)
{
    mpp_reject(reply, mpp_integer_or(call, reply, "code", 0), mpp_text_or(call, reply, "message", ""), mpp_find(call->arguments, "data"));
}

static void content(const mpp_call *call, mpp_reply *reply)
{
    mpp_text kind = mpp_text_or(call, reply, "kind", "");
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    if (same_text(kind, "texts")) {
        mpp_say(reply, mpp_c("one"));
        mpp_say(reply, mpp_c("two"));
    } else if (same_text(kind, "image")) {
        mpp_add_image(reply, (mpp_text){all, 256}, "image/png");
    } else if (same_text(kind, "audio")) {
        mpp_add_audio(reply, mpp_c("RIFF"), "audio/wav");
    } else if (same_text(kind, "link")) {
        mpp_add_link(reply, &(mpp_link){"https://example.com/report", "report", "The report", "A report", "text/plain", 42});
    } else if (same_text(kind, "small_link")) {
        mpp_add_link(reply, &(mpp_link){.uri = "https://example.com/", .name = "home", .size = -1});
    } else if (same_text(kind, "resource_text")) {
        mpp_add_resource_text(reply, "memory://notes/1", "text/plain", mpp_c("note"));
    } else if (same_text(kind, "resource_blob")) {
        mpp_add_resource_bytes(reply, "memory://blobs/1", "application/octet-stream", (mpp_text){"\0\xff", 2});
    } else if (same_text(kind, "annotated")) {
        mpp_say(reply, mpp_c("for people"));
        mpp_annotate(reply, "user", 0.5);
    } else if (same_text(kind, "mixed")) {
        mpp_say(reply, mpp_c("one"));
        mpp_add_image(reply, mpp_c("\1\2\3"), "image/png");
        mpp_put_integer(reply, "items", 2);
    }
}

static void binary(const mpp_call *call, mpp_reply *reply)
{
    mpp_text bytes;
    if (!mpp_base64(reply, mpp_text_or(call, reply, "data", ""), &bytes)) {
        mpp_fail(reply, mpp_c("the argument 'data' is no base64"));
        return;
    }
    char *turned = mpp_room(reply, bytes.size);
    if (turned == NULL)
        return;
    for (size_t i = 0; i < bytes.size; i++)
        turned[i] = bytes.at[bytes.size - 1 - i];
    mpp_put_integer(reply, "size", (int64_t)bytes.size);
    mpp_put_bytes(reply, "reversed", (mpp_text){turned, bytes.size});
    mpp_say(reply, decimal(reply, (int64_t)bytes.size));
}

static void nest(const mpp_call *call, mpp_reply *reply)
{
    int64_t depth = mpp_integer_or(call, reply, "depth", 0);
    for (int64_t i = 0; i < depth; i++)
        mpp_open_list(reply, i == 0 ? "nested" : NULL);
    mpp_put_integer(reply, depth == 0 ? "nested" : NULL, 0);
    for (int64_t i = 0; i < depth; i++)
        mpp_close(reply);
    ok(reply);
}

static bool same_value(const mpp_value *a, const mpp_value *b)
{
    mpp_text one, other;
    return mpp_as_text(a, &one) && mpp_as_text(b, &other) && one.size == other.size && memcmp(one.at, other.at, one.size) == 0;
}

static void count(const mpp_call *call, mpp_reply *reply)
{
    const mpp_value *words = mpp_find(call->arguments, "words");
    mpp_open_object(reply, "counts");
    for (const mpp_value *word = mpp_first(words); word != NULL; word = mpp_next(word)) {
        int64_t found = 0;
        bool before = false, here = false;
        for (const mpp_value *other = mpp_first(words); other != NULL; other = mpp_next(other)) {
            here = here || other == word;
            if (same_value(word, other)) {
                before = before || !here;
                found++;
            }
        }
        mpp_text name;
        if (before || !mpp_as_text(word, &name))
            continue;
        mpp_name(reply, name);
        mpp_put_integer(reply, NULL, found);
    }
    mpp_close(reply);
    ok(reply);
}

static void long_text(const mpp_call *call, mpp_reply *reply)
{
    int64_t size = mpp_integer_or(call, reply, "size", 0);
    char *text = mpp_room(reply, (size_t)size);
    if (text == NULL)
        return;
    memset(text, 'x', (size_t)size);
    mpp_say(reply, (mpp_text){text, (size_t)size});
    mpp_put_integer(reply, "size", size);
}

static void kv_get(const mpp_call *call, mpp_reply *reply)
{
    bool found;
    mpp_text value;
    if (!worked(reply, mpp_kv_get(reply, mpp_text_or(call, reply, "key", ""), &found, &value)))
        return;
    if (found)
        mpp_put_bytes(reply, "value", value);
    else
        mpp_put_null(reply, "value");
    ok(reply);
}

static void kv_set(const mpp_call *call, mpp_reply *reply)
{
    mpp_text key = mpp_text_or(call, reply, "key", ""), value = mpp_text_or(call, reply, "value", ""), wanted;
    const mpp_value *expect = mpp_find(call->arguments, "expect");
    bool stored = true;
    bool good = expect == NULL ? mpp_kv_set(reply, key, value)
                               : mpp_kv_set_if(reply, key, value, mpp_as_text(expect, &wanted) ? &wanted : NULL, &stored);
    if (!worked(reply, good))
        return;
    mpp_put_boolean(reply, "stored", stored);
    ok(reply);
}

static void kv_delete(const mpp_call *call, mpp_reply *reply)
{
    bool existed;
    if (!worked(reply, mpp_kv_delete(reply, mpp_text_or(call, reply, "key", ""), &existed)))
        return;
    mpp_put_boolean(reply, "existed", existed);
    ok(reply);
}

static void kv_list(const mpp_call *call, mpp_reply *reply)
{
    mpp_text prefix, after;
    const mpp_value *keys;
    bool more;
    bool has_prefix = mpp_as_text(mpp_find(call->arguments, "prefix"), &prefix);
    bool has_after = mpp_as_text(mpp_find(call->arguments, "after"), &after);
    int64_t limit = mpp_integer_or(call, reply, "limit", 0);
    if (!worked(reply, mpp_kv_list(reply, has_prefix ? &prefix : NULL, has_after ? &after : NULL, limit, &keys, &more)))
        return;
    mpp_put_value(reply, "keys", keys);
    mpp_put_boolean(reply, "more", more);
    ok(reply);
}

static void share(const mpp_call *call, mpp_reply *reply)
{
    mpp_kv_shared(reply, true);
    if (!worked(reply, mpp_kv_set(reply, mpp_text_or(call, reply, "key", ""), mpp_text_or(call, reply, "value", ""))))
        return;
    mpp_put_boolean(reply, "stored", true);
    ok(reply);
}

static void shared(const mpp_call *call, mpp_reply *reply)
{
    mpp_kv_shared(reply, true);
    kv_get(call, reply);
}

static void kv_count(const mpp_call *call, mpp_reply *reply)
{
    mpp_text key = mpp_text_or(call, reply, "key", ""), value;
    bool found, stored;
    for (int attempt = 0; attempt < 5; attempt++) {
        if (!worked(reply, mpp_kv_get(reply, key, &found, &value)))
            return;
        int64_t next = (found ? atoll(c_string(reply, value)) : 0) + 1;
        if (!worked(reply, mpp_kv_set_if(reply, key, decimal(reply, next), found ? &value : NULL, &stored)))
            return;
        if (stored) {
            mpp_put_integer(reply, "count", next);
            ok(reply);
            return;
        }
    }
    mpp_fail(reply, mpp_c("busy"));
}

static void fetch(const mpp_call *call, mpp_reply *reply)
{
    mpp_header headers[64];
    mpp_text body, redirect, type;
    mpp_request request = {.method = c_string(reply, mpp_text_or(call, reply, "method", "GET")), .url = mpp_text_or(call, reply, "url", "")};
    mpp_response response;
    for (const mpp_value *pair = mpp_first(mpp_find(call->arguments, "headers")); pair != NULL && request.header_count < 64; pair = mpp_next(pair)) {
        mpp_header *header = &headers[request.header_count++];
        if (!mpp_as_text(mpp_first(pair), &header->name) || !mpp_as_text(mpp_next(mpp_first(pair)), &header->value)) {
            mpp_fail(reply, mpp_c("the argument 'headers' is a list of pairs of texts"));
            return;
        }
    }
    request.headers = headers;
    if (mpp_as_text(mpp_find(call->arguments, "body"), &body))
        request.body = &body;
    if (mpp_as_text(mpp_find(call->arguments, "redirect"), &redirect))
        request.redirect = c_string(reply, redirect);
    request.timeout_ms = mpp_integer_or(call, reply, "timeout_ms", 0);
    if (!worked(reply, mpp_fetch(reply, &request, &response)))
        return;
    mpp_put_integer(reply, "status", response.status);
    mpp_put_text(reply, "url", response.url);
    if (mpp_header_of(&response, "content-type", &type))
        mpp_put_text(reply, "type", type);
    else
        mpp_put_null(reply, "type");
    mpp_put_bytes(reply, "body", response.body);
    ok(reply);
}

static void whoami(const mpp_call *call, mpp_reply *reply)
{
    mpp_context who = mpp_context_of(call);
    mpp_put_text(reply, "agent", who.agent);
    mpp_put_text(reply, "proof", who.proof);
    mpp_put_text(reply, "user", who.user);
    mpp_put_text(reply, "tenant", who.tenant);
    mpp_put_text(reply, "invocation", who.invocation);
    mpp_put_text(reply, "tool", who.tool);
    mpp_put_text(reply, "package", who.package);
    mpp_put_text(reply, "version", who.version);
    ok(reply);
}

static void token(const mpp_call *call, mpp_reply *reply)
{
    mpp_text found;
    if (!worked(reply, mpp_context_token(reply, mpp_text_or(call, reply, "audience", ""), &found)))
        return;
    mpp_put_text(reply, "token", found);
    ok(reply);
}

static void note(const mpp_call *call, mpp_reply *reply)
{
    mpp_log(reply, c_string(reply, mpp_text_or(call, reply, "level", "info")), mpp_text_or(call, reply, "message", ""));
    ok(reply);
}

static void work(const mpp_call *call, mpp_reply *reply)
{
    int64_t steps = mpp_integer_or(call, reply, "steps", 0);
    for (int64_t i = 1; i <= steps; i++) {
        const mpp_text parts[] = {mpp_c("step "), decimal(reply, i)};
        mpp_progress(reply, (double)i, (double)steps, mpp_join(reply, parts, 2));
    }
    mpp_put_integer(reply, "done", steps);
    ok(reply);
}

static void answered(mpp_reply *reply, const mpp_value *answer)
{
    mpp_text action, name;
    if (!mpp_as_text(mpp_find(answer, "action"), &action) || !same_text(action, "accept") ||
        !mpp_as_text(mpp_find(mpp_find(answer, "content"), "name"), &name)) {
        mpp_fail(reply, mpp_c("nobody said a name"));
        return;
    }
    const mpp_text parts[] = {mpp_c("Hello, "), name, mpp_c("!")};
    mpp_text greeting = mpp_join(reply, parts, 3);
    mpp_say(reply, greeting);
    mpp_put_text(reply, "greeting", greeting);
}

static void ask(const mpp_call *call, mpp_reply *reply)
{
    static const char schema[] = "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}},\"required\":[\"name\"]}";
    mpp_text kind = mpp_text_or(call, reply, "kind", "person"), said = mpp_c("");
    const mpp_value *answer = mpp_find(call->arguments, "answer");
    if (same_text(kind, "person") && answer == NULL) {
        mpp_ask_person(reply, "answer", mpp_c("Who is it for?"), schema);
    } else if (same_text(kind, "person")) {
        answered(reply, answer);
    } else if (same_text(kind, "model") && answer == NULL) {
        mpp_ask_model(reply, "answer", mpp_c("Say hello"), "Be short", 100);
    } else if (same_text(kind, "model")) {
        mpp_as_text(mpp_find(mpp_find(answer, "content"), "text"), &said);
        mpp_say(reply, said);
        mpp_put_text(reply, "said", said);
    } else if (answer == NULL) {
        mpp_ask_folders(reply, "answer");
    } else {
        mpp_open_list(reply, "folders");
        for (const mpp_value *root = mpp_first(mpp_find(answer, "roots")); root != NULL; root = mpp_next(root))
            mpp_put_value(reply, NULL, mpp_find(root, "uri"));
        mpp_close(reply);
        ok(reply);
    }
}

static void environment(const mpp_call *call, mpp_reply *reply)
{
    const char *value = getenv(c_string(reply, mpp_text_or(call, reply, "name", "")));
    if (value != NULL)
        mpp_put_text(reply, "value", mpp_c(value));
    else
        mpp_put_null(reply, "value");
    ok(reply);
}

static void to_stderr(const mpp_call *call, mpp_reply *reply)
{
    mpp_text message = mpp_text_or(call, reply, "message", "");
    fprintf(stderr, "%.*s\n", (int)message.size, message.at);
    ok(reply);
}

static const mpp_tool tools[] = {
    {"echo", echo},       {"add", add_two},         {"greet", greet},     {"half", half},       {"fail", fail},     {"reject", reject},
    {"content", content}, {"binary", binary},       {"nest", nest},       {"count", count},     {"long", long_text}, {"kv_get", kv_get},
    {"kv_set", kv_set},   {"kv_delete", kv_delete}, {"kv_list", kv_list}, {"kv_count", kv_count}, {"fetch", fetch}, {"whoami", whoami},
    {"token", token},     {"note", note},           {"work", work},       {"ask", ask}, {"share", share}, {"shared", shared},         {"environment", environment}, {"stderr", to_stderr},
};

int main(void)
{
    return mpp_main(tools, sizeof tools / sizeof tools[0]);
}
