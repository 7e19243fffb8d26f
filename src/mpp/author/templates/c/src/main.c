/* {{name}}: an MPP tool in C. Everything that is special about this tool is in this file.
 *
 * The manifest describes the tool `greet` to agents and hosts; the function greet() below does it.
 * To add a tool: describe it under "tool_definitions" in manifest.json, write its function, list it
 * in `tools`. The adapter (mpp.h, mpp.c) speaks JSON-RPC with the host; you need not change it.
 */
#include "mpp.h"

/* Greets the person whose name is in the optional argument "name". */
static void greet(const mpp_call *call, mpp_reply *reply)
{
    /* The host has checked the arguments against "parameters" of the manifest. A tool still
     * reads them with care: it may be started by something else than a careful host. */
    mpp_text name = mpp_text_or(call, reply, "name", "World");

    /* A tool that cannot do what it was asked for says why, in words that help the caller. */
    if (name.size == 0) {
        mpp_fail(reply, mpp_c("the argument 'name' is empty: leave it out, or give a name"));
        return;
    }

    const mpp_text parts[] = {mpp_c("Hello, "), name, mpp_c("!")};
    mpp_text greeting = mpp_join(reply, parts, sizeof parts / sizeof parts[0]);

    mpp_say(reply, greeting);                  /* what a person or a model reads */
    mpp_put_text(reply, "greeting", greeting); /* what programs read: as in "returns" */
}

/* The tools of this package, with the names that the manifest gives them. */
static const mpp_tool tools[] = {
    {"greet", greet},
};

int main(void)
{
    return mpp_main(tools, sizeof tools / sizeof tools[0]);
}
