/* The JavaScript layer: QuickJS as a WebAssembly module that is initialised once for each tool and then answers one call for each instance.
 *
 * mpp_initialize reads the bundle of a tool from standard input, runs boot.js and loads the tool. The host keeps the memory.
 * _start, in a fresh instance over that memory, reads the request, lets boot.js answer it, and writes the reply.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <wasi/api.h>

#include "engine.h"

#include "boot.h" /* boot_source, boot_size: boot.js with a zero at its end */

#define countof(list) (sizeof(list) / sizeof(*(list)))
#define EXPORT(name) __attribute__((export_name(name)))

enum {
    /* Bytes of JavaScript stack. The engine's own stack has 512 KiB; frames there are at most that many times larger than here. */
    STACK_BYTES = LAYER_STACK_BYTES,
    BUNDLE_BYTES_MAX = 272 << 20, /* a package unpacked is at most 256 MiB, its index beside it */
    LINE_BYTES_MAX = 2 << 20,     /* a request has at most 1 MiB */
    ANSWER_BYTES_MAX = 24 << 20,  /* a body of 8 MiB in base64, with headers */
    SPARE_BYTES = 128 << 10,      /* kept for the words about memory that ran out */
    EX_SOFTWARE = 70,
};

__attribute__((import_module("mpp_host"), import_name("call"))) int32_t host_call(const void *req, int32_t req_len, void *resp, int32_t cap);
extern void __wasm_call_ctors(void);
extern void __wasilibc_reset_preopens(void);

static JSRuntime *runtime;
static JSContext *context;
static JSValue hooks; /* what boot.js gave: an object of functions */
static char *bundle;
static size_t bundle_size;
static void *spare;
static int initialised;
static int short_of_memory;

/* ---- bytes in and out ---- */

static void say(int fd, const char *data, size_t size) {
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n <= 0)
            return;
        data += n;
        size -= n;
    }
}

static _Noreturn void fail(const char *words) {
    say(2, words, strlen(words));
    say(2, "\n", 1);
    __wasi_proc_exit(EX_SOFTWARE);
}

static char *read_all(size_t most, size_t *size) {
    size_t cap = 64 << 10, len = 0;
    char *data = malloc(cap);
    for (;;) {
        if (!data)
            fail("there is not enough memory for what stands on standard input: raise memory_limit_mb of the manifest");
        ssize_t n = read(0, data + len, cap - len - 1);
        if (n < 0)
            fail("standard input cannot be read");
        if (n == 0)
            break;
        len += n;
        if (len > most)
            fail("there is more on standard input than a layer reads");
        if (cap - len < 2)
            data = realloc(data, cap *= 2);
    }
    data[len] = 0;
    *size = len;
    return data;
}

/* ---- memory: what runs out is said, not guessed ---- */

extern size_t malloc_usable_size(void *);
static size_t mem_size(const void *p) { return p ? malloc_usable_size((void *)p) : 0; }

/* The engine collects garbage by what is counted here. */
static void *counted(JSMallocState *s, void *p, size_t before) {
    s->malloc_size -= before;
    if (p)
        s->malloc_size += mem_size(p);
    else
        short_of_memory = 1;
    return p;
}
static void *mem_malloc(JSMallocState *s, size_t size) { return counted(s, malloc(size), 0); }
static void mem_free(JSMallocState *s, void *p) {
    s->malloc_size -= mem_size(p);
    free(p);
}
static void *mem_realloc(JSMallocState *s, void *p, size_t size) {
    size_t before = mem_size(p);
    if (size == 0) {
        mem_free(s, p);
        return NULL;
    }
    void *q = realloc(p, size);
    return counted(s, q, q ? before : 0);
}
static const JSMallocFunctions memory = {mem_malloc, mem_free, mem_realloc, mem_size};

/* ---- UTF-8 as the Encoding Standard reads it ---- */

