/* mpp.c - the adapter between an MPP host and a tool written in C. See mpp.h for its use.
 *
 * Every byte of the request is taken as hostile: lengths, depth and counts are bounded, text must be
 * UTF-8, and an object with the same key twice is refused, because two readers could pick different ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mpp.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Memory: everything a call takes hangs on one chain and is freed at its end ---------------------- */

typedef union block {
    union block *next;
    max_align_t align;
} block;

static void *take(block **chain, size_t size)
{
    if (size > SIZE_MAX - sizeof(block))
        return NULL;
    block *fresh = calloc(1, sizeof(block) + size);
    if (fresh == NULL)
        return NULL;
    fresh->next = *chain;
    *chain = fresh;
    return fresh + 1;
}

static void release(block *chain)
{
    while (chain != NULL) {
        block *next = chain->next;
        free(chain);
        chain = next;
    }
}

/* ---- A text that grows. Once memory is short it stays broken; the end asks once. --------------------- */

typedef struct {
    char *at;
    size_t size, room;
    bool broken;
} buffer;

static void add_bytes(buffer *out, const char *bytes, size_t size)
{
    if (out->broken || size == 0)
        return;
    if (size > out->room - out->size) {
        if (size > SIZE_MAX / 2 - out->size - 1) {
            out->broken = true;
            return;
        }
        size_t room = out->size + size > 128 ? 2 * (out->size + size) : 256;
        char *more = realloc(out->at, room);
        if (more == NULL) {
            out->broken = true;
            return;
        }
        out->at = more;
        out->room = room;
    }
    memcpy(out->at + out->size, bytes, size);
    out->size += size;
}

static void add(buffer *out, const char *text)
{
    add_bytes(out, text, strlen(text));
}

/* The length of the UTF-8 character at `at`, or 0 when the bytes are none: too long forms, surrogates and
 * numbers over U+10FFFF are none. */
static size_t utf8_size(const char *at, size_t left)
{
    const unsigned char *s = (const unsigned char *)at;
    unsigned char low = 0x80, high = 0xBF;
    size_t size;
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xC2 && s[0] <= 0xDF) {
        size = 2;
    } else if (s[0] >= 0xE0 && s[0] <= 0xEF) {
        size = 3;
        if (s[0] == 0xE0)
            low = 0xA0;
        if (s[0] == 0xED)
            high = 0x9F;
    } else if (s[0] >= 0xF0 && s[0] <= 0xF4) {
        size = 4;
        if (s[0] == 0xF0)
            low = 0x90;
        if (s[0] == 0xF4)
            high = 0x8F;
    } else {
        return 0;
    }
    if (left < size || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++)
        if (s[i] < 0x80 || s[i] > 0xBF)
            return 0;
    return size;
}

/* A JSON string. Bytes that are not UTF-8 become U+FFFD, so a reply is always well-formed. */
static void add_string(buffer *out, mpp_text text)
{
    static const char hex[] = "0123456789abcdef";
    size_t at = 0;
    add(out, "\"");
    while (at < text.size) {
        const char *here = text.at + at;
        unsigned char c = (unsigned char)*here;
        size_t size = utf8_size(here, text.size - at);
        if (size == 0) {
            add(out, "\xEF\xBF\xBD");
            size = 1;
        } else if (c == '"' || c == '\\') {
            const char pair[2] = {'\\', (char)c};
            add_bytes(out, pair, 2);
        } else if (c == '\n') {
            add(out, "\\n");
        } else if (c < 0x20 || c == 0x7F) {
            const char code[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
            add_bytes(out, code, 6);
        } else {
            add_bytes(out, here, size);
        }
        at += size;
    }
    add(out, "\"");
}

static void add_integer(buffer *out, int64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left != 0);
    if (number < 0)
        add(out, "-");
    add_bytes(out, digits + at, sizeof digits - at);
}

/* ---- Reading JSON ------------------------------------------------------------------------------------ */

