/* ported.c - see ported.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ported.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ported_add(ported_text *out, mpp_text more)
{
    if (more.size > out->room - out->size) {
        size_t room = 2 * (out->size + more.size) + 64;
        char *at = realloc(out->at, room);
        if (at == NULL)
            abort(); /* a trap: the host says so */
        out->at = at;
        out->room = room;
    }
    if (more.size > 0)
        memcpy(out->at + out->size, more.at, more.size);
    out->size += more.size;
}

void ported_add_c(ported_text *out, const char *more)
{
    ported_add(out, mpp_c(more));
}

mpp_text ported_view(const ported_text *text)
{
    mpp_text view = {text->at == NULL ? "" : text->at, text->size};
    return view;
}

void ported_add_json(ported_text *out, mpp_text text)
{
    static const char plain[] = "\b\f\n\r\t\"\\", named[] = "bfnrt\"\\";
    ported_add_c(out, "\"");
    for (size_t i = 0; i < text.size; i++) {
        char code[8];
        unsigned char c = (unsigned char)text.at[i];
        const char *found = c == 0 ? NULL : strchr(plain, c);
        if (found != NULL) {
            snprintf(code, sizeof code, "\\%c", named[found - plain]);
            ported_add_c(out, code);
        } else if (c < 0x20) {
            snprintf(code, sizeof code, "\\u%04x", c);
            ported_add_c(out, code);
        } else {
            ported_add(out, (mpp_text){text.at + i, 1});
        }
    }
    ported_add_c(out, "\"");
}

/* Digits and exponent as JavaScript puts them: plain from 1e-6 up to 1e21, with an exponent beyond. */
static void lay_out(ported_text *out, const char *digits, int count, int point)
{
    char exponent[16];
    if (point > 21 || point < -5) {
        ported_add(out, (mpp_text){digits, 1});
        if (count > 1) {
            ported_add_c(out, ".");
            ported_add(out, (mpp_text){digits + 1, (size_t)count - 1});
        }
        snprintf(exponent, sizeof exponent, "e%+d", point - 1);
        ported_add_c(out, exponent);
    } else if (point <= 0) {
        ported_add_c(out, "0.");
        for (int i = point; i < 0; i++)
            ported_add_c(out, "0");
        ported_add(out, (mpp_text){digits, (size_t)count});
    } else {
        for (int i = 0; i < (point > count ? point : count); i++) {
            if (i == point)
                ported_add_c(out, ".");
            ported_add(out, (mpp_text){i < count ? digits + i : "0", 1});
        }
    }
}

void ported_add_number(ported_text *out, double number)
{
    char written[40], digits[24];
    int count = 0;
    if (number == 0) { /* JavaScript does not show the sign of nought */
        ported_add_c(out, "0");
        return;
    }
    if (!isfinite(number)) {
        ported_add_c(out, isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
        return;
    }
    for (int precision = 0; precision < 17; precision++) {
        snprintf(written, sizeof written, "%.*e", precision, fabs(number));
        if (strtod(written, NULL) == fabs(number))
            break;
    }
    const char *e = strchr(written, 'e');
    for (const char *c = written; c < e; c++)
        if (*c != '.')
            digits[count++] = *c;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    if (number < 0)
        ported_add_c(out, "-");
    lay_out(out, digits, count, atoi(e + 1) + 1);
}

void ported_fail(mpp_reply *reply, const char *before, mpp_text what, const char *after)
{
    const mpp_text parts[] = {mpp_c(before), what, mpp_c(after)};
    mpp_fail(reply, mpp_join(reply, parts, sizeof parts / sizeof parts[0]));
}

_Noreturn void ported_answer(const ported_text *content)
{
    mpp_text items = ported_view(content);
    fputs("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[", stdout);
    fwrite(items.at, 1, items.size, stdout);
    fputs("]}}\n", stdout);
    exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