/* Bytes of the sequence at p, or minus the bytes to replace by one U+FFFD. */
static int utf8_step(const uint8_t *p, const uint8_t *end) {
    uint8_t c = *p, low = 0x80, high = 0xBF;
    int more = c < 0x80 ? 0 : c < 0xC2 ? -1 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : c < 0xF5 ? 3 : -1;
    if (more < 0)
        return -1;
    if (c == 0xE0)
        low = 0xA0;
    if (c == 0xED)
        high = 0x9F;
    if (c == 0xF0)
        low = 0x90;
    if (c == 0xF4)
        high = 0x8F;
    for (int i = 1; i <= more; i++) {
        if (p + i >= end || p[i] < low || p[i] > high)
            return -i;
        low = 0x80, high = 0xBF;
    }
    return more + 1;
}

static JSValue text_of(JSContext *c, const uint8_t *data, size_t size, int fatal) {
    const uint8_t *p = data, *end = data + size;
    size_t wrong = 0;
    while (p < end) {
        if (*p < 0x80) {
            p++;
            continue;
        }
        int n = utf8_step(p, end);
        wrong += n < 0;
        p += n < 0 ? -n : n;
    }
    if (!wrong)
        return JS_NewStringLen(c, (const char *)data, size);
    if (fatal)
        return JS_ThrowTypeError(c, "the bytes are not UTF-8");
    uint8_t *out = js_malloc(c, size + wrong * 3), *o = out;
    if (!out)
        return JS_EXCEPTION;
    for (p = data; p < end;) {
        int n = utf8_step(p, end);
        if (n < 0) {
            memcpy(o, "\xEF\xBF\xBD", 3);
            o += 3;
            p -= n;
        } else {
            memcpy(o, p, n);
            o += n;
            p += n;
        }
    }
    JSValue v = JS_NewStringLen(c, (const char *)out, o - out);
    js_free(c, out);
    return v;
}

/* QuickJS writes half a character as three bytes of its own; in UTF-8 there is no such thing. */
static void mend(uint8_t *data, size_t size) {
    for (size_t i = 0; i + 2 < size; i++)
        if (data[i] == 0xED && data[i + 1] >= 0xA0)
            memcpy(data + i, "\xEF\xBF\xBD", 3);
}

/* ---- functions that boot.js gets ---- */

#define NATIVE(name) static JSValue name(JSContext *c, JSValueConst self, int argc, JSValueConst *argv)

/* The bytes of a Uint8Array, valid until JavaScript runs again. */
static uint8_t *bytes_of(JSContext *c, JSValueConst v, size_t *size) {
    size_t offset, length, each, all;
    JSValue buffer = JS_GetTypedArrayBuffer(c, v, &offset, &length, &each);
    if (JS_IsException(buffer))
        return NULL;
    uint8_t *data = JS_GetArrayBuffer(c, &all, buffer);
    JS_FreeValue(c, buffer);
    if (!data && length) /* taken away from under the array */
        return JS_ThrowTypeError(c, "the buffer is detached"), NULL;
    *size = length;
    return data ? data + offset : (uint8_t *)"";
}

static JSValue new_bytes(JSContext *c, const void *data, size_t size) {
    JSValue buffer = JS_NewArrayBufferCopy(c, data, size);
    if (JS_IsException(buffer))
        return buffer;
    JSValueConst args[3] = {buffer, JS_UNDEFINED, JS_UNDEFINED}; /* it reads three, whatever it is told */
    JSValue array = JS_NewTypedArray(c, 3, args, JS_TYPED_ARRAY_UINT8);
    JS_FreeValue(c, buffer);
    return array;
}

NATIVE(n_encode) {
    size_t size;
    const char *s = JS_ToCStringLen(c, &size, argv[0]);
    if (!s)
        return JS_EXCEPTION;
    JSValue v = new_bytes(c, s, size);
    JS_FreeCString(c, s);
    if (!JS_IsException(v)) {
        uint8_t *data = bytes_of(c, v, &size);
        if (data && size)
            mend(data, size);
    }
    return v;
}