struct mpp_value {
    mpp_kind kind;
    bool truth;             /* of a boolean */
    mpp_text key;           /* when it is a member of an object */
    mpp_text text;          /* the decoded string */
    mpp_text raw;           /* the value as it stands in the request */
    mpp_value *first, *next; /* its items; its neighbour */
};

enum { PARSE_ERROR = -32700, INVALID_REQUEST = -32600, NO_METHOD = -32601, BAD_PARAMS = -32602, INTERNAL = -32603 };

typedef struct {
    const char *at, *end;
    char *decoded; /* where the next decoded string goes; the block is as long as the request, which suffices */
    block **chain;
    unsigned depth, values;
    int code; /* 0, or the JSON-RPC error, with its message */
    const char *message;
} reader;

static bool fault(reader *in, int code, const char *message)
{
    if (in->code == 0) {
        in->code = code;
        in->message = message;
    }
    return false;
}

static void skip_space(reader *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t' || *in->at == '\r' || *in->at == '\n'))
        in->at++;
}

static bool next_is(reader *in, char wanted)
{
    if (in->at == in->end || *in->at != wanted)
        return false;
    in->at++;
    return true;
}

static bool read_hex4(reader *in, unsigned *unit)
{
    *unit = 0;
    if (in->end - in->at < 4)
        return fault(in, PARSE_ERROR, "not JSON: a \\u escape has four hex digits");
    for (int i = 0; i < 4; i++) {
        char c = *in->at++;
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = (unsigned)(c - 'A') + 10;
        else
            return fault(in, PARSE_ERROR, "not JSON: a \\u escape has four hex digits");
        *unit = *unit * 16 + digit;
    }
    return true;
}

/* After "\u". Two surrogates make one character; one alone is no character and is refused. */
static bool read_unicode(reader *in)
{
    unsigned point, low;
    if (!read_hex4(in, &point))
        return false;
    if (point >= 0xD800 && point <= 0xDFFF) {
        if (point >= 0xDC00 || !next_is(in, '\\') || !next_is(in, 'u') || !read_hex4(in, &low) || low < 0xDC00 || low > 0xDFFF)
            return fault(in, PARSE_ERROR, "not JSON: a surrogate stands alone");
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    if (point < 0x80) {
        *in->decoded++ = (char)point;
    } else if (point < 0x800) {
        *in->decoded++ = (char)(0xC0 | point >> 6);
        *in->decoded++ = (char)(0x80 | (point & 63));
    } else if (point < 0x10000) {
        *in->decoded++ = (char)(0xE0 | point >> 12);
        *in->decoded++ = (char)(0x80 | (point >> 6 & 63));
        *in->decoded++ = (char)(0x80 | (point & 63));
    } else {
        *in->decoded++ = (char)(0xF0 | point >> 18);
        *in->decoded++ = (char)(0x80 | (point >> 12 & 63));
        *in->decoded++ = (char)(0x80 | (point >> 6 & 63));
        *in->decoded++ = (char)(0x80 | (point & 63));
    }
    return true;
}

static bool read_escape(reader *in)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (in->at == in->end)
        return fault(in, PARSE_ERROR, "not JSON: a string does not end");
    char c = *in->at++;
    if (c == 'u')
        return read_unicode(in);
    const char *found = c == '\0' ? NULL : strchr(names, c);
    if (found == NULL)
        return fault(in, PARSE_ERROR, "not JSON: an unknown escape");
    *in->decoded++ = values[found - names];
    return true;
}

/* After the opening quote. */
static bool read_string(reader *in, mpp_text *text)
{
    text->at = in->decoded;
    while (in->at < in->end) {
        unsigned char c = (unsigned char)*in->at;
        if (c == '"') {
            in->at++;
            text->size = (size_t)(in->decoded - text->at);
            return true;
        }
        if (c == '\\') {
            in->at++;
            if (!read_escape(in))
                return false;
            continue;
        }
        size_t size = c < 0x20 ? 0 : utf8_size(in->at, (size_t)(in->end - in->at));
        if (size == 0)
            return fault(in, PARSE_ERROR, c < 0x20 ? "not JSON: a control character in a string" : "the request is not UTF-8");
        memcpy(in->decoded, in->at, size);
        in->decoded += size;
        in->at += size;
    }
    return fault(in, PARSE_ERROR, "not JSON: a string does not end");
}

