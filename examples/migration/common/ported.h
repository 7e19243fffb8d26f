/* ported.h - what ported tools need beside the adapter: texts that grow, numbers and JSON as JavaScript writes them, answers with a picture.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PORTED_H
#define PORTED_H

#include "mpp.h"

/* A text that grows. It begins as {0} and lives until the process ends, which is one call. */
typedef struct {
    char *at;
    size_t size, room;
} ported_text;

void ported_add(ported_text *out, mpp_text more);
void ported_add_c(ported_text *out, const char *more);
void ported_add_json(ported_text *out, mpp_text text); /* as a JSON string, with its quotes */
void ported_add_number(ported_text *out, double number); /* the shortest digits that read as the same number */
mpp_text ported_view(const ported_text *text);

/* Fail with a text that is made of several. */
void ported_fail(mpp_reply *reply, const char *before, mpp_text what, const char *after);

/* Write a result with these items of `content`, as JSON, and end the tool. The adapter then writes nothing. */
_Noreturn void ported_answer(const ported_text *content);

#endif
