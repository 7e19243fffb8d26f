#define MPP_IMPLEMENTATION
#include "mpp.hpp"

static void loop(mpp::Call &call)
{
    int64_t n = call.integer("n");
    uint32_t x = 2463534242u, sum = 0;
    for (int64_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        sum += x & 255;
    }
    call.put("sum", static_cast<int64_t>(sum));
}

int main()
{
    return mpp::serve({{"loop", loop}});
}