static bool read_digits(reader *in)
{
    const char *start = in->at;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9')
        in->at++;
    return in->at > start;
}

static bool read_number(reader *in)
{
    next_is(in, '-');
    bool good = next_is(in, '0') || read_digits(in);
    if (good && next_is(in, '.'))
        good = read_digits(in);
    if (good && (next_is(in, 'e') || next_is(in, 'E'))) {
        if (!next_is(in, '+'))
            next_is(in, '-');
        good = read_digits(in);
    }
    return good || fault(in, PARSE_ERROR, "not JSON: a value is expected");
}

static bool read_word(reader *in, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(in->end - in->at) < size || memcmp(in->at, word, size) != 0)
        return fault(in, PARSE_ERROR, "not JSON: a value is expected");
    in->at += size;
    return true;
}

static bool same(mpp_text a, mpp_text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

static mpp_value *read_value(reader *in);

static bool read_key(reader *in, const mpp_value *object, mpp_text *key)
{
    skip_space(in);
    if (!next_is(in, '"'))
        return fault(in, PARSE_ERROR, "not JSON: a key is expected");
    if (!read_string(in, key))
        return false;
    for (const mpp_value *other = object->first; other != NULL; other = other->next)
        if (same(other->key, *key))
            return fault(in, PARSE_ERROR, "an object has the same key twice");
    skip_space(in);
    return next_is(in, ':') || fault(in, PARSE_ERROR, "not JSON: ':' is expected");
}

/* The items of a list or the members of an object, after the opening bracket. */
static bool read_items(reader *in, mpp_value *parent, char close)
{
    mpp_value **last = &parent->first;
    skip_space(in);
    if (next_is(in, close))
        return true;
    for (unsigned count = 1;; count++) {
        mpp_text key = {"", 0};
        if (close == '}' && count > MPP_KEYS_MAX)
            return fault(in, INVALID_REQUEST, "an object has too many keys");
        if (close == '}' && !read_key(in, parent, &key))
            return false;
        mpp_value *item = read_value(in);
        if (item == NULL)
            return false;
        item->key = key;
        *last = item;
        last = &item->next;
        skip_space(in);
        if (next_is(in, close))
            return true;
        if (!next_is(in, ','))
            return fault(in, PARSE_ERROR, "not JSON: ',' or a closing bracket is expected");
    }
}

static bool read_nested(reader *in, mpp_value *value, char close)
{
    if (in->depth == MPP_DEPTH_MAX)
        return fault(in, INVALID_REQUEST, "the request is nested too deep");
    in->depth++;
    bool good = read_items(in, value, close);
    in->depth--;
    return good;
}

static bool read_kind(reader *in, mpp_value *value)
{
    switch (in->at < in->end ? *in->at : '\0') {
    case '{':
        in->at++;
        value->kind = MPP_OBJECT;
        return read_nested(in, value, '}');
    case '[':
        in->at++;
        value->kind = MPP_LIST;
        return read_nested(in, value, ']');
    case '"':
        in->at++;
        value->kind = MPP_TEXT;
        return read_string(in, &value->text);
    case 't':
        value->kind = MPP_BOOLEAN;
        value->truth = true;
        return read_word(in, "true");
    case 'f':
        value->kind = MPP_BOOLEAN;
        return read_word(in, "false");
    case 'n':
        value->kind = MPP_NULL;
        return read_word(in, "null");
    default:
        value->kind = MPP_NUMBER;
        return read_number(in);
    }
}

static mpp_value *read_value(reader *in)
{
    skip_space(in);
    if (in->values++ == MPP_VALUES_MAX) {
        fault(in, INVALID_REQUEST, "the request has too many values");
        return NULL;
    }
    mpp_value *value = take(in->chain, sizeof *value);
    if (value == NULL) {
        fault(in, INTERNAL, "out of memory");
        return NULL;
    }
    value->raw.at = in->at;
    if (!read_kind(in, value))
        return NULL;
    value->raw.size = (size_t)(in->at - value->raw.at);
    return value;
}

/* One JSON document and nothing after it. */
static mpp_value *read_document(reader *in)
{
    in->decoded = take(in->chain, (size_t)(in->end - in->at) + 1);
    if (in->decoded == NULL) {
        fault(in, INTERNAL, "out of memory");
        return NULL;
    }
    mpp_value *document = read_value(in);
    skip_space(in);
    if (document != NULL && in->at != in->end) {
        fault(in, PARSE_ERROR, "not JSON: something stands after the request");
        return NULL;
    }
    return document;
}

/* ---- Values, for the tool ---------------------------------------------------------------------------- */

const mpp_value *mpp_first(const mpp_value *value)
{
    return value == NULL ? NULL : value->first;
}

const mpp_value *mpp_next(const mpp_value *value)
{
    return value == NULL ? NULL : value->next;
}

mpp_text mpp_key(const mpp_value *member)
{
    return member == NULL ? mpp_c("") : member->key;
}

const mpp_value *mpp_find(const mpp_value *object, const char *key)
{
    if (object == NULL || object->kind != MPP_OBJECT)
        return NULL;
    for (const mpp_value *member = object->first; member != NULL; member = member->next)
        if (same(member->key, mpp_c(key)))
            return member;
    return NULL;
}

mpp_kind mpp_kind_of(const mpp_value *value)
{
    return value == NULL ? MPP_NULL : value->kind;
}

bool mpp_as_text(const mpp_value *value, mpp_text *text)
{
    if (mpp_kind_of(value) != MPP_TEXT)
        return false;
    *text = value->text;
    return true;
}

bool mpp_as_boolean(const mpp_value *value, bool *truth)
{
    if (mpp_kind_of(value) != MPP_BOOLEAN)
        return false;
    *truth = value->truth;
    return true;
}

/* The request ends with a NUL byte and a number is followed by no digit, so strtod stops where it must. */
bool mpp_as_number(const mpp_value *value, double *number)
{
    if (mpp_kind_of(value) != MPP_NUMBER)
        return false;
    double found = strtod(value->raw.at, NULL);
    if (!isfinite(found))
        return false;
    *number = found;
    return true;
}

bool mpp_as_integer(const mpp_value *value, int64_t *number)
{
    const int64_t exact = INT64_C(1) << 53;
    double found;
    if (!mpp_as_number(value, &found))
        return false;
    if (memchr(value->raw.at, '.', value->raw.size) || memchr(value->raw.at, 'e', value->raw.size) || memchr(value->raw.at, 'E', value->raw.size)) {
        /* 1e3 and 2.0 are integers too, as far as a double holds them exactly. */
        if (found < (double)-exact || found > (double)exact || found != (double)(int64_t)found)
            return false;
        *number = (int64_t)found;
        return true;
    }
    bool negative = value->raw.at[0] == '-';
    int64_t sum = 0;
    for (size_t i = negative; i < value->raw.size; i++) {
        int digit = value->raw.at[i] - '0';
        if (sum < (INT64_MIN + digit) / 10)
            return false;
        sum = sum * 10 - digit;
    }
    if (!negative && sum == INT64_MIN)
        return false;
    *number = negative ? sum : -sum;
    return true;
}

/* ---- The reply --------------------------------------------------------------------------------------- */

struct mpp_reply {
    block *chain;
    buffer content;           /* the items of "content" */
    buffer fields;            /* what stands inside "structuredContent" */
    char open[MPP_DEPTH_MAX]; /* the brackets still open */
    unsigned depth;
    bool failed, short_of_memory;
    const char *misuse; /* how the tool built a result that is no JSON */
};

static void add_content(mpp_reply *reply, mpp_text text)
{
    if (reply->content.size > 0)
        add(&reply->content, ",");
    add(&reply->content, "{\"type\":\"text\",\"text\":");
    add_string(&reply->content, text);
    add(&reply->content, "}");
}

void mpp_say(mpp_reply *reply, mpp_text text)
{
    if (!reply->failed)
        add_content(reply, text);
}

/* The first failure stands; a later one is mostly its consequence. */
void mpp_fail(mpp_reply *reply, mpp_text why)
{
    if (reply->failed)
        return;
    reply->failed = true;
    reply->content.size = 0;
    add_content(reply, why);
}

static void misuse(mpp_reply *reply, const char *how)
{
    if (reply->misuse == NULL)
        reply->misuse = how;
}

static bool begin_value(mpp_reply *reply, const char *key)
{
    bool in_list = reply->depth > 0 && reply->open[reply->depth - 1] == ']';
    if (reply->misuse != NULL)
        return false;
    if (in_list != (key == NULL)) {
        misuse(reply, in_list ? "the tool gave a key inside a list" : "the tool gave no key inside an object");
        return false;
    }
    buffer *out = &reply->fields;
    if (out->size > 0 && out->at[out->size - 1] != '{' && out->at[out->size - 1] != '[')
        add(out, ",");
    if (key != NULL) {
        add_string(out, mpp_c(key));
        add(out, ":");
    }
    return true;
}

void mpp_put_text(mpp_reply *reply, const char *key, mpp_text text)
{
    if (begin_value(reply, key))
        add_string(&reply->fields, text);
}

void mpp_put_integer(mpp_reply *reply, const char *key, int64_t number)
{
    if (begin_value(reply, key))
        add_integer(&reply->fields, number);
}

void mpp_put_number(mpp_reply *reply, const char *key, double number)
{
    char digits[40];
    if (!isfinite(number)) {
        misuse(reply, "the tool gave a number that JSON cannot hold");
    } else if (begin_value(reply, key)) {
        snprintf(digits, sizeof digits, "%.17g", number);
        add(&reply->fields, digits);
    }
}

void mpp_put_boolean(mpp_reply *reply, const char *key, bool truth)
{
    if (begin_value(reply, key))
        add(&reply->fields, truth ? "true" : "false");
}

void mpp_put_null(mpp_reply *reply, const char *key)
{
    if (begin_value(reply, key))
        add(&reply->fields, "null");
}

static void open_nested(mpp_reply *reply, const char *key, const char *bracket, char close)
{
    if (reply->depth == MPP_DEPTH_MAX) {
        misuse(reply, "the tool nested its result too deep");
    } else if (begin_value(reply, key)) {
        add(&reply->fields, bracket);
        reply->open[reply->depth++] = close;
    }
}

void mpp_open_object(mpp_reply *reply, const char *key)
{
    open_nested(reply, key, "{", '}');
}

void mpp_open_list(mpp_reply *reply, const char *key)
{
    open_nested(reply, key, "[", ']');
}

void mpp_close(mpp_reply *reply)
{
    if (reply->depth == 0)
        misuse(reply, "the tool closed more than it opened");
    else
        add_bytes(&reply->fields, &reply->open[--reply->depth], 1);
}

mpp_text mpp_c(const char *text)
{
    mpp_text whole = {text, strlen(text)};
    return whole;
}

mpp_text mpp_join(mpp_reply *reply, const mpp_text *parts, size_t count)
{
    mpp_text none = {"", 0};
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size > SIZE_MAX - size) {
            reply->short_of_memory = true;
            return none;
        }
        size += parts[i].size;
    }
    char *whole = take(&reply->chain, size);
    if (whole == NULL) {
        reply->short_of_memory = true;
        return none;
    }
    mpp_text joined = {whole, size};
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size > 0)
            memcpy(whole, parts[i].at, parts[i].size);
        whole += parts[i].size;
    }
    return joined;
}

