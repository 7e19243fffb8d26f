/* conformance-content: one tool for each kind of content. The official suite calls them by these names. */
#include "fixture.h"

#define PIXEL                                                                                                                            \
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC" /* one red point */
#define SILENCE "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQIAAAAAAA==" /* one sample of nothing */

static void simple_text(const mpp_call *call, mpp_reply *reply)
{
    (void)call;
    mpp_say(reply, mpp_c("This is a simple text response for testing."));
}

static void image(const mpp_call *call, mpp_reply *reply)
{
    (void)call, (void)reply;
    fixture_answer("{\"content\":[{\"type\":\"image\",\"data\":\"" PIXEL "\",\"mimeType\":\"image/png\"}]}");
}

static void audio(const mpp_call *call, mpp_reply *reply)
{
    (void)call, (void)reply;
    fixture_answer("{\"content\":[{\"type\":\"audio\",\"data\":\"" SILENCE "\",\"mimeType\":\"audio/wav\"}]}");
}

static void embedded_resource(const mpp_call *call, mpp_reply *reply)
{
    (void)call, (void)reply;
    fixture_answer("{\"content\":[{\"type\":\"resource\",\"resource\":{\"uri\":\"test://embedded-resource\",\"mimeType\":\"text/plain\","
                   "\"text\":\"This is an embedded resource content.\"}}]}");
}

static void several_kinds(const mpp_call *call, mpp_reply *reply)
{
    (void)call, (void)reply;
    fixture_answer("{\"content\":[{\"type\":\"text\",\"text\":\"Multiple content types test:\"},"
                   "{\"type\":\"image\",\"data\":\"" PIXEL "\",\"mimeType\":\"image/png\"},"
                   "{\"type\":\"resource\",\"resource\":{\"uri\":\"test://mixed-content-resource\",\"mimeType\":\"application/json\","
                   "\"text\":\"{\\\"test\\\":\\\"data\\\",\\\"value\\\":123}\"}}]}");
}

static void error_handling(const mpp_call *call, mpp_reply *reply)
{
    (void)call;
    mpp_fail(reply, mpp_c("This tool intentionally returns an error for testing"));
}

static void in_header(const mpp_call *call, mpp_reply *reply)
{
    const mpp_text parts[] = {mpp_c("region: "), mpp_text_or(call, reply, "region", "")};
    mpp_say(reply, mpp_join(reply, parts, sizeof parts / sizeof parts[0]));
}

static void whole_schema(const mpp_call *call, mpp_reply *reply)
{
    const mpp_text parts[] = {mpp_c("name: "), mpp_text_or(call, reply, "name", "none")};
    mpp_say(reply, mpp_join(reply, parts, sizeof parts / sizeof parts[0]));
}

static void add(const mpp_call *call, mpp_reply *reply)
{
    double a = 0, b = 0;
    mpp_as_number(mpp_find(call->arguments, "a"), &a);
    mpp_as_number(mpp_find(call->arguments, "b"), &b);
    mpp_say(reply, mpp_c("the sum is in structuredContent"));
    mpp_put_number(reply, "sum", a + b);
}

static const mpp_tool tools[] = {
    {"test_simple_text", simple_text},
    {"test_image_content", image},
    {"test_audio_content", audio},
    {"test_embedded_resource", embedded_resource},
    {"test_multiple_content_types", several_kinds},
    {"test_error_handling", error_handling},
    {"test_x_mcp_header", in_header},
    {"json_schema_2020_12_tool", whole_schema},
    {"add", add},
};

int main(void)
{
    return mpp_main(tools, sizeof tools / sizeof tools[0]);
}
