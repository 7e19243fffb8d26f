/* mpp.h - the adapter between an MPP host and a tool written in C; all of it is in this file.
 *
 * The host starts the tool once per call, writes one line to its standard input and reads one line from
 * its standard output. Both are JSON-RPC 2.0. This adapter reads the request, checks it, calls the
 * function that belongs to the tool's name, and writes the reply. A tool never parses or prints JSON.
 *
 * In exactly one source file, of C or C++, write, before the include:
 *     #define MPP_IMPLEMENTATION
 *     #include "mpp.h"
 *
 * Standard output belongs to the reply. For log lines use standard error: fprintf(stderr, "...\n").
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MPP_H
#define MPP_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits of a request. A request beyond them gets an error reply, never a crash. */
#define MPP_LINE_MAX (1024u * 1024u) /* bytes of the request line: bounds memory */
#define MPP_VALUES_MAX 65536u        /* JSON values in a request: bounds memory */
#define MPP_KEYS_MAX 1024u           /* keys of one object: bounds the search for duplicates */
#define MPP_ID_MAX 32u               /* digits of an integer "id": more are no counter */
#define MPP_DEPTH_MAX 32u            /* levels of nesting, in and out: bounds the stack */

/* A piece of text: UTF-8, `size` bytes. It may hold any character, so never rely on a NUL byte to end it. */
typedef struct {
    const char *at;
    size_t size;
} mpp_text;

typedef enum { MPP_NULL, MPP_BOOLEAN, MPP_NUMBER, MPP_TEXT, MPP_LIST, MPP_OBJECT } mpp_kind;

typedef struct mpp_value mpp_value; /* one JSON value of the request; lives as long as the call */
typedef struct mpp_reply mpp_reply; /* the answer being built; lives as long as the call */

/* What a tool is given. */
typedef struct {
    const mpp_value *arguments; /* an object; empty when the caller sent none */
    const mpp_value *meta;      /* an object: who calls (agent, user, invocation id); may be empty */
    mpp_text tool;              /* the name that was called */
} mpp_call;

/* One tool: the name of the manifest and the function that does the work. */
typedef struct {
    const char *name;
    void (*run)(const mpp_call *call, mpp_reply *reply);
} mpp_tool;

/* Answer the one request on standard input. Returns the exit code of the process. */
int mpp_main(const mpp_tool *tools, size_t count);

/* The reply to one request line, as text that the caller frees; NULL when memory is short. For tests. */
char *mpp_answer(const char *line, size_t size, const mpp_tool *tools, size_t count);

/* ---- Reading arguments ---------------------------------------------------------------------------- */

/* The argument `key`, or `fallback` when it is absent. When it has another type, the call fails with a
 * message that says so, and `fallback` is returned. */
mpp_text mpp_text_or(const mpp_call *call, mpp_reply *reply, const char *key, const char *fallback);
int64_t mpp_integer_or(const mpp_call *call, mpp_reply *reply, const char *key, int64_t fallback);
double mpp_number_or(const mpp_call *call, mpp_reply *reply, const char *key, double fallback);
bool mpp_boolean_or(const mpp_call *call, mpp_reply *reply, const char *key, bool fallback);

/* The member `key` of an object; NULL when it is absent or `object` is none. */
const mpp_value *mpp_find(const mpp_value *object, const char *key);

/* Walk the items of a list or the members of an object:
 *     for (const mpp_value *item = mpp_first(list); item != NULL; item = mpp_next(item)) ... */
const mpp_value *mpp_first(const mpp_value *value);
const mpp_value *mpp_next(const mpp_value *value);
mpp_text mpp_key(const mpp_value *member);

/* What a value is, and its content; false when it has another type or does not fit. NULL is no value. */
mpp_kind mpp_kind_of(const mpp_value *value);
bool mpp_as_text(const mpp_value *value, mpp_text *text);
bool mpp_as_boolean(const mpp_value *value, bool *truth);
bool mpp_as_integer(const mpp_value *value, int64_t *number);
bool mpp_as_unsigned(const mpp_value *value, uint64_t *number);
bool mpp_as_number(const mpp_value *value, double *number);

/* ---- Answering ------------------------------------------------------------------------------------ */

/* Add a text to `content`: what a person or a model reads. */
void mpp_say(mpp_reply *reply, mpp_text text);

/* Say that the tool could not do it, and why. Nothing else of the answer is kept. */
void mpp_fail(mpp_reply *reply, mpp_text why);

/* Answer with a JSON-RPC error: the tool cannot handle the request at all. `data` may be NULL. */
void mpp_reject(mpp_reply *reply, int64_t code, mpp_text message, const mpp_value *data);

/* Add a field to `structuredContent`: what programs read; it follows "returns" of the manifest.
 * Inside a list the key is NULL. Use each key once. A key that is no C string: mpp_name, then NULL. */
void mpp_name(mpp_reply *reply, mpp_text key);
void mpp_put_text(mpp_reply *reply, const char *key, mpp_text text);
void mpp_put_integer(mpp_reply *reply, const char *key, int64_t number);
void mpp_put_number(mpp_reply *reply, const char *key, double number);
void mpp_put_boolean(mpp_reply *reply, const char *key, bool truth);
void mpp_put_null(mpp_reply *reply, const char *key);
void mpp_put_unsigned(mpp_reply *reply, const char *key, uint64_t number);
void mpp_put_bytes(mpp_reply *reply, const char *key, mpp_text bytes); /* as base64 */
void mpp_put_value(mpp_reply *reply, const char *key, const mpp_value *value); /* as it came; NULL puts null */
void mpp_open_object(mpp_reply *reply, const char *key);
void mpp_open_list(mpp_reply *reply, const char *key);
void mpp_close(mpp_reply *reply);

/* Other kinds of content. Bytes become base64. */
void mpp_add_image(mpp_reply *reply, mpp_text bytes, const char *mime);
void mpp_add_audio(mpp_reply *reply, mpp_text bytes, const char *mime);
void mpp_add_resource_text(mpp_reply *reply, const char *uri, const char *mime, mpp_text text);
void mpp_add_resource_bytes(mpp_reply *reply, const char *uri, const char *mime, mpp_text bytes);

/* A link to a resource; what is NULL or below zero is left out. */
typedef struct {
    const char *uri, *name, *title, *description, *mime;
    int64_t size;
} mpp_link;
void mpp_add_link(mpp_reply *reply, const mpp_link *link);

/* Advice on the item that was added last: for whom it is ("user", "assistant", or NULL), how important (0 to 1; below 0: not said). */
void mpp_annotate(mpp_reply *reply, const char *audience, double priority);

/* End the call with a question; its answer comes as the argument `name` of the next call. `schema` is JSON. */
void mpp_ask_person(mpp_reply *reply, const char *name, mpp_text message, const char *schema);
void mpp_ask_model(mpp_reply *reply, const char *name, mpp_text message, const char *system, int64_t max_tokens);
void mpp_ask_folders(mpp_reply *reply, const char *name);

/* ---- Who calls -------------------------------------------------------------------------------------- */

/* What the host says of the call; a text that it does not say is empty. */
typedef struct {
    mpp_text agent, proof, key, issuer, user, tenant, invocation, tool;
    mpp_text package, version, sha256, publisher;
} mpp_context;
mpp_context mpp_context_of(const mpp_call *call);

/* ---- Calls to the host ------------------------------------------------------------------------------
 * False: the host refused. mpp_error_code and mpp_error_message then say why: "not_granted", "quota" ...
 * What is written to through a pointer lives as long as the call. */
