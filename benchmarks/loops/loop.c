#include "mpp.h"

static void loop(const mpp_call *call, mpp_reply *reply)
{
    int64_t n = mpp_integer_or(call, reply, "n", 0);
    uint32_t x = 2463534242u, sum = 0;
    for (int64_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        sum += x & 255;
    }
    mpp_put_integer(reply, "sum", sum);
}

static const mpp_tool tools[] = {{"loop", loop}};

int main(void)
{
    return mpp_main(tools, 1);
}