NATIVE(n_decode) {
    size_t size;
    uint8_t *data = bytes_of(c, argv[0], &size);
    return data ? text_of(c, data, size, JS_ToBool(c, argv[1])) : JS_EXCEPTION;
}

static const char B64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

NATIVE(n_to_base64) {
    size_t size;
    uint8_t *p = bytes_of(c, argv[0], &size);
    char *out = p ? js_malloc(c, size / 3 * 4 + 8) : NULL, *o = out;
    if (!out)
        return JS_EXCEPTION;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t v = p[i] << 16 | (i + 1 < size ? p[i + 1] << 8 : 0) | (i + 2 < size ? p[i + 2] : 0);
        *o++ = B64[v >> 18];
        *o++ = B64[v >> 12 & 63];
        *o++ = i + 1 < size ? B64[v >> 6 & 63] : '=';
        *o++ = i + 2 < size ? B64[v & 63] : '=';
    }
    JSValue v = JS_NewStringLen(c, out, o - out);
    js_free(c, out);
    return v;
}

/* Bytes, or null for what is no base64: standard alphabet, padding in its place or none, nothing in the bits that are left. */
NATIVE(n_from_base64) {
    size_t size;
    const char *s = JS_ToCStringLen(c, &size, argv[0]);
    if (!s)
        return JS_EXCEPTION;
    size_t given = size, full = size;
    uint8_t *out = js_malloc(c, size / 4 * 3 + 4), *o = out;
    if (out && given % 4 == 0 && given && s[given - 1] == '=')
        full -= s[given - 2] == '=' ? 2 : 1;
    int bad = full % 4 == 1;
    uint32_t v = 0;
    int bits = 0;
    for (size_t i = 0; out && !bad && i < full; i++) {
        const char *at = s[i] ? strchr(B64, s[i]) : NULL;
        if (!at) {
            bad = 1;
            break;
        }
        v = v << 6 | (at - B64);
        if ((bits += 6) >= 8)
            *o++ = v >> (bits -= 8);
    }
    JS_FreeCString(c, s);
    JSValue r = !out ? JS_EXCEPTION : bad || (v & ((1u << bits) - 1)) ? JS_NULL : new_bytes(c, out, o - out);
    js_free(c, out);
    return r;
}

NATIVE(n_error) {
    size_t size;
    const char *s = JS_ToCStringLen(c, &size, argv[0]);
    if (!s)
        return JS_EXCEPTION;
    say(2, s, size);
    JS_FreeCString(c, s);
    return JS_UNDEFINED;
}

/* call(text) -> text, or a number below zero for an error of the call itself. */
NATIVE(n_call) {
    size_t size;
    const char *s = JS_ToCStringLen(c, &size, argv[0]);
    if (!s)
        return JS_EXCEPTION;
    static char first[4096]; /* most answers are short; a longer one is kept by the host until it is fetched */
    int32_t n = host_call(s, size, first, sizeof first);
    JS_FreeCString(c, s);
    if (n >= 0)
        return text_of(c, (uint8_t *)first, n, 0);
    if (n < -(1 << 30) || -n > ANSWER_BYTES_MAX)
        return JS_NewInt32(c, n);
    int32_t want = -n;
    uint8_t *room = js_malloc(c, want);
    if (!room)
        return JS_EXCEPTION;
    n = host_call(0, 0, room, want);
    JSValue v = n >= 0 ? text_of(c, room, n, 0) : JS_NewInt32(c, n);
    js_free(c, room);
    return v;
}

NATIVE(n_now) {
    __wasi_timestamp_t t = 0;
    (void)__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1000, &t);
    return JS_NewFloat64(c, t / 1e6);
}

NATIVE(n_sleep) {
    double ms = 0;
    JS_ToFloat64(c, &ms, argv[0]);
    if (ms > 0) {
        struct timespec t = {ms / 1000, (ms - (int64_t)(ms / 1000) * 1000.0) * 1e6};
        nanosleep(&t, NULL);
    }
    return JS_UNDEFINED;
}

