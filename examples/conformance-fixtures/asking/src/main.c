/* conformance-asking: tools that need more than they were given. A tool keeps nothing between two calls: what was answered before comes
 * back as arguments, by the names of the questions, and so do the answers of earlier rounds. */
#include "fixture.h"

#define FORM(message, properties, required)                                                                                              \
    "{\"method\":\"elicitation/create\",\"params\":{\"message\":" message ",\"requestedSchema\":{\"type\":\"object\",\"properties\":{"      \
    properties "},\"required\":[" required "]}}}"
#define MODEL(text, tokens)                                                                                                              \
    "{\"method\":\"sampling/createMessage\",\"params\":{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":" text      \
    "}}],\"maxTokens\":" tokens "}}"
#define ROOTS "{\"method\":\"roots/list\",\"params\":{}}"
#define NAME FORM("\"What is your name?\"", "\"name\":{\"type\":\"string\"}", "\"name\"")
#define CONFIRM FORM("\"Please confirm\"", "\"ok\":{\"type\":\"boolean\"}", "\"ok\"")

static void say2(mpp_reply *reply, const char *before, mpp_text text, const char *after)
{
    const mpp_text parts[] = {mpp_c(before), text, mpp_c(after)};
    mpp_say(reply, mpp_join(reply, parts, sizeof parts / sizeof parts[0]));
}

/* Whether the person said yes: the action of a form. */
static mpp_text action(const mpp_call *call, const char *question)
{
    mpp_text text = mpp_c("none");
    mpp_as_text(mpp_find(mpp_find(call->arguments, question), "action"), &text);
    return text;
}

static void sampling(const mpp_call *call, mpp_reply *reply)
{
    mpp_text text;
    if (!fixture_filled(call, "sample", "text", &text))
        fixture_ask_text("\"sample\":" MODEL("%s", "100"), mpp_text_or(call, reply, "prompt", ""));
    say2(reply, "LLM response: ", text, "");
}

static void elicitation(const mpp_call *call, mpp_reply *reply)
{
    if (!fixture_answered(call, "answer"))
        fixture_ask_text("\"answer\":" FORM("%s",
                                            "\"username\":{\"type\":\"string\",\"description\":\"User's response\"},"
                                            "\"email\":{\"type\":\"string\",\"description\":\"User's email address\"}",
                                            "\"username\",\"email\""),
                         mpp_text_or(call, reply, "message", ""));
    say2(reply, "User response: action=", action(call, "answer"), "");
}

static void defaults(const mpp_call *call, mpp_reply *reply)
{
    if (!fixture_answered(call, "answer"))
        fixture_ask("\"answer\":" FORM("\"Please review and update the form fields with defaults\"",
                                       "\"name\":{\"type\":\"string\",\"description\":\"User name\",\"default\":\"John Doe\"},"
                                       "\"age\":{\"type\":\"integer\",\"description\":\"User age\",\"default\":30},"
                                       "\"score\":{\"type\":\"number\",\"description\":\"User score\",\"default\":95.5},"
                                       "\"status\":{\"type\":\"string\",\"description\":\"User status\",\"enum\":[\"active\",\"inactive\",\"pending\"],\"default\":\"active\"},"
                                       "\"verified\":{\"type\":\"boolean\",\"description\":\"Verification status\",\"default\":true}",
                                       ""));
    say2(reply, "Elicitation completed: action=", action(call, "answer"), "");
}

static void enums(const mpp_call *call, mpp_reply *reply)
{
    if (!fixture_answered(call, "answer"))
        fixture_ask(
            "\"answer\":" FORM("\"Please select options from the enum fields\"",
                               "\"untitledSingle\":{\"type\":\"string\",\"description\":\"Select one option\",\"enum\":[\"option1\",\"option2\",\"option3\"]},"
                               "\"titledSingle\":{\"type\":\"string\",\"description\":\"Select one option with titles\",\"oneOf\":[{\"const\":\"value1\",\"title\":\"First Option\"},"
                               "{\"const\":\"value2\",\"title\":\"Second Option\"},{\"const\":\"value3\",\"title\":\"Third Option\"}]},"
                               "\"legacyEnum\":{\"type\":\"string\",\"description\":\"Select one option (legacy)\",\"enum\":[\"opt1\",\"opt2\",\"opt3\"],"
                               "\"enumNames\":[\"Option One\",\"Option Two\",\"Option Three\"]},"
                               "\"untitledMulti\":{\"type\":\"array\",\"description\":\"Select multiple options\",\"minItems\":1,\"maxItems\":3,"
                               "\"items\":{\"type\":\"string\",\"enum\":[\"option1\",\"option2\",\"option3\"]}},"
                               "\"titledMulti\":{\"type\":\"array\",\"description\":\"Select multiple options with titles\",\"minItems\":1,\"maxItems\":3,"
                               "\"items\":{\"anyOf\":[{\"const\":\"value1\",\"title\":\"First Choice\"},{\"const\":\"value2\",\"title\":\"Second Choice\"},"
                               "{\"const\":\"value3\",\"title\":\"Third Choice\"}]}}",
                               ""));
    say2(reply, "Elicitation completed: action=", action(call, "answer"), "");
}