mpp_text mpp_error_code(const mpp_reply *reply);
mpp_text mpp_error_message(const mpp_reply *reply);

/* Each tool has keys of its own. From here on: those of all tools of the package (true), or of this one again (false). */
void mpp_kv_shared(mpp_reply *reply, bool shared);

bool mpp_kv_get(mpp_reply *reply, mpp_text key, bool *found, mpp_text *value);
bool mpp_kv_set(mpp_reply *reply, mpp_text key, mpp_text value);
/* Store only if the present value equals `expect`, or, where `expect` is NULL, if there is none. */
bool mpp_kv_set_if(mpp_reply *reply, mpp_text key, mpp_text value, const mpp_text *expect, bool *stored);
bool mpp_kv_delete(mpp_reply *reply, mpp_text key, bool *existed);
/* Keys in order; `prefix` and `after` may be NULL, `limit` 0. `keys` is a list of texts: walk it with mpp_first. */
bool mpp_kv_list(mpp_reply *reply, const mpp_text *prefix, const mpp_text *after, int64_t limit, const mpp_value **keys, bool *more);

typedef struct {
    mpp_text name, value;
} mpp_header;

typedef struct {
    const char *method;      /* NULL: GET */
    mpp_text url;
    const mpp_header *headers;
    size_t header_count;
    const mpp_text *body;    /* NULL: none */
    int64_t timeout_ms;      /* 0: as the host says */
    const char *redirect;    /* NULL, "follow" or "manual" */
} mpp_request;

typedef struct {
    int64_t status;
    mpp_text url, body;
    const mpp_value *headers; /* a list of lists of two texts */
} mpp_response;

bool mpp_fetch(mpp_reply *reply, const mpp_request *request, mpp_response *response);
/* The first header of that name, whatever its case. */
bool mpp_header_of(const mpp_response *response, const char *name, mpp_text *value);

/* A statement signed by the host about this call, for the back end `audience`. */
bool mpp_context_token(mpp_reply *reply, mpp_text audience, mpp_text *token);

/* A line for the log of the host ("debug", "info", "warning", "error"); how far the tool is. `total` below zero: not known. */
void mpp_log(mpp_reply *reply, const char *level, mpp_text message);
void mpp_progress(mpp_reply *reply, double done, double total, mpp_text message);

/* Any other method: `params` is JSON. The result lives as long as the call. */
bool mpp_host(mpp_reply *reply, const char *method, mpp_text params, const mpp_value **result);

/* ---- Text ----------------------------------------------------------------------------------------- */

/* A C string as text. */
mpp_text mpp_c(const char *text);

/* Several texts in a row as one; it lives as long as the call. */
mpp_text mpp_join(mpp_reply *reply, const mpp_text *parts, size_t count);

/* The bytes of a base64 text; false unless it is the one text for these bytes. */
bool mpp_base64(mpp_reply *reply, mpp_text text, mpp_text *bytes);

/* JSON as a value; NULL when it is none. */
const mpp_value *mpp_parse(mpp_reply *reply, mpp_text json);

/* A room of `size` zeroed bytes that lives as long as the call; NULL when memory is short. */
void *mpp_room(mpp_reply *reply, size_t size);

#ifdef __cplusplus
}
#endif
#endif

#ifdef MPP_IMPLEMENTATION
#undef MPP_IMPLEMENTATION