static void fail_type(mpp_reply *reply, const char *key, const char *kind)
{
    const mpp_text parts[] = {mpp_c("the argument '"), mpp_c(key), mpp_c("' must be "), mpp_c(kind)};
    mpp_fail(reply, mpp_join(reply, parts, sizeof parts / sizeof parts[0]));
}

mpp_text mpp_text_or(const mpp_call *call, mpp_reply *reply, const char *key, const char *fallback)
{
    mpp_text text = mpp_c(fallback);
    const mpp_value *value = mpp_find(call->arguments, key);
    if (value != NULL && !mpp_as_text(value, &text))
        fail_type(reply, key, "a string");
    return text;
}

int64_t mpp_integer_or(const mpp_call *call, mpp_reply *reply, const char *key, int64_t fallback)
{
    int64_t number = fallback;
    const mpp_value *value = mpp_find(call->arguments, key);
    if (value != NULL && !mpp_as_integer(value, &number))
        fail_type(reply, key, "an integer of at most 64 bits");
    return number;
}

bool mpp_boolean_or(const mpp_call *call, mpp_reply *reply, const char *key, bool fallback)
{
    bool truth = fallback;
    const mpp_value *value = mpp_find(call->arguments, key);
    if (value != NULL && !mpp_as_boolean(value, &truth))
        fail_type(reply, key, "true or false");
    return truth;
}