static void by_name(const mpp_call *call, mpp_reply *reply)
{
    mpp_text name;
    if (!fixture_filled(call, "user_name", "name", &name))
        fixture_ask("\"user_name\":" NAME);
    say2(reply, "Hello, ", name, "!");
}

static void by_model(const mpp_call *call, mpp_reply *reply)
{
    mpp_text text;
    if (!fixture_filled(call, "capital_question", "text", &text))
        fixture_ask("\"capital_question\":" MODEL("\"What is the capital of France?\"", "100"));
    say2(reply, "Sampling result: ", text, "");
}

static void by_roots(const mpp_call *call, mpp_reply *reply)
{
    const mpp_value *roots = mpp_find(mpp_find(call->arguments, "client_roots"), "roots");
    if (roots == NULL)
        fixture_ask("\"client_roots\":" ROOTS);
    mpp_text uri = mpp_c("none");
    mpp_as_text(mpp_find(mpp_first(roots), "uri"), &uri);
    say2(reply, "The first root: ", uri, "");
}

static void request_state(const mpp_call *call, mpp_reply *reply)
{
    if (!fixture_answered(call, "confirm"))
        fixture_ask("\"confirm\":" CONFIRM);
    mpp_say(reply, mpp_c("state-ok"));
}

static void several_inputs(const mpp_call *call, mpp_reply *reply)
{
    mpp_text name = mpp_c("nobody");
    if (!fixture_answered(call, "user_name") || !fixture_answered(call, "greeting") || !fixture_answered(call, "client_roots"))
        fixture_ask("\"user_name\":" NAME ",\"greeting\":" MODEL("\"Generate a greeting\"", "50") ",\"client_roots\":" ROOTS);
    fixture_filled(call, "user_name", "name", &name);
    say2(reply, "All answers are there, ", name, ".");
}

static void several_rounds(const mpp_call *call, mpp_reply *reply)
{
    mpp_text name, color;
    if (!fixture_filled(call, "step1", "name", &name))
        fixture_ask("\"step1\":" FORM("\"Step 1: What is your name?\"", "\"name\":{\"type\":\"string\"}", "\"name\""));
    if (!fixture_filled(call, "step2", "color", &color))
        fixture_ask("\"step2\":" FORM("\"Step 2: What is your favorite color?\"", "\"color\":{\"type\":\"string\"}", "\"color\""));
    const mpp_text parts[] = {name, mpp_c(" likes "), color};
    mpp_say(reply, mpp_join(reply, parts, sizeof parts / sizeof parts[0]));
}

/* Asks both; the front drops what the client cannot answer, so one answer is enough. */
static void capabilities(const mpp_call *call, mpp_reply *reply)
{
    if (!fixture_answered(call, "elicit_input") && !fixture_answered(call, "sample_input"))
        fixture_ask("\"elicit_input\":" FORM("\"Elicitation input\"", "\"value\":{\"type\":\"string\"}", "\"value\"") ",\"sample_input\":" MODEL(
            "\"Sample request\"", "50"));
    mpp_say(reply, mpp_c("capabilities-ok"));
}

static void needs_model(const mpp_call *call, mpp_reply *reply)
{
    mpp_text text;
    if (!fixture_filled(call, "sample", "text", &text))
        fixture_ask("\"sample\":" MODEL("\"Say anything\"", "10"));
    say2(reply, "The model said: ", text, "");
}

static const mpp_tool tools[] = {
    {"test_sampling", sampling},
    {"test_elicitation", elicitation},
    {"test_elicitation_sep1034_defaults", defaults},
    {"test_elicitation_sep1330_enums", enums},
    {"test_input_required_result_elicitation", by_name},
    {"test_input_required_result_sampling", by_model},
    {"test_input_required_result_list_roots", by_roots},
    {"test_input_required_result_request_state", request_state},
    {"test_input_required_result_multiple_inputs", several_inputs},
    {"test_input_required_result_multi_round", several_rounds},
    {"test_input_required_result_tampered_state", request_state},
    {"test_input_required_result_capabilities", capabilities},
    {"test_missing_capability", needs_model},
    {"test_streaming_elicitation", by_name},
};

int main(void)
{
    return mpp_main(tools, sizeof tools / sizeof tools[0]);
}
