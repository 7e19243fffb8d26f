// {{name}}: an MPP tool in C++. Everything that is special about this tool is in this file.
//
// The manifest describes the tool `greet` to agents and hosts; the function greet() below does it. To add a tool: describe
// it under "tool_definitions" in manifest.json, write its function, list it in main().
#define MPP_IMPLEMENTATION // in this one file: the adapter itself
#include "mpp.hpp"

// Greets the person whose name is in the optional argument "name".
static void greet(mpp::Call &call)
{
    // The host has checked the arguments against "parameters" of the manifest. A tool still reads them with care: it may be
    // started by something else than a careful host.
    std::string name = call.text("name", "World");

    // A tool that cannot do what it was asked for says why, in words that help the caller.
    if (name.empty())
        return call.fail("the argument 'name' is empty: leave it out, or give a name");

    std::string greeting = "Hello, " + name + "!";
    call.say(greeting);             // what a person or a model reads
    call.put("greeting", greeting); // what programs read: as in "returns"
}

// The tools of this package, with the names that the manifest gives them.
int main()
{
    return mpp::serve({{"greet", greet}});
}
