/* Compiles the modules of the standard library to bytecode, inside of WebAssembly: no Python of this version is needed on the machine that builds.

   Reads /shop/list, lines of NAME TAB FILE; writes their bytecode, back to back, to /shop/frozen.bin, and lines of NAME SPACE BYTES to /shop/frozen.txt.
   The interpreter runs without its own standard library, which does not exist yet. */
#include <Python.h>
#include "pycore_import.h"
#include "pycore_initconfig.h"
#include "pycore_pathconfig.h"
#include <marshal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES_MAX 1024

static const struct _module_alias aliases[] = {{0, 0}};
const struct _frozen *_PyImport_FrozenBootstrap;
const struct _frozen *_PyImport_FrozenStdlib;
const struct _frozen *_PyImport_FrozenTest;
const struct _frozen *PyImport_FrozenModules;
const struct _module_alias *_PyImport_FrozenAliases = aliases;

PyStatus _PyConfig_InitPathConfig(PyConfig *config, int compute_path_config) {
    (void)config;
    (void)compute_path_config;
    return PyStatus_Ok();
}

static _Noreturn void stop(const char *what, const char *name) {
    fprintf(stderr, "%s: %s\n", name, what);
    if (PyErr_Occurred()) PyErr_Print();
    fflush(stderr);
    _Exit(1);
}

static char *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) stop("cannot be read", path);
    long size = ftell(file);
    char *text = malloc((size_t)size + 1);
    rewind(file);
    if (text == NULL || fread(text, 1, (size_t)size, file) != (size_t)size) stop("cannot be read", path);
    text[size] = 0;
    fclose(file);
    return text;
}

static void start(void) {
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.site_import = 0;
    config.use_hash_seed = 1;
    config.hash_seed = 0;
    config._install_importlib = 0;
    config._init_main = 0;
    PyStatus status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) stop(status.err_msg, "starting");
}

static void freeze(const char *name, const char *path, FILE *code, FILE *list) {
    char shown[LINE_BYTES_MAX + 16];
    char *text = read_file(path);
    snprintf(shown, sizeof shown, "<frozen %s>", name);
    PyCompilerFlags flags = _PyCompilerFlags_INIT;
    flags.cf_flags = PyCF_IGNORE_COOKIE;
    PyObject *compiled = Py_CompileStringExFlags(text, shown, Py_file_input, &flags, 0);
    PyObject *bytes = compiled != NULL ? PyMarshal_WriteObjectToString(compiled, Py_MARSHAL_VERSION) : NULL;
    if (bytes == NULL) stop("does not compile", name);
    size_t size = (size_t)PyBytes_GET_SIZE(bytes);
    if (fwrite(PyBytes_AS_STRING(bytes), 1, size, code) != size || fprintf(list, "%s %zu\n", name, size) < 0) stop("cannot be written", name);
    Py_DECREF(bytes);
    Py_DECREF(compiled);
    free(text);
}

int main(void) {
    char line[LINE_BYTES_MAX];
    FILE *names = fopen("/shop/list", "r"), *code = fopen("/shop/frozen.bin", "wb"), *list = fopen("/shop/frozen.txt", "w");
    if (names == NULL || code == NULL || list == NULL) stop("cannot be opened", "/shop");
    start();
    while (fgets(line, sizeof line, names) != NULL) {
        line[strcspn(line, "\n")] = 0;
        char *path = strchr(line, '\t');
        if (path == NULL) stop("no line of NAME TAB FILE", line);
        *path++ = 0;
        freeze(line, path, code, list);
    }
    if (fclose(code) != 0 || fclose(list) != 0) stop("cannot be written", "/shop");
    return 0;
}
