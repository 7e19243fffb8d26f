/* QuickJS, as it was published, and the two things inside of it that a layer must reach. */

#define EMSCRIPTEN 1         /* a system without threads: no Atomics, no computed jumps */
#define CONFIG_STACK_CHECK 1 /* which it would switch off with them */
#include "quickjs.c"

#include "engine.h"

void engine_reseed(JSContext *context, uint64_t seed) { context->random_state = seed ? seed : 1; }

int engine_set_exports(JSContext *c, JSModuleDef *m, JSValueConst values) {
    for (int i = 0; i < m->export_entries_count; i++) {
        JSAtom name = m->export_entries[i].export_name;
        JSValue v = JS_GetProperty(c, values, name);
        const char *s = JS_AtomToCString(c, name);
        int bad = JS_IsException(v) || !s || JS_SetModuleExport(c, m, s, v) < 0;
        JS_FreeCString(c, s);
        if (bad)
            return -1;
    }
    return 0;
}
