/* zone.c - see zone.h. A file is read as hostile: every length is checked before it is used. */
#include "zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "/usr/share/zoneinfo/"
#define NAME_MAX_BYTES 100u
#define FILE_BYTES_MAX 65536u
#define DAY 86400

/* When clocks are put forward or back, as the last line of a file says it: a weekday of a week of a month, and a time. */
typedef struct {
    int month, week, weekday;
    int64_t time;
} rule;

struct zone {
    unsigned char data[FILE_BYTES_MAX];
    size_t size;
    const unsigned char *times, *indexes, *types; /* of the 64-bit part */
    size_t time_count, type_count;
    bool has_rule, has_dst; /* of the last line, for what comes after the last change */
    zone_state standard, summer;
    rule begins, ends;
};

/* ---- Days -------------------------------------------------------------------------------------------- */

int64_t seconds_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year, era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return (era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468) * DAY;
}

civil civil_of(int64_t seconds)
{
    civil out;
    int64_t days = seconds / DAY, rest = seconds % DAY;
    if (rest < 0) {
        rest += DAY;
        days--;
    }
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    out.day = (int)(of_year - (153 * month + 2) / 5 + 1);
    out.month = (int)(month < 10 ? month + 3 : month - 9);
    out.year = (int)(year + era * 400 + (out.month <= 2));
    out.hour = (int)(rest / 3600);
    out.minute = (int)(rest % 3600 / 60);
    out.second = (int)(rest % 60);
    out.weekday = (int)(((days + 4) % 7 + 7) % 7);
    return out;
}

/* ---- The last line, such as EST5EDT,M3.2.0,M11.1.0 ------------------------------------------------------ */

static bool skip_name(const char **at)
{
    const char *start = *at;
    if (**at == '<') {
        while (**at != '\0' && **at != '>')
            ++*at;
        return *(*at)++ == '>';
    }
    while ((**at >= 'A' && **at <= 'Z') || (**at >= 'a' && **at <= 'z'))
        ++*at;
    return *at > start;
}

static bool read_number(const char **at, int64_t most, int64_t *number)
{
    const char *start = *at;
    *number = 0;
    while (**at >= '0' && **at <= '9' && *number <= most)
        *number = 10 * *number + (*(*at)++ - '0');
    return *at > start && *number <= most;
}

/* h, h:m or h:m:s, perhaps with a sign. */
static bool read_time(const char **at, int64_t *seconds)
{
    int64_t sign = **at == '-' ? -1 : 1, part = 0;
    if (**at == '-' || **at == '+')
        ++*at;
    if (!read_number(at, 167, seconds))
        return false;
    *seconds *= 3600;
    for (int64_t unit = 60; **at == ':' && unit > 0; unit /= 60) {
        ++*at;
        if (!read_number(at, 59, &part))
            return false;
        *seconds += part * unit;
    }
    *seconds *= sign;
    return true;
}

static bool read_rule(const char **at, rule *out)
{
    int64_t month, week, weekday;
    if (strncmp(*at, ",M", 2) != 0)
        return false;
    *at += 2;
    if (!read_number(at, 12, &month) || *(*at)++ != '.' || !read_number(at, 5, &week) || *(*at)++ != '.' || !read_number(at, 6, &weekday))
        return false;
    *out = (rule){(int)month, (int)week, (int)weekday, 2 * 3600};
    if (**at == '/') {
        ++*at;
        return read_time(at, &out->time);
    }
    return month > 0 && week > 0;
}

static void read_last_line(zone *out, const char *at)
{
    int64_t west;
    if (!skip_name(&at) || !read_time(&at, &west))
        return;
    out->standard = (zone_state){-west, false};
    out->has_rule = *at == '\0';
    if (out->has_rule || !skip_name(&at))
        return;
    out->summer = (zone_state){3600 - west, true};
    if (*at != ',') {
        if (!read_time(&at, &west))
            return;
        out->summer.offset = -west;
    }
    out->has_rule = out->has_dst = read_rule(&at, &out->begins) && read_rule(&at, &out->ends) && *at == '\0';
}