NATIVE(n_random) {
    size_t size;
    uint8_t *data = bytes_of(c, argv[0], &size);
    if (!data)
        return JS_EXCEPTION;
    if (size && __wasi_random_get(data, size) != 0)
        return JS_ThrowInternalError(c, "the host gives no random numbers");
    return JS_UNDEFINED;
}

/* The variables of this run, as [name, value] pairs: asked for anew, because libc would keep those of the initialising. */
NATIVE(n_environment) {
    size_t count, size;
    JSValue list = JS_NewArray(c);
    if (JS_IsException(list) || __wasi_environ_sizes_get(&count, &size) || !count)
        return list;
    char **names = js_malloc(c, count * sizeof *names), *text = js_malloc(c, size);
    if (names && text && __wasi_environ_get((uint8_t **)names, (uint8_t *)text) == 0)
        for (size_t i = 0; i < count; i++)
            JS_SetPropertyUint32(c, list, i, text_of(c, (uint8_t *)names[i], strlen(names[i]), 0));
    js_free(c, names);
    js_free(c, text);
    return list;
}

NATIVE(n_bundle_text) { /* (offset, size) -> the index, or a source */
    uint32_t at, size;
    JS_ToUint32(c, &at, argv[0]);
    JS_ToUint32(c, &size, argv[1]);
    if (at > bundle_size || size > bundle_size - at)
        return JS_ThrowRangeError(c, "outside of the package");
    return text_of(c, (uint8_t *)bundle + at, size, 0);
}

NATIVE(n_bundle_bytes) {
    uint32_t at, size;
    JS_ToUint32(c, &at, argv[0]);
    JS_ToUint32(c, &size, argv[1]);
    if (at > bundle_size || size > bundle_size - at)
        return JS_ThrowRangeError(c, "outside of the package");
    return new_bytes(c, bundle + at, size);
}

NATIVE(n_bundle_size) { return JS_NewInt64(c, bundle_size); }

/* compile(source, name, kind): kind 0 runs a script and gives its value; 1 loads a module and gives a promise of its namespace. */
NATIVE(n_run) {
    size_t size;
    const char *s = JS_ToCStringLen(c, &size, argv[0]), *name = JS_ToCString(c, argv[1]);
    JSValue v = JS_EXCEPTION;
    if (s && name)
        v = JS_Eval(c, s, size, name, JS_EVAL_TYPE_GLOBAL);
    JS_FreeCString(c, s);
    JS_FreeCString(c, name);
    return v;
}

NATIVE(n_import) {
    const char *base = JS_ToCString(c, argv[0]), *name = JS_ToCString(c, argv[1]);
    JSValue v = base && name ? JS_LoadModule(c, base, name) : JS_EXCEPTION;
    JS_FreeCString(c, base);
    JS_FreeCString(c, name);
    return v;
}

NATIVE(n_detach) { /* buffer -> a copy of it; the first one is empty then */
    size_t size;
    uint8_t *data = JS_GetArrayBuffer(c, &size, argv[0]);
    if (!data && JS_HasException(c))
        return JS_EXCEPTION;
    JSValue copy = JS_NewArrayBufferCopy(c, data, size);
    if (!JS_IsException(copy))
        JS_DetachArrayBuffer(c, argv[0]);
    return copy;
}

NATIVE(n_promise_state) { /* [state, result] */
    JSValue list = JS_NewArray(c);
    int state = JS_PromiseState(c, argv[0]);
    JS_SetPropertyUint32(c, list, 0, JS_NewInt32(c, state));
    JS_SetPropertyUint32(c, list, 1, state == JS_PROMISE_PENDING ? JS_UNDEFINED : JS_PromiseResult(c, argv[0]));
    return list;
}

NATIVE(n_collect) {
    JS_RunGC(JS_GetRuntime(c));
    return JS_UNDEFINED;
}

NATIVE(n_out_of_memory) { return JS_NewBool(c, short_of_memory); }

