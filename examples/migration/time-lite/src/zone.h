/* zone.h - time zones, out of the files of the system's time zone database (RFC 9636). */
#ifndef ZONE_H
#define ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t offset; /* seconds east of Greenwich */
    bool is_dst;
} zone_state;

typedef struct {
    int year, month, day, hour, minute, second, weekday; /* weekday 0: Sunday */
} civil;

typedef struct zone zone;

/* NULL where there is no zone of that name, or its file is not as it must be. */
zone *zone_open(const char *name, size_t size);

/* What holds at a moment, in seconds since 1970. */
zone_state zone_at(const zone *in, int64_t moment);

/* The moment at which clocks there show this; of two, the first; of none, as before the clocks were put forward. */
int64_t zone_moment(const zone *in, int64_t shown);

civil civil_of(int64_t seconds);
int64_t seconds_of(int year, int month, int day);

#endif