/* When the rule falls in a year, on the clocks of that place. */
static int64_t falls(const rule *one, int year)
{
    int64_t first = seconds_of(year, one->month, 1);
    int64_t next = one->month == 12 ? seconds_of(year + 1, 1, 1) : seconds_of(year, one->month + 1, 1);
    int64_t day = first + (one->weekday - civil_of(first).weekday + 7) % 7 * (int64_t)DAY + (one->week - 1) * 7 * (int64_t)DAY;
    while (day >= next)
        day -= 7 * DAY;
    return day + one->time;
}

static zone_state by_rule(const zone *in, int64_t moment)
{
    if (!in->has_dst)
        return in->standard;
    int year = civil_of(moment + in->standard.offset).year;
    int64_t from = falls(&in->begins, year) - in->standard.offset, to = falls(&in->ends, year) - in->summer.offset;
    bool is_summer = from < to ? moment >= from && moment < to : moment >= from || moment < to;
    return is_summer ? in->summer : in->standard;
}

/* ---- The file ---------------------------------------------------------------------------------------- */

static int64_t big_endian(const unsigned char *at, unsigned size)
{
    uint64_t number = size == 4 && at[0] & 0x80 ? UINT64_MAX : 0;
    for (unsigned i = 0; i < size; i++)
        number = number << 8 | at[i];
    return (int64_t)number;
}

/* The size of one part, after its header of 44 bytes, whose times have `width` bytes; 0 where it does not fit. */
static size_t part_size(const unsigned char *head, size_t left, unsigned width)
{
    size_t counts[6], size = 44;
    if (left < 44 || memcmp(head, "TZif", 4) != 0)
        return 0;
    for (unsigned i = 0; i < 6; i++) {
        counts[i] = (size_t)big_endian(head + 20 + 4 * i, 4);
        if (counts[i] > FILE_BYTES_MAX)
            return 0;
    }
    /* In the header: UT indicators, standard indicators, leap seconds, times, types, letters. */
    size += counts[3] * width + counts[3] + counts[4] * 6 + counts[5] + counts[2] * (width + 4) + counts[1] + counts[0];
    return size <= left && counts[4] > 0 ? size : 0;
}

static bool parse(zone *out)
{
    size_t first = part_size(out->data, out->size, 4), second;
    if (first == 0 || out->data[4] < '2')
        return false;
    const unsigned char *head = out->data + first;
    second = part_size(head, out->size - first, 8);
    if (second == 0)
        return false;
    out->time_count = (size_t)big_endian(head + 32, 4);
    out->type_count = (size_t)big_endian(head + 36, 4);
    out->times = head + 44;
    out->indexes = out->times + 8 * out->time_count;
    out->types = out->indexes + out->time_count;
    for (size_t i = 0; i < out->time_count; i++)
        if (out->indexes[i] >= out->type_count)
            return false;
    char *line = (char *)head + second, *end;
    out->data[out->size] = '\0';
    if (*line == '\n' && (end = strchr(line + 1, '\n')) != NULL) {
        *end = '\0';
        read_last_line(out, line + 1);
    }
    return true;
}

static bool is_name(const char *name, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+';
        if (!is_plain && (c != '/' || i == 0 || i + 1 == size || name[i - 1] == '/'))
            return false;
    }
    return size > 0 && size <= NAME_MAX_BYTES;
}

zone *zone_open(const char *name, size_t size)
{
    char path[sizeof FOLDER + NAME_MAX_BYTES];
    zone *out = calloc(1, sizeof *out);
    if (out == NULL || !is_name(name, size))
        return NULL;
    snprintf(path, sizeof path, FOLDER "%.*s", (int)size, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    out->size = fread(out->data, 1, sizeof out->data - 1, file);
    fclose(file);
    return parse(out) ? out : NULL;
}

static zone_state type_at(const zone *in, size_t index)
{
    const unsigned char *at = in->types + 6 * index;
    return (zone_state){big_endian(at, 4), at[4] != 0};
}

zone_state zone_at(const zone *in, int64_t moment)
{
    size_t low = 0, high = in->time_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (big_endian(in->times + 8 * middle, 8) <= moment)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == in->time_count && in->has_rule)
        return by_rule(in, moment);
    return type_at(in, low == 0 ? 0 : in->indexes[low - 1]);
}

int64_t zone_moment(const zone *in, int64_t shown)
{
    int64_t before = zone_at(in, shown - DAY).offset, after = zone_at(in, shown + DAY).offset;
    if (zone_at(in, shown - before).offset == before || zone_at(in, shown - after).offset != after)
        return shown - before;
    return shown - after;
}
