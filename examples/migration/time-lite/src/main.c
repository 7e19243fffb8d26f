/* time-lite: the reference server "time", as a package. It reads the system's time zone database. */
#include "ported.h"
#include "zone.h"

#include <stdio.h>
#include <time.h>

static const char *const weekdays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

/* A moment as one place shows it: `text` gets it as JSON with this much space before it, and the reply as fields. */
static void put_moment(ported_text *text, mpp_reply *reply, const char *space, mpp_text name, const zone *in, int64_t moment)
{
    char written[96];
    zone_state state = zone_at(in, moment);
    civil at = civil_of(moment + state.offset);
    long minutes = (long)(state.offset < 0 ? -state.offset : state.offset) / 60;
    snprintf(written, sizeof written, "%04d-%02d-%02dT%02d:%02d:%02d%c%02ld:%02ld", at.year, at.month, at.day, at.hour, at.minute, at.second,
             state.offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
    const struct {
        const char *key;
        mpp_text value;
    } fields[] = {{"timezone", name}, {"datetime", mpp_c(written)}, {"day_of_week", mpp_c(weekdays[at.weekday])}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        ported_add_c(text, space);
        ported_add_json(text, mpp_c(fields[i].key));
        ported_add_c(text, ": ");
        ported_add_json(text, fields[i].value);
        ported_add_c(text, ",\n");
        mpp_put_text(reply, fields[i].key, fields[i].value);
    }
    ported_add_c(text, space);
    ported_add_c(text, state.is_dst ? "\"is_dst\": true\n" : "\"is_dst\": false\n");
    mpp_put_boolean(reply, "is_dst", state.is_dst);
}

static zone *zone_of(const mpp_call *call, mpp_reply *reply, const char *key, mpp_text *name)
{
    *name = mpp_text_or(call, reply, key, "");
    zone *found = zone_open(name->at, name->size);
    if (found == NULL)
        ported_fail(reply, "Invalid timezone: 'No time zone found with key ", *name, "'");
    return found;
}

static void get_current_time(const mpp_call *call, mpp_reply *reply)
{
    mpp_text name;
    ported_text text = {0};
    zone *in = zone_of(call, reply, "timezone", &name);
    if (in == NULL)
        return;
    ported_add_c(&text, "{\n");
    put_moment(&text, reply, "  ", name, in, time(NULL));
    ported_add_c(&text, "}");
    mpp_say(reply, ported_view(&text));
}

/* HH:MM; false for anything else. */
static bool read_time(mpp_text text, int *hour, int *minute)
{
    int parts[2] = {0, 0}, digits[2] = {0, 0}, part = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] == ':' && part == 0) {
            part = 1;
        } else if (text.at[i] >= '0' && text.at[i] <= '9' && digits[part] < 2) {
            parts[part] = 10 * parts[part] + (text.at[i] - '0');
            digits[part]++;
        } else {
            return false;
        }
    }
    *hour = parts[0];
    *minute = parts[1];
    return digits[0] > 0 && digits[1] > 0 && *hour < 24 && *minute < 60;
}

/* Hours with one digit after the point where they are whole, else with as few as there are of two. */
static void add_difference(char *out, size_t room, int64_t seconds)
{
    double hours = (double)seconds / 3600;
    int size = snprintf(out, room, seconds % 3600 == 0 ? "%+.1f" : "%+.2f", hours);
    if (seconds % 3600 != 0 && out[size - 1] == '0')
        size--;
    snprintf(out + size, room - (size_t)size, "h");
}

static void convert_time(const mpp_call *call, mpp_reply *reply)
{
    mpp_text from_name, to_name;
    ported_text text = {0};
    int hour, minute;
    char difference[24];
    zone *from = zone_of(call, reply, "source_timezone", &from_name);
    zone *to = from == NULL ? NULL : zone_of(call, reply, "target_timezone", &to_name);
    if (to == NULL)
        return;
    if (!read_time(mpp_text_or(call, reply, "time", ""), &hour, &minute)) {
        mpp_fail(reply, mpp_c("Invalid time format. Expected HH:MM [24-hour format]"));
        return;
    }
    /* Today, as it is there. */
    int64_t now = time(NULL);
    civil today = civil_of(now + zone_at(from, now).offset);
    int64_t moment = zone_moment(from, seconds_of(today.year, today.month, today.day) + hour * 3600 + minute * 60);
    ported_add_c(&text, "{\n  \"source\": {\n");
    mpp_open_object(reply, "source");
    put_moment(&text, reply, "    ", from_name, from, moment);
    mpp_close(reply);
    ported_add_c(&text, "  },\n  \"target\": {\n");
    mpp_open_object(reply, "target");
    put_moment(&text, reply, "    ", to_name, to, moment);
    mpp_close(reply);
    add_difference(difference, sizeof difference, zone_at(to, moment).offset - zone_at(from, moment).offset);
    ported_add_c(&text, "  },\n  \"time_difference\": ");
    ported_add_json(&text, mpp_c(difference));
    ported_add_c(&text, "\n}");
    mpp_put_text(reply, "time_difference", mpp_c(difference));
    mpp_say(reply, ported_view(&text));
}

static const mpp_tool tools[] = {
    {"get_current_time", get_current_time},
    {"convert_time", convert_time},
};

int main(void)
{
    return mpp_main(tools, sizeof tools / sizeof tools[0]);
}