#include "files.h"

static const JSCFunctionListEntry natives[] = {
    JS_CFUNC_DEF("encode", 1, n_encode),
    JS_CFUNC_DEF("decode", 2, n_decode),
    JS_CFUNC_DEF("toBase64", 1, n_to_base64),
    JS_CFUNC_DEF("fromBase64", 1, n_from_base64),
    JS_CFUNC_DEF("error", 1, n_error),
    JS_CFUNC_DEF("call", 1, n_call),
    JS_CFUNC_DEF("now", 0, n_now),
    JS_CFUNC_DEF("sleep", 1, n_sleep),
    JS_CFUNC_DEF("random", 1, n_random),
    JS_CFUNC_DEF("environment", 0, n_environment),
    JS_CFUNC_DEF("bundleText", 2, n_bundle_text),
    JS_CFUNC_DEF("bundleBytes", 2, n_bundle_bytes),
    JS_CFUNC_DEF("bundleSize", 0, n_bundle_size),
    JS_CFUNC_DEF("run", 2, n_run),
    JS_CFUNC_DEF("load", 2, n_import),
    JS_CFUNC_DEF("transfer", 1, n_detach),
    JS_CFUNC_DEF("promiseState", 1, n_promise_state),
    JS_CFUNC_DEF("collect", 0, n_collect),
    JS_CFUNC_DEF("outOfMemory", 0, n_out_of_memory),
    JS_CFUNC_DEF("readFile", 1, n_read_file),
    JS_CFUNC_DEF("writeFile", 3, n_write_file),
    JS_CFUNC_DEF("listFolder", 1, n_list_folder),
    JS_CFUNC_DEF("stat", 2, n_stat),
    JS_CFUNC_DEF("change", 3, n_change),
};

/* ---- calls into boot.js ---- */

static JSValue hook(const char *name, int argc, JSValueConst *argv) {
    JSValue f = JS_GetPropertyStr(context, hooks, name);
    JSValue v = JS_IsException(f) ? f : JS_Call(context, f, hooks, argc, argv);
    JS_FreeValue(context, f);
    return v;
}

/* The words of the exception that is under way, on standard error. A hostile error object may throw again; then that is all we say. */
static void report(void) {
    JSValue e = JS_GetException(context);
    const char *s = JS_ToCString(context, e);
    if (!s)
        JS_FreeValue(context, JS_GetException(context));
    const char *words = s ? s : "an exception that cannot be shown";
    say(2, words, strlen(words));
    say(2, "\n", 1);
    JS_FreeCString(context, s);
    if (JS_IsError(context, e)) {
        JSValue stack = JS_GetPropertyStr(context, e, "stack");
        const char *t = JS_IsString(stack) ? JS_ToCString(context, stack) : NULL;
        if (t)
            say(2, t, strlen(t));
        JS_FreeCString(context, t);
        if (JS_IsException(stack))
            JS_FreeValue(context, JS_GetException(context));
        JS_FreeValue(context, stack);
    }
    JS_FreeValue(context, e);
}

/* Promises and timers until boot.js says that it is done: tick() gives true, or milliseconds to wait, or false for nothing left to do. */
static int settle(void) {
    for (;;) {
        JSContext *in;
        int n;
        while ((n = JS_ExecutePendingJob(runtime, &in)) != 0)
            if (n < 0)
                report();
        JSValue v = hook("tick", 0, NULL);
        if (JS_IsException(v))
            return -1;
        if (JS_IsBool(v))
            return JS_VALUE_GET_BOOL(v);
        JSValueConst args[1] = {v};
        JSValue slept = n_sleep(context, JS_UNDEFINED, 1, args);
        JS_FreeValue(context, slept);
        JS_FreeValue(context, v);
    }
}

static int number_at(JSContext *c, JSValueConst v, uint32_t at, int64_t *number) {
    JSValue found = JS_GetPropertyUint32(c, v, at);
    int r = JS_IsException(found) ? -1 : JS_ToInt64(c, number, found);
    JS_FreeValue(c, found);
    return r;
}

