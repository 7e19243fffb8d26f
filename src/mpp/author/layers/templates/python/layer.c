/* The command of the Python layer: a CPython that is started once for each tool and then kept as an image of its memory.

   mpp_initialize: reads the bundle from standard input, starts the interpreter, loads the tool. The host keeps what memory then holds.
   _start:         runs one call in such an image. What belongs to the run (environment, folders, randomness) is read anew first.

   _start comes from the C library. In an image it runs the constructors a second time, over memory that has lived: there is one that matters,
   which reads the variables, and it shall. What another one says of that on standard error is thrown away (held). */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include "pycore_import.h"
#include "pycore_initconfig.h"
#include "pycore_pathconfig.h"
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOT_INITIALISED 70
#define BROKEN 70
#define HEADER_BYTES_MAX 64
#define BUNDLE_BYTES_MAX (512u << 20)
#define FIRST_ROOM 65536
#define CALL_ERROR (-(1 << 30))

extern void __wasm_call_ctors(void);
extern void __wasilibc_reset_preopens(void);
extern void __wasilibc_initialize_environ(void);
extern char **environ;
extern const struct _frozen mpp_bootstrap[], mpp_frozen[];
extern PyObject *PyInit_zlib(void), *PyInit__bz2(void), *PyInit__sqlite3(void);

__attribute__((import_module("mpp_host"), import_name("call"))) int32_t mpp_host_call(const void *request, uint32_t length, void *answer, uint32_t room);

/* All of the standard library is in this module; no file is read to start. */
static const struct _frozen none[] = {{0}};
static const struct _module_alias aliases[] = {{"_frozen_importlib", "importlib._bootstrap"}, {"_frozen_importlib_external", "importlib._bootstrap_external"}, {"os.path", "posixpath"}, {0}};
const struct _frozen *_PyImport_FrozenBootstrap = mpp_bootstrap;
const struct _frozen *_PyImport_FrozenStdlib = mpp_frozen;
const struct _frozen *_PyImport_FrozenTest = none;
const struct _frozen *PyImport_FrozenModules;
const struct _module_alias *_PyImport_FrozenAliases = aliases;

static PyObject *boot;
static char held[BUFSIZ];

static _Noreturn void stop(const char *why) {
    fprintf(stderr, "python layer: %s\n", why);
    if (PyErr_Occurred()) PyErr_Print();
    fflush(stderr);
    _Exit(BROKEN);
}

/* ---- the module _mpp ---- */

static PyObject *refuse(int32_t code) {
    static const char *const words[] = {"a span outside of memory", "the request is too long", "no answer is kept", "there is no host to call"};
    int32_t number = CALL_ERROR - code;
    PyErr_Format(PyExc_OSError, "host call: %s", number >= 1 && number <= 4 ? words[number - 1] : "unknown error");
    return NULL;
}

static PyObject *call(PyObject *self, PyObject *given) {
    Py_buffer request;
    (void)self;
    if (PyObject_GetBuffer(given, &request, PyBUF_SIMPLE) < 0) return NULL;
    PyObject *answer = PyBytes_FromStringAndSize(NULL, FIRST_ROOM);
    if (answer == NULL) {
        PyBuffer_Release(&request);
        return NULL;
    }
    int32_t size = mpp_host_call(request.buf, (uint32_t)request.len, PyBytes_AS_STRING(answer), FIRST_ROOM);
    PyBuffer_Release(&request);
    if (size < 0 && size >= CALL_ERROR) {
        /* The host keeps an answer that did not fit until it is fetched. */
        Py_DECREF(answer);
        Py_ssize_t room = -(Py_ssize_t)size;
        answer = PyBytes_FromStringAndSize(NULL, room);
        if (answer == NULL) return NULL;
        size = mpp_host_call(NULL, 0, PyBytes_AS_STRING(answer), (uint32_t)room);
    }
    if (size < 0 || size > PyBytes_GET_SIZE(answer)) {
        Py_DECREF(answer);
        return refuse(size);
    }
    if (_PyBytes_Resize(&answer, size) < 0) return NULL;
    return answer;
}

static PyObject *variables(PyObject *self, PyObject *unused) {
    PyObject *found = PyList_New(0);
    (void)self;
    (void)unused;
    for (char **one = environ; found != NULL && one != NULL && *one != NULL; one++) {
        PyObject *text = PyBytes_FromString(*one);
        if (text == NULL || PyList_Append(found, text) < 0) Py_CLEAR(found);
        Py_XDECREF(text);
    }
    return found;
}

