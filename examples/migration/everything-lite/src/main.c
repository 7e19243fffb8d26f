/* everything-lite: four tools of the reference server "everything", as a package. */
#include "picture.h"
#include "ported.h"

#include <string.h>

static void echo(const mpp_call *call, mpp_reply *reply)
{
    const mpp_text parts[] = {mpp_c("Echo: "), mpp_text_or(call, reply, "message", "")};
    mpp_say(reply, mpp_join(reply, parts, sizeof parts / sizeof parts[0]));
}

static void get_sum(const mpp_call *call, mpp_reply *reply)
{
    double a, b;
    ported_text said = {0};
    if (!mpp_as_number(mpp_find(call->arguments, "a"), &a) || !mpp_as_number(mpp_find(call->arguments, "b"), &b)) {
        mpp_fail(reply, mpp_c("'a' and 'b' must be numbers"));
        return;
    }
    ported_add_c(&said, "The sum of ");
    ported_add_number(&said, a);
    ported_add_c(&said, " and ");
    ported_add_number(&said, b);
    ported_add_c(&said, " is ");
    ported_add_number(&said, a + b);
    ported_add_c(&said, ".");
    mpp_say(reply, ported_view(&said));
}

static const struct {
    const char *place, *conditions;
    int temperature, humidity;
} weather[] = {
    {"New York", "Cloudy", 33, 82},
    {"Chicago", "Light rain / drizzle", 36, 82},
    {"Los Angeles", "Sunny / Clear", 73, 48},
};

static void get_structured_content(const mpp_call *call, mpp_reply *reply)
{
    mpp_text place = mpp_text_or(call, reply, "location", "");
    for (size_t i = 0; i < sizeof weather / sizeof weather[0]; i++) {
        ported_text said = {0};
        if (place.size != strlen(weather[i].place) || memcmp(place.at, weather[i].place, place.size) != 0)
            continue;
        ported_add_c(&said, "{\"temperature\":");
        ported_add_number(&said, weather[i].temperature);
        ported_add_c(&said, ",\"conditions\":");
        ported_add_json(&said, mpp_c(weather[i].conditions));
        ported_add_c(&said, ",\"humidity\":");
        ported_add_number(&said, weather[i].humidity);
        ported_add_c(&said, "}");
        mpp_say(reply, ported_view(&said));
        mpp_put_integer(reply, "temperature", weather[i].temperature);
        mpp_put_text(reply, "conditions", mpp_c(weather[i].conditions));
        mpp_put_integer(reply, "humidity", weather[i].humidity);
        return;
    }
    mpp_fail(reply, mpp_c("'location' must be New York, Chicago or Los Angeles"));
}

static void get_tiny_image(const mpp_call *call, mpp_reply *reply)
{
    ported_text content = {0};
    (void)call;
    (void)reply;
    ported_add_c(&content, "{\"type\":\"text\",\"text\":\"Here's the image you requested:\"},");
    ported_add_c(&content, "{\"type\":\"image\",\"data\":\"" PICTURE "\",\"mimeType\":\"image/png\"},");
    ported_add_c(&content, "{\"type\":\"text\",\"text\":\"The image above is the MCP logo.\"}");
    ported_answer(&content);
}

static const mpp_tool tools[] = {
    {"echo", echo},
    {"get-sum", get_sum},
    {"get-structured-content", get_structured_content},
    {"get-tiny-image", get_tiny_image},
};

int main(void)
{
    return mpp_main(tools, sizeof tools / sizeof tools[0]);
}