/* ---- modules: boot.js finds them and reads them ---- */

static char *module_name(JSContext *c, const char *base, const char *name, void *opaque) {
    JSValueConst args[2] = {JS_NewString(c, base), JS_NewString(c, name)};
    JSValue v = hook("resolve", 2, args);
    JS_FreeValue(c, args[0]);
    JS_FreeValue(c, args[1]);
    const char *s = JS_IsException(v) ? NULL : JS_ToCString(c, v);
    char *copy = s ? js_strdup(c, s) : NULL;
    JS_FreeCString(c, s);
    JS_FreeValue(c, v);
    return copy;
}

/* A module whose exports are known values: JSON, and modules in the older form. boot.js keeps the values under the module's name. */
static int values_init(JSContext *c, JSModuleDef *m) {
    JSValueConst args[1] = {JS_AtomToString(c, JS_GetModuleName(c, m))};
    JSValue values = hook("values", 1, args);
    JS_FreeValue(c, args[0]);
    int bad = JS_IsException(values) || engine_set_exports(c, m, values) < 0;
    JS_FreeValue(c, values);
    return bad ? -1 : 0;
}

/* ``names`` is an array of texts; the number of exports is bounded by the tool's own memory. */
static JSModuleDef *values_module(JSContext *c, const char *name, JSValueConst names) {
    JSModuleDef *m = JS_NewCModule(c, name, values_init);
    int64_t count = 0;
    if (!m || number_at(c, names, 1, &count) < 0)
        return NULL;
    for (int64_t i = 0; i < count; i++) {
        JSValue v = JS_GetPropertyUint32(c, names, 2 + i);
        const char *s = JS_ToCString(c, v);
        int bad = !s || JS_AddModuleExport(c, m, s) < 0;
        JS_FreeCString(c, s);
        JS_FreeValue(c, v);
        if (bad)
            return NULL;
    }
    return m;
}