static PyMethodDef methods[] = {
    {"call", call, METH_O, "call(request: bytes) -> bytes: one call to the host."},
    {"environ", variables, METH_NOARGS, "The variables of this run, as NAME=VALUE in bytes."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_mpp", "The way from the tool to its host.", 0, methods, NULL, NULL, NULL, NULL};

static PyObject *init_module(void) { return PyModuleDef_Init(&definition); }

/* ---- initialising ---- */

static char *read_all(size_t *size) {
    size_t room = 1 << 20, have = 0;
    char *bytes = malloc(room);
    for (;;) {
        if (bytes == NULL || have > BUNDLE_BYTES_MAX) stop("the bundle is too large");
        ssize_t more = read(0, bytes + have, room - have);
        if (more < 0) stop("the bundle cannot be read");
        if (more == 0) break;
        have += (size_t)more;
        if (have == room) bytes = realloc(bytes, room *= 2);
    }
    *size = have;
    return bytes;
}

static uint32_t read_seed(const char *bundle, size_t size) {
    char line[HEADER_BYTES_MAX + 1] = {0};
    unsigned seed = 0;
    memcpy(line, bundle, size < HEADER_BYTES_MAX ? size : HEADER_BYTES_MAX);
    if (sscanf(line, "MPPB1 %8x ", &seed) != 1) stop("standard input is no bundle");
    return seed;
}

/* Takes the place of CPython's search for its own files: there are none, and start() says all that it would find. */
PyStatus _PyConfig_InitPathConfig(PyConfig *config, int compute_path_config) {
    (void)config;
    (void)compute_path_config;
    return PyStatus_Ok();
}

static void add(const char *name, PyObject *(*init)(void)) {
    if (PyImport_AppendInittab(name, init) < 0) stop("no memory");
}

static void start(uint32_t seed) {
    PyConfig config;
    add("_mpp", init_module);
    add("zlib", PyInit_zlib);
    add("_bz2", PyInit__bz2);
    add("_sqlite3", PyInit__sqlite3);
    PyPreConfig before;
    PyPreConfig_InitIsolatedConfig(&before);
    before.utf8_mode = 1;
    PyStatus status = Py_PreInitialize(&before);
    if (PyStatus_Exception(status)) stop(status.err_msg);
    PyConfig_InitIsolatedConfig(&config);
    config.site_import = 0;
    config.write_bytecode = 0;
    config.install_signal_handlers = 0;
    config.use_hash_seed = 1;
    config.hash_seed = seed;
    config.pathconfig_warnings = 0;
    config.buffered_stdio = 1;
    config.module_search_paths_set = 1;
    config.use_frozen_modules = 1;
    config.parse_argv = 0;
    PyConfig_SetString(&config, &config.program_name, L"tool");
    PyConfig_SetString(&config, &config.executable, L"");
    PyConfig_SetString(&config, &config.platlibdir, L"lib");
    wchar_t **const places[] = {&config.home, &config.stdlib_dir, &config.prefix, &config.base_prefix, &config.exec_prefix, &config.base_exec_prefix};
    for (size_t at = 0; at < sizeof places / sizeof *places; at++) PyConfig_SetString(&config, places[at], L"/python");
    wchar_t name[] = L"tool", *words[] = {name};
    PyConfig_SetArgv(&config, 1, words);
    status = Py_InitializeFromConfig(&config);
    if (PyStatus_Exception(status)) stop(status.err_msg);
    PyConfig_Clear(&config);
}

static void follow(const char *name, PyObject *argument) {
    PyObject *done = argument != NULL ? PyObject_CallMethod(boot, name, "O", argument) : PyObject_CallMethod(boot, name, NULL);
    if (done == NULL) stop(name);
    Py_DECREF(done);
}

__attribute__((export_name("mpp_initialize"))) void mpp_initialize(void) {
    size_t size;
    __wasm_call_ctors();
    char *bundle = read_all(&size);
    start(read_seed(bundle, size));
    PyObject *bytes = PyBytes_FromStringAndSize(bundle, (Py_ssize_t)size);
    free(bundle);
    PyObject *module = bytes != NULL ? PyImport_ImportModule("_mpp_boot") : NULL;
    if (module == NULL) stop("the layer is broken");
    boot = module;
    follow("initialise", bytes);
    Py_DECREF(bytes);
    fflush(stderr);
    setvbuf(stderr, held, _IOFBF, sizeof held);
}

/* ---- one call ---- */

int main(void) {
    __fpurge(stderr);
    setvbuf(stderr, NULL, _IONBF, 0);
    if (boot == NULL) {
        static const char words[] = "python layer: not initialised: a host runs this module from an image that mpp_initialize made\n";
        (void)!write(2, words, sizeof words - 1);
        _Exit(NOT_INITIALISED);
    }
    /* What the image remembers of folders and variables is what initialising saw: nothing. */
    __wasilibc_reset_preopens();
    __wasilibc_initialize_environ();
    PyObject *done = PyObject_CallMethod(boot, "run", NULL);
    if (done == NULL) stop("the call could not be run");
    _Exit((int)PyLong_AsLong(done) & 0xff);
}