#ifdef __cplusplus
extern "C" {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif

/* Every byte of the request is taken as hostile: lengths, depth and counts are bounded, text must be
 * UTF-8, and an object with the same key twice is refused, because two readers could pick different ones. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Memory: everything a call takes hangs on one chain and is freed at its end ---------------------- */

typedef union mppi_block {
    union mppi_block *next;
    max_align_t align;
} mppi_block;

static void *mppi_take(mppi_block **chain, size_t size)
{
    if (size > SIZE_MAX - sizeof(mppi_block))
        return NULL;
    mppi_block *fresh = (mppi_block *)calloc(1, sizeof(mppi_block) + size);
    if (fresh == NULL)
        return NULL;
    fresh->next = *chain;
    *chain = fresh;
    return fresh + 1;
}

static void mppi_release(mppi_block *chain)
{
    while (chain != NULL) {
        mppi_block *next = chain->next;
        free(chain);
        chain = next;
    }
}

/* ---- A text that grows. Once memory is short it stays broken; the end asks once. --------------------- */

typedef struct {
    char *at;
    size_t size, room;
    bool broken;
} mppi_buffer;

static void mppi_add_bytes(mppi_buffer *out, const char *bytes, size_t size)
{
    if (out->broken || size == 0)
        return;
    if (size > out->room - out->size) {
        if (size > SIZE_MAX / 2 - out->size - 1) {
            out->broken = true;
            return;
        }
        size_t room = out->size + size > 128 ? 2 * (out->size + size) : 256;
        char *more = (char *)realloc(out->at, room);
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

static void mppi_add(mppi_buffer *out, const char *text)
{
    mppi_add_bytes(out, text, strlen(text));
}

/* The length of the UTF-8 character at `at`, or 0 when the bytes are none: too long forms, surrogates and
 * numbers over U+10FFFF are none. */
static size_t mppi_utf8_size(const char *at, size_t left)
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
static void mppi_add_string(mppi_buffer *out, mpp_text text)
{
    static const char hex[] = "0123456789abcdef";
    size_t at = 0;
    mppi_add(out, "\"");
    while (at < text.size) {
        const char *here = text.at + at;
        unsigned char c = (unsigned char)*here;
        size_t size = mppi_utf8_size(here, text.size - at);
        if (size == 0) {
            mppi_add(out, "\xEF\xBF\xBD");
            size = 1;
        } else if (c == '"' || c == '\\') {
            const char pair[2] = {'\\', (char)c};
            mppi_add_bytes(out, pair, 2);
        } else if (c == '\n') {
            mppi_add(out, "\\n");
        } else if (c < 0x20 || c == 0x7F) {
            const char code[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
            mppi_add_bytes(out, code, 6);
        } else {
            mppi_add_bytes(out, here, size);
        }
        at += size;
    }
    mppi_add(out, "\"");
}

static void mppi_add_unsigned(mppi_buffer *out, uint64_t left)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left != 0);
    mppi_add_bytes(out, digits + at, sizeof digits - at);
}

static void mppi_add_integer(mppi_buffer *out, int64_t number)
{
    if (number < 0)
        mppi_add(out, "-");
    mppi_add_unsigned(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

static void mppi_add_number(mppi_buffer *out, double number)
{
    char digits[40];
    snprintf(digits, sizeof digits, "%.17g", number);
    mppi_add(out, digits);
}

static const char mppi_base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void mppi_add_base64(mppi_buffer *out, mpp_text bytes)
{
    const unsigned char *s = (const unsigned char *)bytes.at;
    char four[4];
    mppi_add(out, "\"");
    for (size_t at = 0; at < bytes.size; at += 3) {
        size_t left = bytes.size - at;
        unsigned three = (unsigned)s[at] << 16 | (left > 1 ? (unsigned)s[at + 1] << 8 : 0) | (left > 2 ? (unsigned)s[at + 2] : 0);
        four[0] = mppi_base64_digits[three >> 18];
        four[1] = mppi_base64_digits[three >> 12 & 63];
        four[2] = left > 1 ? mppi_base64_digits[three >> 6 & 63] : '=';
        four[3] = left > 2 ? mppi_base64_digits[three & 63] : '=';
        mppi_add_bytes(out, four, 4);
    }
    mppi_add(out, "\"");
}

static int mppi_base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Strict: padded, no other characters, no loose bits. `out` has room for three quarters of the text. */
static bool mppi_read_base64(mpp_text text, char *out, size_t *size)
{
    size_t pad = 0, done = 0;
    if (text.size % 4 != 0)
        return false;
    if (text.size > 0 && text.at[text.size - 1] == '=')
        pad = text.at[text.size - 2] == '=' ? 2 : 1;
    for (size_t at = 0; at < text.size; at += 4) {
        size_t digits = at + 4 == text.size ? 4 - pad : 4;
        unsigned sum = 0;
        for (size_t i = 0; i < 4; i++) {
            int digit = i < digits ? mppi_base64_value(text.at[at + i]) : 0;
            if (digit < 0)
                return false;
            sum = sum << 6 | (unsigned)digit;
        }
        if ((digits == 2 && (sum & 0xFFFF)) || (digits == 3 && (sum & 0xFF)))
            return false;
        out[done++] = (char)(sum >> 16);
        if (digits > 2)
            out[done++] = (char)(sum >> 8);
        if (digits > 3)
            out[done++] = (char)sum;
    }
    *size = done;
    return true;
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

enum { mppi_PARSE_ERROR = -32700, mppi_INVALID_REQUEST = -32600, mppi_NO_METHOD = -32601, mppi_BAD_PARAMS = -32602, mppi_INTERNAL = -32603 };

typedef struct {
    const char *at, *end;
    char *decoded; /* where the next decoded string goes; the block is as long as the request, which suffices */
    mppi_block **chain;
    unsigned depth, values;
    int code; /* 0, or the JSON-RPC error, with its message */
    const char *message;
} mppi_reader;

static bool mppi_fault(mppi_reader *in, int code, const char *message)
{
    if (in->code == 0) {
        in->code = code;
        in->message = message;
    }
    return false;
}

static void mppi_skip_space(mppi_reader *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t' || *in->at == '\r' || *in->at == '\n'))
        in->at++;
}

static bool mppi_next_is(mppi_reader *in, char wanted)
{
    if (in->at == in->end || *in->at != wanted)
        return false;
    in->at++;
    return true;
}

static bool mppi_read_hex4(mppi_reader *in, unsigned *unit)
{
    *unit = 0;
    if (in->end - in->at < 4)
        return mppi_fault(in, mppi_PARSE_ERROR, "not JSON: a \\u escape has four hex digits");
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
            return mppi_fault(in, mppi_PARSE_ERROR, "not JSON: a \\u escape has four hex digits");
        *unit = *unit * 16 + digit;
    }
    return true;
}

/* After "\u". Two surrogates make one character; one alone is no character and is refused. */
static bool mppi_read_unicode(mppi_reader *in)
{
    unsigned point, low;
    if (!mppi_read_hex4(in, &point))
        return false;
    if (point >= 0xD800 && point <= 0xDFFF) {
        if (point >= 0xDC00 || !mppi_next_is(in, '\\') || !mppi_next_is(in, 'u') || !mppi_read_hex4(in, &low) || low < 0xDC00 || low > 0xDFFF)
            return mppi_fault(in, mppi_PARSE_ERROR, "not JSON: a surrogate stands alone");
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

static bool mppi_read_escape(mppi_reader *in)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (in->at == in->end)
        return mppi_fault(in, mppi_PARSE_ERROR, "not JSON: a string does not end");
    char c = *in->at++;
    if (c == 'u')
        return mppi_read_unicode(in);
    const char *found = c == '\0' ? NULL : strchr(names, c);
    if (found == NULL)
        return mppi_fault(in, mppi_PARSE_ERROR, "not JSON: an unknown escape");
    *in->decoded++ = values[found - names];
    return true;
}

/* After the opening quote. */
static bool mppi_read_string(mppi_reader *in, mpp_text *text)
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
            if (!mppi_read_escape(in))
                return false;
            continue;
        }
        size_t size = c < 0x20 ? 0 : mppi_utf8_size(in->at, (size_t)(in->end - in->at));
        if (size == 0)
            return mppi_fault(in, mppi_PARSE_ERROR, c < 0x20 ? "not JSON: a control character in a string" : "the request is not UTF-8");
        memcpy(in->decoded, in->at, size);
        in->decoded += size;
        in->at += size;
    }
    return mppi_fault(in, mppi_PARSE_ERROR, "not JSON: a string does not end");
}

static bool mppi_read_digits(mppi_reader *in)
{
    const char *start = in->at;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9')
        in->at++;
    return in->at > start;
}

static bool mppi_read_number(mppi_reader *in)
{
    mppi_next_is(in, '-');
    bool good = mppi_next_is(in, '0') || mppi_read_digits(in);
    if (good && mppi_next_is(in, '.'))
        good = mppi_read_digits(in);
    if (good && (mppi_next_is(in, 'e') || mppi_next_is(in, 'E'))) {
        if (!mppi_next_is(in, '+'))
            mppi_next_is(in, '-');
        good = mppi_read_digits(in);
    }
    return good || mppi_fault(in, mppi_PARSE_ERROR, "not JSON: a value is expected");
}

static bool mppi_read_word(mppi_reader *in, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(in->end - in->at) < size || memcmp(in->at, word, size) != 0)
        return mppi_fault(in, mppi_PARSE_ERROR, "not JSON: a value is expected");
    in->at += size;
    return true;
}

static bool mppi_same(mpp_text a, mpp_text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

static mpp_value *mppi_read_value(mppi_reader *in);

static bool mppi_read_key(mppi_reader *in, const mpp_value *object, mpp_text *key)
{
    mppi_skip_space(in);
    if (!mppi_next_is(in, '"'))
        return mppi_fault(in, mppi_PARSE_ERROR, "not JSON: a key is expected");
    if (!mppi_read_string(in, key))
        return false;
    for (const mpp_value *other = object->first; other != NULL; other = other->next)
        if (mppi_same(other->key, *key))
            return mppi_fault(in, mppi_PARSE_ERROR, "an object has the same key twice");
    mppi_skip_space(in);
    return mppi_next_is(in, ':') || mppi_fault(in, mppi_PARSE_ERROR, "not JSON: ':' is expected");
}

/* The items of a list or the members of an object, after the opening bracket. */
static bool mppi_read_items(mppi_reader *in, mpp_value *parent, char close)
{
    mpp_value **last = &parent->first;
    mppi_skip_space(in);
    if (mppi_next_is(in, close))
        return true;
    for (unsigned count = 1;; count++) {
        mpp_text key = {"", 0};
        if (close == '}' && count > MPP_KEYS_MAX)
            return mppi_fault(in, mppi_INVALID_REQUEST, "an object has too many keys");
        if (close == '}' && !mppi_read_key(in, parent, &key))
            return false;
        mpp_value *item = mppi_read_value(in);
        if (item == NULL)
            return false;
        item->key = key;
        *last = item;
        last = &item->next;
        mppi_skip_space(in);
        if (mppi_next_is(in, close))
            return true;
        if (!mppi_next_is(in, ','))
            return mppi_fault(in, mppi_PARSE_ERROR, "not JSON: ',' or a closing bracket is expected");
    }
}

static bool mppi_read_nested(mppi_reader *in, mpp_value *value, char close)
{
    if (in->depth == MPP_DEPTH_MAX)
        return mppi_fault(in, mppi_INVALID_REQUEST, "the request is nested too deep");
    in->depth++;
    bool good = mppi_read_items(in, value, close);
    in->depth--;
    return good;
}

static bool mppi_read_kind(mppi_reader *in, mpp_value *value)
{
    switch (in->at < in->end ? *in->at : '\0') {
    case '{':
        in->at++;
        value->kind = MPP_OBJECT;
        return mppi_read_nested(in, value, '}');
    case '[':
        in->at++;
        value->kind = MPP_LIST;
        return mppi_read_nested(in, value, ']');
    case '"':
        in->at++;
        value->kind = MPP_TEXT;
        return mppi_read_string(in, &value->text);
    case 't':
        value->kind = MPP_BOOLEAN;
        value->truth = true;
        return mppi_read_word(in, "true");
    case 'f':
        value->kind = MPP_BOOLEAN;
        return mppi_read_word(in, "false");
    case 'n':
        value->kind = MPP_NULL;
        return mppi_read_word(in, "null");
    default:
        value->kind = MPP_NUMBER;
        return mppi_read_number(in);
    }
}

static mpp_value *mppi_read_value(mppi_reader *in)
{
    mppi_skip_space(in);
    if (in->values++ == MPP_VALUES_MAX) {
        mppi_fault(in, mppi_INVALID_REQUEST, "the request has too many values");
        return NULL;
    }
    mpp_value *value = (mpp_value *)mppi_take(in->chain, sizeof *value);
    if (value == NULL) {
        mppi_fault(in, mppi_INTERNAL, "out of memory");
        return NULL;
    }
    value->raw.at = in->at;
    if (!mppi_read_kind(in, value))
        return NULL;
    value->raw.size = (size_t)(in->at - value->raw.at);
    return value;
}

/* One JSON document and nothing after it. */
static mpp_value *mppi_read_document(mppi_reader *in)
{
    in->decoded = (char *)mppi_take(in->chain, (size_t)(in->end - in->at) + 1);
    if (in->decoded == NULL) {
        mppi_fault(in, mppi_INTERNAL, "out of memory");
        return NULL;
    }
    mpp_value *document = mppi_read_value(in);
    mppi_skip_space(in);
    if (document != NULL && in->at != in->end) {
        mppi_fault(in, mppi_PARSE_ERROR, "not JSON: something stands after the request");
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
        if (mppi_same(member->key, mpp_c(key)))
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

bool mpp_as_unsigned(const mpp_value *value, uint64_t *number)
{
    int64_t small;
    uint64_t sum = 0;
    if (mpp_as_integer(value, &small)) {
        *number = (uint64_t)small;
        return small >= 0;
    }
    if (mpp_kind_of(value) != MPP_NUMBER)
        return false;
    for (size_t i = 0; i < value->raw.size; i++) {
        unsigned digit = (unsigned)value->raw.at[i] - '0';
        if (digit > 9 || sum > (UINT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *number = sum;
    return true;
}

/* ---- The reply --------------------------------------------------------------------------------------- */

struct mpp_reply {
    mppi_block *chain;
    mppi_buffer content;           /* the items of "content" */
    mppi_buffer fields;            /* what stands inside "structuredContent" */
    char open[MPP_DEPTH_MAX]; /* the brackets still open */
    unsigned depth;
    bool failed, rejected, named, shared, short_of_memory;
    const char *misuse; /* how the tool built a result that is no JSON */
    mpp_text name;      /* the key of the next value, where mpp_name gave it */
    mppi_buffer rejection;   /* what stands inside "error" */
    mppi_buffer questions;   /* what stands inside "inputRequests" */
    mpp_text code, message; /* of the last host call that was refused */
};

static void mppi_add_content(mpp_reply *reply, mpp_text text)
{
    if (reply->content.size > 0)
        mppi_add(&reply->content, ",");
    mppi_add(&reply->content, "{\"type\":\"text\",\"text\":");
    mppi_add_string(&reply->content, text);
    mppi_add(&reply->content, "}");
}

static bool mppi_begin_item(mpp_reply *reply, const char *type)
{
    if (reply->failed)
        return false;
    if (reply->content.size > 0)
        mppi_add(&reply->content, ",");
    mppi_add(&reply->content, "{\"type\":\"");
    mppi_add(&reply->content, type);
    mppi_add(&reply->content, "\"");
    return true;
}

/* A member of an object that is being written; NULL writes nothing. */
static void mppi_add_member(mppi_buffer *out, const char *key, const char *text)
{
    if (text == NULL)
        return;
    mppi_add(out, ",\"");
    mppi_add(out, key);
    mppi_add(out, "\":");
    mppi_add_string(out, mpp_c(text));
}

static void mppi_add_media(mpp_reply *reply, const char *type, mpp_text bytes, const char *mime)
{
    if (!mppi_begin_item(reply, type))
        return;
    mppi_add(&reply->content, ",\"data\":");
    mppi_add_base64(&reply->content, bytes);
    mppi_add_member(&reply->content, "mimeType", mime);
    mppi_add(&reply->content, "}");
}

void mpp_add_image(mpp_reply *reply, mpp_text bytes, const char *mime)
{
    mppi_add_media(reply, "image", bytes, mime);
}

void mpp_add_audio(mpp_reply *reply, mpp_text bytes, const char *mime)
{
    mppi_add_media(reply, "audio", bytes, mime);
}

static bool mppi_begin_resource(mpp_reply *reply, const char *uri, const char *mime)
{
    if (!mppi_begin_item(reply, "resource"))
        return false;
    mppi_add(&reply->content, ",\"resource\":{\"uri\":");
    mppi_add_string(&reply->content, mpp_c(uri));
    mppi_add_member(&reply->content, "mimeType", mime);
    return true;
}

void mpp_add_resource_text(mpp_reply *reply, const char *uri, const char *mime, mpp_text text)
{
    if (!mppi_begin_resource(reply, uri, mime))
        return;
    mppi_add(&reply->content, ",\"text\":");
    mppi_add_string(&reply->content, text);
    mppi_add(&reply->content, "}}");
}

void mpp_add_resource_bytes(mpp_reply *reply, const char *uri, const char *mime, mpp_text bytes)
{
    if (!mppi_begin_resource(reply, uri, mime))
        return;
    mppi_add(&reply->content, ",\"blob\":");
    mppi_add_base64(&reply->content, bytes);
    mppi_add(&reply->content, "}}");
}

void mpp_add_link(mpp_reply *reply, const mpp_link *link)
{
    if (!mppi_begin_item(reply, "resource_link"))
        return;
    mppi_add_member(&reply->content, "uri", link->uri);
    mppi_add_member(&reply->content, "name", link->name);
    mppi_add_member(&reply->content, "title", link->title);
    mppi_add_member(&reply->content, "description", link->description);
    mppi_add_member(&reply->content, "mimeType", link->mime);
    if (link->size >= 0) {
        mppi_add(&reply->content, ",\"size\":");
        mppi_add_integer(&reply->content, link->size);
    }
    mppi_add(&reply->content, "}");
}

void mpp_annotate(mpp_reply *reply, const char *audience, double priority)
{
    mppi_buffer *out = &reply->content;
    if (reply->failed || out->broken || out->size == 0)
        return;
    out->size--; /* the item is opened again */
    mppi_add(out, ",\"annotations\":{");
    if (audience != NULL) {
        mppi_add(out, "\"audience\":[");
        mppi_add_string(out, mpp_c(audience));
        mppi_add(out, "]");
    }
    if (priority >= 0 && priority <= 1) {
        mppi_add(out, audience != NULL ? ",\"priority\":" : "\"priority\":");
        mppi_add_number(out, priority);
    }
    mppi_add(out, "}}");
}

void mpp_say(mpp_reply *reply, mpp_text text)
{
    if (!reply->failed)
        mppi_add_content(reply, text);
}

/* The first failure stands; a later one is mostly its consequence. */
void mpp_fail(mpp_reply *reply, mpp_text why)
{
    if (reply->failed)
        return;
    reply->failed = true;
    reply->content.size = 0;
    mppi_add_content(reply, why);
}

static void mppi_misuse(mpp_reply *reply, const char *how)
{
    if (reply->misuse == NULL)
        reply->misuse = how;
}

void mpp_name(mpp_reply *reply, mpp_text key)
{
    reply->name = key;
    reply->named = true;
}

static bool mppi_begin_value(mpp_reply *reply, const char *key)
{
    mpp_text name = key == NULL ? reply->name : mpp_c(key);
    bool named = reply->named || key != NULL;
    bool in_list = reply->depth > 0 && reply->open[reply->depth - 1] == ']';
    if (reply->misuse != NULL)
        return false;
    reply->named = false;
    if (in_list == named) {
        mppi_misuse(reply, in_list ? "the tool gave a key inside a list" : "the tool gave no key inside an object");
        return false;
    }
    mppi_buffer *out = &reply->fields;
    if (out->size > 0 && out->at[out->size - 1] != '{' && out->at[out->size - 1] != '[')
        mppi_add(out, ",");
    if (named) {
        mppi_add_string(out, name);
        mppi_add(out, ":");
    }
    return true;
}

void mpp_put_text(mpp_reply *reply, const char *key, mpp_text text)
{
    if (mppi_begin_value(reply, key))
        mppi_add_string(&reply->fields, text);
}

void mpp_put_integer(mpp_reply *reply, const char *key, int64_t number)
{
    if (mppi_begin_value(reply, key))
        mppi_add_integer(&reply->fields, number);
}

void mpp_put_number(mpp_reply *reply, const char *key, double number)
{
    if (!isfinite(number)) {
        mppi_misuse(reply, "the tool gave a number that JSON cannot hold");
    } else if (mppi_begin_value(reply, key)) {
        mppi_add_number(&reply->fields, number);
    }
}

void mpp_put_unsigned(mpp_reply *reply, const char *key, uint64_t number)
{
    if (mppi_begin_value(reply, key))
        mppi_add_unsigned(&reply->fields, number);
}

void mpp_put_bytes(mpp_reply *reply, const char *key, mpp_text bytes)
{
    if (mppi_begin_value(reply, key))
        mppi_add_base64(&reply->fields, bytes);
}

/* Written anew: white space of the request, which may hold a carriage return, does not reach the reply. */
static void mppi_add_value(mppi_buffer *out, const mpp_value *value)
{
    bool first = true;
    switch (mpp_kind_of(value)) {
    case MPP_NULL:
        mppi_add(out, "null");
        return;
    case MPP_BOOLEAN:
        mppi_add(out, value->truth ? "true" : "false");
        return;
    case MPP_NUMBER:
        mppi_add_bytes(out, value->raw.at, value->raw.size);
        return;
    case MPP_TEXT:
        mppi_add_string(out, value->text);
        return;
    case MPP_LIST:
    case MPP_OBJECT:
        break;
    }
    mppi_add(out, value->kind == MPP_LIST ? "[" : "{");
    for (const mpp_value *item = value->first; item != NULL; item = item->next, first = false) {
        if (!first)
            mppi_add(out, ",");
        if (value->kind == MPP_OBJECT) {
            mppi_add_string(out, item->key);
            mppi_add(out, ":");
        }
        mppi_add_value(out, item);
    }
    mppi_add(out, value->kind == MPP_LIST ? "]" : "}");
}

void mpp_put_value(mpp_reply *reply, const char *key, const mpp_value *value)
{
    if (mppi_begin_value(reply, key))
        mppi_add_value(&reply->fields, value);
}

void mpp_put_boolean(mpp_reply *reply, const char *key, bool truth)
{
    if (mppi_begin_value(reply, key))
        mppi_add(&reply->fields, truth ? "true" : "false");
}

void mpp_put_null(mpp_reply *reply, const char *key)
{
    if (mppi_begin_value(reply, key))
        mppi_add(&reply->fields, "null");
}

static void mppi_open_nested(mpp_reply *reply, const char *key, const char *bracket, char close)
{
    if (reply->depth == MPP_DEPTH_MAX) {
        mppi_misuse(reply, "the tool nested its result too deep");
    } else if (mppi_begin_value(reply, key)) {
        mppi_add(&reply->fields, bracket);
        reply->open[reply->depth++] = close;
    }
}

void mpp_open_object(mpp_reply *reply, const char *key)
{
    mppi_open_nested(reply, key, "{", '}');
}

void mpp_open_list(mpp_reply *reply, const char *key)
{
    mppi_open_nested(reply, key, "[", ']');
}

void mpp_close(mpp_reply *reply)
{
    if (reply->depth == 0)
        mppi_misuse(reply, "the tool closed more than it opened");
    else
        mppi_add_bytes(&reply->fields, &reply->open[--reply->depth], 1);
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
    char *whole = (char *)mppi_take(&reply->chain, size);
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

static void mppi_fail_type(mpp_reply *reply, const char *key, const char *kind)
{
    const mpp_text parts[] = {mpp_c("the argument '"), mpp_c(key), mpp_c("' must be "), mpp_c(kind)};
    mpp_fail(reply, mpp_join(reply, parts, sizeof parts / sizeof parts[0]));
}

mpp_text mpp_text_or(const mpp_call *call, mpp_reply *reply, const char *key, const char *fallback)
{
    mpp_text text = mpp_c(fallback);
    const mpp_value *value = mpp_find(call->arguments, key);
    if (value != NULL && !mpp_as_text(value, &text))
        mppi_fail_type(reply, key, "a string");
    return text;
}

int64_t mpp_integer_or(const mpp_call *call, mpp_reply *reply, const char *key, int64_t fallback)
{
    int64_t number = fallback;
    const mpp_value *value = mpp_find(call->arguments, key);
    if (value != NULL && !mpp_as_integer(value, &number))
        mppi_fail_type(reply, key, "an integer of at most 64 bits");
    return number;
}

double mpp_number_or(const mpp_call *call, mpp_reply *reply, const char *key, double fallback)
{
    double number = fallback;
    const mpp_value *value = mpp_find(call->arguments, key);
    if (value != NULL && !mpp_as_number(value, &number))
        mppi_fail_type(reply, key, "a number");
    return number;
}

bool mpp_boolean_or(const mpp_call *call, mpp_reply *reply, const char *key, bool fallback)
{
    bool truth = fallback;
    const mpp_value *value = mpp_find(call->arguments, key);
    if (value != NULL && !mpp_as_boolean(value, &truth))
        mppi_fail_type(reply, key, "true or false");
    return truth;
}

void mpp_reject(mpp_reply *reply, int64_t code, mpp_text message, const mpp_value *data)
{
    if (reply->failed || reply->rejected)
        return;
    reply->rejected = true;
    mppi_add(&reply->rejection, "\"code\":");
    mppi_add_integer(&reply->rejection, code);
    mppi_add(&reply->rejection, ",\"message\":");
    mppi_add_string(&reply->rejection, message);
    if (data != NULL) {
        mppi_add(&reply->rejection, ",\"data\":");
        mppi_add_value(&reply->rejection, data);
    }
}

/* ---- Questions --------------------------------------------------------------------------------------- */

static mppi_buffer *mppi_begin_question(mpp_reply *reply, const char *name, const char *method)
{
    mppi_buffer *out = &reply->questions;
    if (out->size > 0)
        mppi_add(out, ",");
    mppi_add_string(out, mpp_c(name));
    mppi_add(out, ":{\"method\":\"");
    mppi_add(out, method);
    mppi_add(out, "\",\"params\":{");
    return out;
}

void mpp_ask_person(mpp_reply *reply, const char *name, mpp_text message, const char *schema)
{
    mppi_buffer *out = mppi_begin_question(reply, name, "elicitation/create");
    mppi_add(out, "\"message\":");
    mppi_add_string(out, message);
    mppi_add(out, ",\"requestedSchema\":");
    mppi_add(out, schema);
    mppi_add(out, "}}");
}

void mpp_ask_model(mpp_reply *reply, const char *name, mpp_text message, const char *system, int64_t max_tokens)
{
    mppi_buffer *out = mppi_begin_question(reply, name, "sampling/createMessage");
    mppi_add(out, "\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":");
    mppi_add_string(out, message);
    mppi_add(out, "}}],\"maxTokens\":");
    mppi_add_integer(out, max_tokens);
    mppi_add_member(out, "systemPrompt", system);
    mppi_add(out, "}}");
}

void mpp_ask_folders(mpp_reply *reply, const char *name)
{
    mppi_add(mppi_begin_question(reply, name, "roots/list"), "}}");
}

/* ---- Who calls --------------------------------------------------------------------------------------- */

static mpp_text mppi_text_at(const mpp_value *object, const char *key)
{
    mpp_text text = {"", 0};
    mpp_as_text(mpp_find(object, key), &text);
    return text;
}

mpp_context mpp_context_of(const mpp_call *call)
{
    const mpp_value *agent = mpp_find(call->meta, "agent"), *package = mpp_find(call->meta, "package");
    mpp_context found = {
        mppi_text_at(agent, "name"),    mppi_text_at(agent, "proof"),    mppi_text_at(agent, "key"),    mppi_text_at(agent, "issuer"),
        mppi_text_at(call->meta, "user"), mppi_text_at(call->meta, "tenant"), mppi_text_at(call->meta, "invocation"), mppi_text_at(call->meta, "tool"),
        mppi_text_at(package, "id"),    mppi_text_at(package, "version"), mppi_text_at(package, "sha256"), mppi_text_at(package, "publisher"),
    };
    return found;
}

/* ---- Calls to the host ------------------------------------------------------------------------------- */

#ifdef __wasm__
__attribute__((import_module("mpp_host"), import_name("call"))) int32_t mpp_host_import(const void *req, int32_t req_len, void *resp, int32_t cap);
#else
/* Without a sandbox there is no host: a tool can be tried, its calls are refused. */
static int32_t mpp_host_import(const void *req, int32_t req_len, void *resp, int32_t cap)
{
    (void)req, (void)req_len, (void)resp, (void)cap;
    return -(1 << 30) - 4;
}
#endif

enum { mppi_HOST_ERROR = -(1 << 30), mppi_HOST_ROOM = 65536 };

mpp_text mpp_error_code(const mpp_reply *reply)
{
    return reply->code;
}

mpp_text mpp_error_message(const mpp_reply *reply)
{
    return reply->message;
}

static bool mppi_refused(mpp_reply *reply, mpp_text code, mpp_text message)
{
    reply->code = code;
    reply->message = message;
    return false;
}

/* The bytes of the answer. One that needs more room is kept by the host and fetched; the request is not sent again. */
static bool mppi_ask_host(mpp_reply *reply, const mppi_buffer *request, mpp_text *answer)
{
    char *room = (char *)mppi_take(&reply->chain, mppi_HOST_ROOM);
    int32_t size = room == NULL || request->broken ? mppi_HOST_ERROR - 2 : mpp_host_import(request->at, (int32_t)request->size, room, mppi_HOST_ROOM);
    if (size < 0 && size >= mppi_HOST_ERROR) {
        int32_t wanted = -size;
        room = (char *)mppi_take(&reply->chain, (size_t)wanted);
        size = room == NULL ? mppi_HOST_ERROR - 2 : mpp_host_import(NULL, 0, room, wanted);
    }
    if (size < 0)
        return mppi_refused(reply, mpp_c("unavailable"), mpp_c(size == mppi_HOST_ERROR - 4 ? "there is no host to call" : "the call to the host failed"));
    answer->at = room;
    answer->size = (size_t)size;
    return true;
}

const mpp_value *mpp_parse(mpp_reply *reply, mpp_text json)
{
    char *copy = (char *)mppi_take(&reply->chain, json.size + 1); /* ends with a NUL byte, as numbers need it */
    if (copy == NULL)
        return NULL;
    if (json.size > 0)
        memcpy(copy, json.at, json.size);
    mppi_reader in = {.at = copy, .end = copy + json.size, .chain = &reply->chain};
    return mppi_read_document(&in);
}

static bool mppi_host_call(mpp_reply *reply, mppi_buffer *request, const mpp_value **result)
{
    mpp_text answer;
    bool answered = mppi_ask_host(reply, request, &answer);
    free(request->at);
    if (!answered)
        return false;
    const mpp_value *found = mpp_parse(reply, answer);
    const mpp_value *error = mpp_find(found, "error");
    *result = mpp_find(found, "result");
    if (error != NULL)
        return mppi_refused(reply, mppi_text_at(error, "code"), mppi_text_at(error, "message"));
    return *result != NULL || mppi_refused(reply, mpp_c("unavailable"), mpp_c("the host's answer cannot be read"));
}

bool mpp_host(mpp_reply *reply, const char *method, mpp_text params, const mpp_value **result)
{
    mppi_buffer request = {0};
    mppi_add(&request, "{\"method\":");
    mppi_add_string(&request, mpp_c(method));
    mppi_add(&request, ",\"params\":");
    mppi_add_bytes(&request, params.at, params.size);
    mppi_add(&request, "}");
    return mppi_host_call(reply, &request, result);
}

static mppi_buffer mppi_begin_request(const char *method)
{
    mppi_buffer out = {0};
    mppi_add(&out, "{\"method\":\"");
    mppi_add(&out, method);
    mppi_add(&out, "\",\"params\":{");
    return out;
}

static bool mppi_end_request(mpp_reply *reply, mppi_buffer *request, const mpp_value **result)
{
    mppi_add(request, "}}");
    return mppi_host_call(reply, request, result);
}

static void mppi_add_text_field(mppi_buffer *out, const char *key, mpp_text text)
{
    if (out->size > 0 && out->at[out->size - 1] != '{')
        mppi_add(out, ",");
    mppi_add_string(out, mpp_c(key));
    mppi_add(out, ":");
    mppi_add_string(out, text);
}

static void mppi_add_bytes_field(mppi_buffer *out, const char *key, mpp_text bytes)
{
    mppi_add(out, ",");
    mppi_add_string(out, mpp_c(key));
    mppi_add(out, ":");
    mppi_add_base64(out, bytes);
}

static bool mppi_truth_of(mpp_reply *reply, const mpp_value *result, const char *key, bool *truth)
{
    return mpp_as_boolean(mpp_find(result, key), truth) || mppi_refused(reply, mpp_c("unavailable"), mpp_c("the host's answer cannot be read"));
}

void mpp_kv_shared(mpp_reply *reply, bool shared)
{
    reply->shared = shared;
}

/* The end of a request about keys. */
static bool mppi_end_keys(mpp_reply *reply, mppi_buffer *request, const mpp_value **result)
{
    if (reply->shared)
        mppi_add_text_field(request, "scope", mpp_c("package"));
    return mppi_end_request(reply, request, result);
}

bool mpp_kv_get(mpp_reply *reply, mpp_text key, bool *found, mpp_text *value)
{
    const mpp_value *result;
    mpp_text encoded;
    mppi_buffer request = mppi_begin_request("kv.get");
    mppi_add_text_field(&request, "key", key);
    *found = false;
    value->at = "";
    value->size = 0;
    if (!mppi_end_keys(reply, &request, &result))
        return false;
    if (!mpp_as_text(mpp_find(result, "value"), &encoded))
        return true;
    *found = mpp_base64(reply, encoded, value);
    return *found || mppi_refused(reply, mpp_c("unavailable"), mpp_c("the host's answer cannot be read"));
}

static bool mppi_set(mpp_reply *reply, mppi_buffer *request, bool *stored)
{
    const mpp_value *result;
    return mppi_end_keys(reply, request, &result) && mppi_truth_of(reply, result, "stored", stored);
}

bool mpp_kv_set(mpp_reply *reply, mpp_text key, mpp_text value)
{
    bool stored;
    mppi_buffer request = mppi_begin_request("kv.set");
    mppi_add_text_field(&request, "key", key);
    mppi_add_bytes_field(&request, "value", value);
    return mppi_set(reply, &request, &stored);
}

bool mpp_kv_set_if(mpp_reply *reply, mpp_text key, mpp_text value, const mpp_text *expect, bool *stored)
{
    mppi_buffer request = mppi_begin_request("kv.set");
    mppi_add_text_field(&request, "key", key);
    mppi_add_bytes_field(&request, "value", value);
    if (expect != NULL)
        mppi_add_bytes_field(&request, "expect", *expect);
    else
        mppi_add(&request, ",\"expect\":null");
    return mppi_set(reply, &request, stored);
}

bool mpp_kv_delete(mpp_reply *reply, mpp_text key, bool *existed)
{
    const mpp_value *result;
    mppi_buffer request = mppi_begin_request("kv.delete");
    mppi_add_text_field(&request, "key", key);
    return mppi_end_keys(reply, &request, &result) && mppi_truth_of(reply, result, "existed", existed);
}

bool mpp_kv_list(mpp_reply *reply, const mpp_text *prefix, const mpp_text *after, int64_t limit, const mpp_value **keys, bool *more)
{
    const mpp_value *result;
    mppi_buffer request = mppi_begin_request("kv.list");
    if (prefix != NULL)
        mppi_add_text_field(&request, "prefix", *prefix);
    if (after != NULL)
        mppi_add_text_field(&request, "after", *after);
    if (limit > 0) {
        mppi_add(&request, request.size > 0 && request.at[request.size - 1] != '{' ? ",\"limit\":" : "\"limit\":");
        mppi_add_integer(&request, limit);
    }
    if (!mppi_end_keys(reply, &request, &result))
        return false;
    *keys = mpp_find(result, "keys");
    return mppi_truth_of(reply, result, "more", more);
}

static void mppi_add_headers(mppi_buffer *out, const mpp_request *request)
{
    mppi_add(out, ",\"headers\":[");
    for (size_t i = 0; i < request->header_count; i++) {
        mppi_add(out, i > 0 ? ",[" : "[");
        mppi_add_string(out, request->headers[i].name);
        mppi_add(out, ",");
        mppi_add_string(out, request->headers[i].value);
        mppi_add(out, "]");
    }
    mppi_add(out, "]");
}

bool mpp_fetch(mpp_reply *reply, const mpp_request *request, mpp_response *response)
{
    const mpp_value *result;
    mppi_buffer out = mppi_begin_request("http.fetch");
    mppi_add_text_field(&out, "method", mpp_c(request->method != NULL ? request->method : "GET"));
    mppi_add_text_field(&out, "url", request->url);
    if (request->header_count > 0)
        mppi_add_headers(&out, request);
    if (request->body != NULL)
        mppi_add_bytes_field(&out, "body", *request->body);
    if (request->timeout_ms > 0) {
        mppi_add(&out, ",\"timeout_ms\":");
        mppi_add_integer(&out, request->timeout_ms);
    }
    if (request->redirect != NULL)
        mppi_add_text_field(&out, "redirect", mpp_c(request->redirect));
    if (!mppi_end_request(reply, &out, &result))
        return false;
    response->headers = mpp_find(result, "headers");
    response->url = mppi_text_at(result, "url");
    return (mpp_as_integer(mpp_find(result, "status"), &response->status) && mpp_base64(reply, mppi_text_at(result, "body"), &response->body)) ||
           mppi_refused(reply, mpp_c("unavailable"), mpp_c("the host's answer cannot be read"));
}

static char mppi_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool mppi_same_name(mpp_text a, const char *b)
{
    if (a.size != strlen(b))
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (mppi_lower(a.at[i]) != mppi_lower(b[i]))
            return false;
    return true;
}

bool mpp_header_of(const mpp_response *response, const char *name, mpp_text *value)
{
    for (const mpp_value *pair = mpp_first(response->headers); pair != NULL; pair = mpp_next(pair)) {
        mpp_text found;
        if (mpp_as_text(mpp_first(pair), &found) && mppi_same_name(found, name))
            return mpp_as_text(mpp_next(mpp_first(pair)), value);
    }
    return false;
}

bool mpp_context_token(mpp_reply *reply, mpp_text audience, mpp_text *token)
{
    const mpp_value *result;
    mppi_buffer request = mppi_begin_request("context.get");
    mppi_add_text_field(&request, "audience", audience);
    return mppi_end_request(reply, &request, &result) &&
           (mpp_as_text(mpp_find(result, "token"), token) || mppi_refused(reply, mpp_c("unavailable"), mpp_c("the host's answer cannot be read")));
}

void mpp_log(mpp_reply *reply, const char *level, mpp_text message)
{
    const mpp_value *result;
    mppi_buffer request = mppi_begin_request("log");
    mppi_add_text_field(&request, "level", mpp_c(level));
    mppi_add_text_field(&request, "message", message);
    mppi_end_request(reply, &request, &result);
}

void mpp_progress(mpp_reply *reply, double done, double total, mpp_text message)
{
    const mpp_value *result;
    mppi_buffer request = mppi_begin_request("progress");
    if (!isfinite(done) || !isfinite(total))
        done = total = 0;
    mppi_add(&request, "\"progress\":");
    mppi_add_number(&request, done);
    if (total >= 0) {
        mppi_add(&request, ",\"total\":");
        mppi_add_number(&request, total);
    }
    if (message.size > 0)
        mppi_add_text_field(&request, "message", message);
    mppi_end_request(reply, &request, &result);
}

bool mpp_base64(mpp_reply *reply, mpp_text text, mpp_text *bytes)
{
    char *room = (char *)mppi_take(&reply->chain, text.size / 4 * 3 + 1);
    bytes->at = room;
    bytes->size = 0;
    return room != NULL && mppi_read_base64(text, room, &bytes->size);
}

void *mpp_room(mpp_reply *reply, size_t size)
{
    void *room = (char *)mppi_take(&reply->chain, size);
    reply->short_of_memory |= room == NULL;
    return room;
}

/* ---- One request, one reply -------------------------------------------------------------------------- */

static void mppi_add_head(mppi_buffer *out, mpp_text id)
{
    mppi_add(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    mppi_add_bytes(out, id.at, id.size);
}

static void mppi_add_error(mppi_buffer *out, mpp_text id, int code, const char *message)
{
    mppi_add_head(out, id);
    mppi_add(out, ",\"error\":{\"code\":");
    mppi_add_integer(out, code);
    mppi_add(out, ",\"message\":");
    mppi_add_string(out, mpp_c(message));
    mppi_add(out, "}}");
}

static void mppi_add_result(mppi_buffer *out, mpp_text id, const mpp_reply *reply)
{
    mppi_add_head(out, id);
    if (reply->rejected && !reply->failed) {
        mppi_add(out, ",\"error\":{");
        mppi_add_bytes(out, reply->rejection.at, reply->rejection.size);
        mppi_add(out, "}}");
        return;
    }
    if (reply->questions.size > 0 && !reply->failed) {
        mppi_add(out, ",\"result\":{\"resultType\":\"input_required\",\"inputRequests\":{");
        mppi_add_bytes(out, reply->questions.at, reply->questions.size);
        mppi_add(out, "}}}");
        return;
    }
    mppi_add(out, ",\"result\":{\"content\":[");
    mppi_add_bytes(out, reply->content.at, reply->content.size);
    mppi_add(out, "]");
    if (!reply->failed && reply->fields.size > 0) {
        mppi_add(out, ",\"structuredContent\":{");
        mppi_add_bytes(out, reply->fields.at, reply->fields.size);
        mppi_add(out, "}");
    }
    mppi_add(out, reply->failed ? ",\"isError\":true}}" : ",\"isError\":false}}");
}

static void mppi_run_tool(mppi_buffer *out, mpp_text id, const mpp_tool *tool, const mpp_call *call)
{
    mpp_reply reply = {0};
    tool->run(call, &reply);
    if (reply.depth > 0)
        mppi_misuse(&reply, "the tool did not close what it opened");
    if (reply.short_of_memory || reply.content.broken || reply.fields.broken || reply.rejection.broken || reply.questions.broken)
        mppi_add_error(out, id, mppi_INTERNAL, "out of memory");
    else if (reply.misuse != NULL && !reply.failed)
        mppi_add_error(out, id, mppi_INTERNAL, reply.misuse);
    else
        mppi_add_result(out, id, &reply);
    free(reply.content.at);
    free(reply.fields.at);
    free(reply.rejection.at);
    free(reply.questions.at);
    mppi_release(reply.chain);
}

static const mpp_tool *mppi_find_tool(mpp_text name, const mpp_tool *tools, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (mppi_same(name, mpp_c(tools[i].name)))
            return &tools[i];
    return NULL;
}

static void mppi_call_tool(mppi_buffer *out, mpp_text id, const mpp_value *params, const mpp_tool *tools, size_t count)
{
    static const mpp_value nothing = {.kind = MPP_OBJECT};
    mpp_text name = {"", 0};
    if (mpp_kind_of(params) != MPP_OBJECT || !mpp_as_text(mpp_find(params, "name"), &name)) {
        mppi_add_error(out, id, mppi_BAD_PARAMS, "\"params\" must be an object with the \"name\" of a tool");
        return;
    }
    const mpp_tool *tool = mppi_find_tool(name, tools, count);
    if (tool == NULL) {
        mppi_add_error(out, id, mppi_BAD_PARAMS, "this package has no tool of that name");
        return;
    }
    mpp_call call = {mpp_find(params, "arguments"), mpp_find(params, "_meta"), name};
    if (call.arguments == NULL)
        call.arguments = &nothing;
    if (call.meta == NULL)
        call.meta = &nothing;
    if (call.arguments->kind != MPP_OBJECT || call.meta->kind != MPP_OBJECT)
        mppi_add_error(out, id, mppi_BAD_PARAMS, "\"arguments\" and \"_meta\" must be objects");
    else
        mppi_run_tool(out, id, tool, &call);
}

/* A string or a plain integer: 1e999 would make a reply that strict readers refuse. */
static bool mppi_is_id(const mpp_value *id)
{
    if (mpp_kind_of(id) == MPP_TEXT)
        return true;
    return mpp_kind_of(id) == MPP_NUMBER && id->raw.size <= MPP_ID_MAX && strspn(id->raw.at, "-0123456789") == id->raw.size;
}

static void mppi_answer(mppi_buffer *out, mppi_reader *in, const mpp_tool *tools, size_t count)
{
    mpp_text version = {"", 0}, method = {"", 0}, no_id = {"null", 4};
    const mpp_value *request = mppi_read_document(in);
    if (request == NULL) {
        mppi_add_error(out, no_id, in->code, in->message);
        return;
    }
    /* The id goes back exactly as it came: a large integer must not lose digits. */
    const mpp_value *id = mpp_find(request, "id");
    if (!mppi_is_id(id))
        mppi_add_error(out, no_id, mppi_INVALID_REQUEST, "a request is an object with an \"id\" that is a string or an integer");
    else if (!mpp_as_text(mpp_find(request, "jsonrpc"), &version) || !mppi_same(version, mpp_c("2.0")))
        mppi_add_error(out, id->raw, mppi_INVALID_REQUEST, "\"jsonrpc\" must be \"2.0\"");
    else if (!mpp_as_text(mpp_find(request, "method"), &method))
        mppi_add_error(out, id->raw, mppi_INVALID_REQUEST, "\"method\" must be a string");
    else if (!mppi_same(method, mpp_c("tools/call")))
        mppi_add_error(out, id->raw, mppi_NO_METHOD, "the only method is \"tools/call\"");
    else
        mppi_call_tool(out, id->raw, mpp_find(request, "params"), tools, count);
}

char *mpp_answer(const char *line, size_t size, const mpp_tool *tools, size_t count)
{
    mppi_block *chain = NULL;
    mppi_buffer out = {0};
    const mpp_text no_id = {"null", 4};
    if (size > MPP_LINE_MAX) {
        mppi_add_error(&out, no_id, mppi_INVALID_REQUEST, "the request line is too long");
    } else {
        char *copy = (char *)mppi_take(&chain, size + 1); /* the block is zeroed: it ends with a NUL byte */
        if (copy == NULL)
            return NULL;
        if (size > 0)
            memcpy(copy, line, size);
        mppi_reader in = {.at = copy, .end = copy + size, .chain = &chain};
        mppi_answer(&out, &in, tools, count);
    }
    mppi_release(chain);
    mppi_add_bytes(&out, "", 1);
    if (out.broken) {
        free(out.at);
        return NULL;
    }
    return out.at;
}

/* Up to the end of the line, or one byte more than a line may have. */
static void mppi_read_line(mppi_buffer *line)
{
    char part[4096];
    size_t size;
    while (line->size <= MPP_LINE_MAX && !line->broken && (size = fread(part, 1, sizeof part, stdin)) > 0) {
        const char *end = (const char *)memchr(part, '\n', size);
        mppi_add_bytes(line, part, end != NULL ? (size_t)(end - part) : size);
        if (end != NULL)
            return;
    }
}

int mpp_main(const mpp_tool *tools, size_t count)
{
    static const char no_memory[] = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32603,\"message\":\"out of memory\"}}";
    mppi_buffer line = {0};
    mppi_read_line(&line);
    char *reply = line.broken ? NULL : mpp_answer(line.at, line.size, tools, count);
    free(line.at);
    const char *text = reply != NULL ? reply : no_memory;
    bool written = fwrite(text, 1, strlen(text), stdout) == strlen(text) && putchar('\n') != EOF && fflush(stdout) == 0;
    free(reply);
    return written ? EXIT_SUCCESS : EXIT_FAILURE;
}

#ifdef __cplusplus
#pragma GCC diagnostic pop
}
#endif
#endif
