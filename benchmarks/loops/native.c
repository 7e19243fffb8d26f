/* The loop as a program of this machine: reads how often from its argument, prints the nanoseconds that it took, and the sum. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    long long n = argc > 1 ? atoll(argv[1]) : 0;
    uint32_t x = 2463534242u, sum = 0;
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (long long i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        sum += x & 255;
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%lld %u\n", (to.tv_sec - from.tv_sec) * 1000000000LL + (to.tv_nsec - from.tv_nsec), sum);
    return 0;
}
