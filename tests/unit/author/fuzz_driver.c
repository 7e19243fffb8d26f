/* Feeds cases to the adapter as a fuzzer would. The file named first holds cases, each 4 bytes of length
 * (little-endian) and its bytes; one reply a line goes to standard output. */
#include "mpp.h"

#include <stdio.h>
#include <stdlib.h>

/* The template's tool, whose main() is renamed on the command line; and one that uses all the rest. */
#define main tool_main
#include "main.c"
#undef main

static void copy_value(mpp_reply *reply, const char *key, const mpp_value *value)
{
    char name[64];
    mpp_text text;
    int64_t integer;
    double number;
    bool truth;
    if (mpp_as_text(value, &text)) {
        mpp_put_text(reply, key, text);
    } else if (mpp_as_integer(value, &integer)) {
        mpp_put_integer(reply, key, integer);
    } else if (mpp_as_number(value, &number)) {
        mpp_put_number(reply, key, number);
    } else if (mpp_as_boolean(value, &truth)) {
        mpp_put_boolean(reply, key, truth);
    } else if (mpp_kind_of(value) == MPP_LIST) {
        mpp_open_list(reply, key);
        for (const mpp_value *item = mpp_first(value); item != NULL; item = mpp_next(item))
            copy_value(reply, NULL, item);
        mpp_close(reply);
    } else if (mpp_kind_of(value) == MPP_OBJECT) {
        mpp_open_object(reply, key);
        for (const mpp_value *item = mpp_first(value); item != NULL; item = mpp_next(item)) {
            mpp_text long_name = mpp_key(item);
            snprintf(name, sizeof name, "%.*s", (int)long_name.size, long_name.at);
            copy_value(reply, name, item);
        }
        mpp_close(reply);
    } else {
        mpp_put_null(reply, key);
    }
}

static void echo(const mpp_call *call, mpp_reply *reply)
{
    copy_value(reply, "arguments", call->arguments);
    copy_value(reply, "meta", call->meta);
    mpp_put_integer(reply, "n", mpp_integer_or(call, reply, "n", INT64_MIN));
    mpp_put_boolean(reply, "b", mpp_boolean_or(call, reply, "b", true));
    mpp_text raw = {"\xff\xc3(\xed\xa0\x80", 6};
    mpp_put_text(reply, "raw", raw);
}

static void key_in_list(const mpp_call *call, mpp_reply *reply)
{
    (void)call;
    mpp_open_list(reply, "list");
    mpp_put_null(reply, "key");
    mpp_close(reply);
}

static void no_key(const mpp_call *call, mpp_reply *reply)
{
    (void)call;
    mpp_put_null(reply, NULL);
}

static void open_end(const mpp_call *call, mpp_reply *reply)
{
    (void)call;
    mpp_open_object(reply, "object");
}

static void close_more(const mpp_call *call, mpp_reply *reply)
{
    (void)call;
    mpp_close(reply);
}

static void too_deep(const mpp_call *call, mpp_reply *reply)
{
    (void)call;
    for (int i = 0; i < 100; i++)
        mpp_open_object(reply, "deeper");
    for (int i = 0; i < 100; i++)
        mpp_close(reply);
}

static void not_finite(const mpp_call *call, mpp_reply *reply)
{
    (void)call;
    mpp_put_number(reply, "n", 1e308 * 10);
}

static const mpp_tool all_tools[] = {
    {"greet", greet}, {"echo", echo}, {"key_in_list", key_in_list}, {"no_key", no_key},
    {"open_end", open_end}, {"close_more", close_more}, {"too_deep", too_deep}, {"not_finite", not_finite},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *reply = mpp_answer((const char *)data, size, all_tools, sizeof all_tools / sizeof all_tools[0]);
    if (reply == NULL)
        return 1;
    puts(reply);
    free(reply);
    return 0;
}

int main(int count, char **arguments)
{
    unsigned char head[4];
    FILE *file = count == 2 ? fopen(arguments[1], "rb") : NULL;
    if (file == NULL)
        return 2;
    while (fread(head, 1, 4, file) == 4) {
        size_t size = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
        uint8_t *data = malloc(size > 0 ? size : 1); /* exactly as long, so that reading beyond it is seen */
        if (data == NULL || fread(data, 1, size, file) != size || LLVMFuzzerTestOneInput(data, size) != 0)
            return 3;
        free(data);
    }
    fclose(file);
    return 0;
}
