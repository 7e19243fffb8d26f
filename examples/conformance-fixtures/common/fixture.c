/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

_Noreturn void fixture_answer(const char *result)
{
    printf("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":%s}\n", result);
    fflush(stdout);
    exit(0);
}

static void write_string(mpp_text text)
{
    putchar('"');
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        if (byte == '"' || byte == '\\')
            printf("\\%c", byte);
        else if (byte < 0x20)
            printf("\\u%04x", byte);
        else
            putchar(byte);
    }
    putchar('"');
}

_Noreturn void fixture_ask_text(const char *questions, mpp_text text)
{
    const char *gap = strstr(questions, "%s");
    printf("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"input_required\",\"inputRequests\":{");
    if (gap == NULL) {
        fputs(questions, stdout);
    } else {
        fwrite(questions, 1, (size_t)(gap - questions), stdout);
        write_string(text);
        fputs(gap + 2, stdout);
    }
    printf("}}}\n");
    fflush(stdout);
    exit(0);
}

_Noreturn void fixture_ask(const char *questions)
{
    fixture_ask_text(questions, mpp_c(""));
}

bool fixture_filled(const mpp_call *call, const char *question, const char *key, mpp_text *text)
{
    return mpp_as_text(mpp_find(mpp_find(mpp_find(call->arguments, question), "content"), key), text);
}

bool fixture_answered(const mpp_call *call, const char *question)
{
    return mpp_kind_of(mpp_find(call->arguments, question)) == MPP_OBJECT;
}

#ifdef __wasm__
__attribute__((import_module("mpp_host"), import_name("call"))) extern int32_t mpp_host_call(const char *request, size_t size, char *answer, size_t room);

static void tell(const char *request)
{
    char answer[256];
    mpp_host_call(request, strlen(request), answer, sizeof answer);
}
#else
static void tell(const char *request)
{
    (void)request;
}
#endif

void fixture_log(const char *level, const char *message)
{
    char request[512];
    snprintf(request, sizeof request, "{\"method\":\"log\",\"params\":{\"level\":\"%s\",\"message\":\"%s\"}}", level, message);
    tell(request);
}

void fixture_progress(int done, int total)
{
    char request[128];
    snprintf(request, sizeof request, "{\"method\":\"progress\",\"params\":{\"progress\":%d,\"total\":%d}}", done, total);
    tell(request);
}

void fixture_pause(int milliseconds)
{
    struct timespec pause = {.tv_sec = milliseconds / 1000, .tv_nsec = (milliseconds % 1000) * 1000000L};
    nanosleep(&pause, NULL);
}
