#include "quickjs.h"

/* Where Math.random goes on from. */
void engine_reseed(JSContext *context, uint64_t seed);

/* Give each export of a module of values the property of ``values`` with its name; -1 with an exception. */
int engine_set_exports(JSContext *context, JSModuleDef *module, JSValueConst values);
