/* mpp.h - the adapter between an MPP host and a tool written in C.
 *
 * The host starts the tool once per call, writes one line to its standard input and reads one line from
 * its standard output. Both are JSON-RPC 2.0. This adapter reads the request, checks it, calls the
 * function that belongs to the tool's name, and writes the reply. A tool never parses or prints JSON.
 *
 * Standard output belongs to the reply. For log lines use standard error: fprintf(stderr, "...\n").
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MPP_H
#define MPP_H

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
bool mpp_as_number(const mpp_value *value, double *number);

/* ---- Answering ------------------------------------------------------------------------------------ */

/* Add a text to `content`: what a person or a model reads. */
void mpp_say(mpp_reply *reply, mpp_text text);

/* Say that the tool could not do it, and why. Nothing else of the answer is kept. */
void mpp_fail(mpp_reply *reply, mpp_text why);

/* Add a field to `structuredContent`: what programs read; it follows "returns" of the manifest.
 * Inside a list the key is NULL. Use each key once. */
void mpp_put_text(mpp_reply *reply, const char *key, mpp_text text);
void mpp_put_integer(mpp_reply *reply, const char *key, int64_t number);
void mpp_put_number(mpp_reply *reply, const char *key, double number);
void mpp_put_boolean(mpp_reply *reply, const char *key, bool truth);
void mpp_put_null(mpp_reply *reply, const char *key);
void mpp_open_object(mpp_reply *reply, const char *key);
void mpp_open_list(mpp_reply *reply, const char *key);
void mpp_close(mpp_reply *reply);

/* ---- Text ----------------------------------------------------------------------------------------- */

/* A C string as text. */
mpp_text mpp_c(const char *text);

/* Several texts in a row as one; it lives as long as the call. */
mpp_text mpp_join(mpp_reply *reply, const mpp_text *parts, size_t count);

#endif
