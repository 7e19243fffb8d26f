/* conformance-live: tools that say something while they run. */
#include "fixture.h"

static void logging(const mpp_call *call, mpp_reply *reply)
{
    (void)call;
    fixture_log("info", "Tool execution started");
    fixture_pause(50);
    fixture_log("info", "Tool processing data");
    fixture_pause(50);
    fixture_log("info", "Tool execution completed");
    mpp_say(reply, mpp_c("Tool with logging executed successfully"));
}

static void progress(const mpp_call *call, mpp_reply *reply)
{
    (void)call;
    fixture_progress(0, 100);
    fixture_pause(50);
    fixture_progress(50, 100);
    fixture_pause(50);
    fixture_progress(100, 100);
    mpp_say(reply, mpp_c("Tool with progress executed successfully"));
}

static void one_log_line(const mpp_call *call, mpp_reply *reply)
{
    (void)call;
    fixture_log("info", "A line of the log");
    mpp_say(reply, mpp_c("logged"));
}

static void slow(const mpp_call *call, mpp_reply *reply)
{
    fixture_pause((int)mpp_integer_or(call, reply, "milliseconds", 100));
    mpp_say(reply, mpp_c("waited"));
}

static const mpp_tool tools[] = {
    {"test_tool_with_logging", logging},
    {"test_tool_with_progress", progress},
    {"test_logging_tool", one_log_line},
    {"test_slow_tool", slow},
};

int main(void)
{
    return mpp_main(tools, sizeof tools / sizeof tools[0]);
}
