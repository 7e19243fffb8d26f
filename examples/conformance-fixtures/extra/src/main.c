/* conformance-extra: a tool that is there or not. */
#include "mpp.h"

static void extra(const mpp_call *call, mpp_reply *reply)
{
    (void)call;
    mpp_say(reply, mpp_c("here"));
}

static const mpp_tool tools[] = {
    {"extra_tool", extra},
};

int main(void)
{
    return mpp_main(tools, sizeof tools / sizeof tools[0]);
}