/* ---- One request, one reply -------------------------------------------------------------------------- */

static void add_head(buffer *out, mpp_text id)
{
    add(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    add_bytes(out, id.at, id.size);
}

static void add_error(buffer *out, mpp_text id, int code, const char *message)
{
    add_head(out, id);
    add(out, ",\"error\":{\"code\":");
    add_integer(out, code);
    add(out, ",\"message\":");
    add_string(out, mpp_c(message));
    add(out, "}}");
}

static void add_result(buffer *out, mpp_text id, const mpp_reply *reply)
{
    add_head(out, id);
    add(out, ",\"result\":{\"content\":[");
    add_bytes(out, reply->content.at, reply->content.size);
    add(out, "]");
    if (!reply->failed && reply->fields.size > 0) {
        add(out, ",\"structuredContent\":{");
        add_bytes(out, reply->fields.at, reply->fields.size);
        add(out, "}");
    }
    add(out, reply->failed ? ",\"isError\":true}}" : ",\"isError\":false}}");
}

static void run_tool(buffer *out, mpp_text id, const mpp_tool *tool, const mpp_call *call)
{
    mpp_reply reply = {0};
    tool->run(call, &reply);
    if (reply.depth > 0)
        misuse(&reply, "the tool did not close what it opened");
    if (reply.short_of_memory || reply.content.broken || reply.fields.broken)
        add_error(out, id, INTERNAL, "out of memory");
    else if (reply.misuse != NULL && !reply.failed)
        add_error(out, id, INTERNAL, reply.misuse);
    else
        add_result(out, id, &reply);
    free(reply.content.at);
    free(reply.fields.at);
    release(reply.chain);
}

static const mpp_tool *find_tool(mpp_text name, const mpp_tool *tools, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (same(name, mpp_c(tools[i].name)))
            return &tools[i];
    return NULL;
}

static void call_tool(buffer *out, mpp_text id, const mpp_value *params, const mpp_tool *tools, size_t count)
{
    static const mpp_value nothing = {.kind = MPP_OBJECT};
    mpp_text name = {"", 0};
    if (mpp_kind_of(params) != MPP_OBJECT || !mpp_as_text(mpp_find(params, "name"), &name)) {
        add_error(out, id, BAD_PARAMS, "\"params\" must be an object with the \"name\" of a tool");
        return;
    }
    const mpp_tool *tool = find_tool(name, tools, count);
    if (tool == NULL) {
        add_error(out, id, BAD_PARAMS, "this package has no tool of that name");
        return;
    }
    mpp_call call = {mpp_find(params, "arguments"), mpp_find(params, "_meta")};
    if (call.arguments == NULL)
        call.arguments = &nothing;
    if (call.meta == NULL)
        call.meta = &nothing;
    if (call.arguments->kind != MPP_OBJECT || call.meta->kind != MPP_OBJECT)
        add_error(out, id, BAD_PARAMS, "\"arguments\" and \"_meta\" must be objects");
    else
        run_tool(out, id, tool, &call);
}

/* A string or a plain integer: 1e999 would make a reply that strict readers refuse. */
static bool is_id(const mpp_value *id)
{
    if (mpp_kind_of(id) == MPP_TEXT)
        return true;
    return mpp_kind_of(id) == MPP_NUMBER && id->raw.size <= MPP_ID_MAX && strspn(id->raw.at, "-0123456789") == id->raw.size;
}

static void answer(buffer *out, reader *in, const mpp_tool *tools, size_t count)
{
    mpp_text version = {"", 0}, method = {"", 0}, no_id = {"null", 4};
    const mpp_value *request = read_document(in);
    if (request == NULL) {
        add_error(out, no_id, in->code, in->message);
        return;
    }
    /* The id goes back exactly as it came: a large integer must not lose digits. */
    const mpp_value *id = mpp_find(request, "id");
    if (!is_id(id))
        add_error(out, no_id, INVALID_REQUEST, "a request is an object with an \"id\" that is a string or an integer");
    else if (!mpp_as_text(mpp_find(request, "jsonrpc"), &version) || !same(version, mpp_c("2.0")))
        add_error(out, id->raw, INVALID_REQUEST, "\"jsonrpc\" must be \"2.0\"");
    else if (!mpp_as_text(mpp_find(request, "method"), &method))
        add_error(out, id->raw, INVALID_REQUEST, "\"method\" must be a string");
    else if (!same(method, mpp_c("tools/call")))
        add_error(out, id->raw, NO_METHOD, "the only method is \"tools/call\"");
    else
        call_tool(out, id->raw, mpp_find(request, "params"), tools, count);
}

char *mpp_answer(const char *line, size_t size, const mpp_tool *tools, size_t count)
{
    block *chain = NULL;
    buffer out = {0};
    const mpp_text no_id = {"null", 4};
    if (size > MPP_LINE_MAX) {
        add_error(&out, no_id, INVALID_REQUEST, "the request line is too long");
    } else {
        char *copy = take(&chain, size + 1); /* the block is zeroed: it ends with a NUL byte */
        if (copy == NULL)
            return NULL;
        if (size > 0)
            memcpy(copy, line, size);
        reader in = {.at = copy, .end = copy + size, .chain = &chain};
        answer(&out, &in, tools, count);
    }
    release(chain);
    add_bytes(&out, "", 1);
    if (out.broken) {
        free(out.at);
        return NULL;
    }
    return out.at;
}

/* Up to the end of the line, or one byte more than a line may have. */
static void read_line(buffer *line)
{
    int c;
    while (line->size <= MPP_LINE_MAX && !line->broken && (c = getchar()) != EOF && c != '\n') {
        char byte = (char)c;
        add_bytes(line, &byte, 1);
    }
}

int mpp_main(const mpp_tool *tools, size_t count)
{
    static const char no_memory[] = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32603,\"message\":\"out of memory\"}}";
    buffer line = {0};
    read_line(&line);
    char *reply = line.broken ? NULL : mpp_answer(line.at, line.size, tools, count);
    free(line.at);
    bool written = fputs(reply != NULL ? reply : no_memory, stdout) >= 0 && putchar('\n') != EOF && fflush(stdout) == 0;
    free(reply);
    return written ? EXIT_SUCCESS : EXIT_FAILURE;
}