static JSModuleDef *source_module(JSContext *c, const char *name, JSValueConst source, JSValueConst url) {
    size_t size;
    const char *s = JS_ToCStringLen(c, &size, source);
    if (!s)
        return NULL;
    JSValue f = JS_Eval(c, s, size, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    JS_FreeCString(c, s);
    if (JS_IsException(f))
        return NULL;
    JSModuleDef *m = JS_VALUE_GET_PTR(f);
    JSValue meta = JS_GetImportMeta(c, m);
    JS_DefinePropertyValueStr(c, meta, "url", JS_DupValue(c, url), JS_PROP_C_W_E);
    JS_FreeValue(c, meta);
    JS_FreeValue(c, f); /* the module is held by the context */
    return m;
}

/* module(name) gives [source, url], or [null, number of exports, name...] for a module of values. */
static JSModuleDef *module_load(JSContext *c, const char *name, void *opaque) {
    JSValueConst args[1] = {JS_NewString(c, name)};
    JSValue v = hook("module", 1, args);
    JS_FreeValue(c, args[0]);
    if (JS_IsException(v))
        return NULL;
    JSValue source = JS_GetPropertyUint32(c, v, 0), url = JS_GetPropertyUint32(c, v, 1);
    JSModuleDef *m = JS_IsNull(source) ? values_module(c, name, v) : source_module(c, name, source, url);
    JS_FreeValue(c, source);
    JS_FreeValue(c, url);
    JS_FreeValue(c, v);
    return m;
}

static void rejection(JSContext *c, JSValueConst promise, JSValueConst reason, JS_BOOL handled, void *opaque) {
    JSValueConst args[3] = {promise, reason, JS_NewBool(c, handled)};
    JSValue v = hook("rejection", 3, args);
    if (JS_IsException(v))
        JS_FreeValue(c, JS_GetException(c));
    JS_FreeValue(c, v);
}

/* ---- the two entries ---- */

static void start_engine(void) {
    runtime = JS_NewRuntime2(&memory, NULL);
    context = runtime ? JS_NewContext(runtime) : NULL;
    if (!context)
        fail("there is not enough memory for the JavaScript engine: raise memory_limit_mb of the manifest");
    JS_SetMaxStackSize(runtime, STACK_BYTES);
    JS_UpdateStackTop(runtime);
    JSValue module = JS_NewObject(context);
    JS_SetPropertyFunctionList(context, module, natives, countof(natives));
    JSValue boot = JS_Eval(context, boot_source, boot_size, "mpp:boot", JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_STRICT);
    JSValueConst args[1] = {module};
    hooks = JS_IsException(boot) ? boot : JS_Call(context, boot, JS_UNDEFINED, 1, args);
    JS_FreeValue(context, boot);
    JS_FreeValue(context, module);
    if (JS_IsException(hooks)) {
        report();
        fail("the JavaScript layer does not start");
    }
    JS_SetModuleLoaderFunc(runtime, module_name, module_load, NULL);
    JS_SetHostPromiseRejectionTracker(runtime, rejection, NULL);
}

EXPORT("mpp_initialize") void mpp_initialize(void) {
    __wasm_call_ctors();
    bundle = read_all(BUNDLE_BYTES_MAX, &bundle_size);
    start_engine();
    JSValue v = hook("begin", 0, NULL);
    if (JS_IsException(v) || settle() < 0) {
        report();
        fail("the tool cannot be loaded");
    }
    JS_FreeValue(context, v);
    JSValueConst none[1] = {JS_UNDEFINED};
    v = hook("begun", 1, none);
    if (JS_IsException(v)) {
        report();
        fail("the tool cannot be loaded");
    }
    JS_FreeValue(context, v);
    JS_RunGC(runtime);
    spare = malloc(SPARE_BYTES);
    initialised = 1;
}

/* Attack: two runs that draw the same numbers, because both began with the state of the image. */
static void reseed(void) {
    uint64_t seed = 0;
    if (__wasi_random_get((uint8_t *)&seed, sizeof seed) != 0)
        fail("the host gives no random numbers");
    engine_reseed(context, seed);
}

static _Noreturn void last_words(void) {
    static const char memory_words[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"The tool ran out of memory.\"}],\"isError\":true}}\n";
    static const char other_words[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32603,\"message\":\"the tool broke the JavaScript layer\"}}\n";
    free(spare);
    spare = NULL;
    if (short_of_memory)
        say(1, memory_words, sizeof memory_words - 1);
    else {
        report();
        say(1, other_words, sizeof other_words - 1);
    }
    __wasi_proc_exit(0);
}

int main(void) { /* what _start of the C library calls */
    if (!initialised)
        fail("this is a layer: it runs a tool only after mpp_initialize has loaded one");
    /* The C library would go on with the folders that were there while the tool was loaded: none. It looks again when it is asked for one. */
    __wasilibc_reset_preopens();
    size_t size;
    char *line = read_all(LINE_BYTES_MAX, &size);
    JS_UpdateStackTop(runtime);
    reseed();
    /* A line that is no UTF-8 is given as null: the tool answers that, as it answers what is no JSON. */
    JSValueConst args[1] = {text_of(context, (uint8_t *)line, size, 1)};
    if (JS_IsException(args[0])) {
        JS_FreeValue(context, JS_GetException(context));
        args[0] = JS_NULL;
    }
    free(line);
    short_of_memory = 0;
    JSValue v = hook("answer", 1, args);
    if (JS_IsException(v) || settle() < 0)
        last_words();
    JSValueConst none[1] = {JS_UNDEFINED};
    v = hook("reply", 0, none);
    const char *reply = JS_IsString(v) ? JS_ToCStringLen(context, &size, v) : NULL;
    if (!reply)
        last_words();
    mend((uint8_t *)reply, size);
    say(1, reply, size);
    say(1, "\n", 1);
    __wasi_proc_exit(0);
}
