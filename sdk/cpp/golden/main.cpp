/* The golden tools over mpp.hpp; what each does stands in sdk/golden/README.md. */
#define MPP_IMPLEMENTATION
#include "mpp.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

using mpp::Call;
using mpp::Value;

static void ok(Call &call) { call.say("ok"); }

/* What the host refused becomes the failure of the tool. */
template <typename T> static bool worked(Call &call, const mpp::Answer<T> &answer)
{
    if (answer.error)
        call.fail(answer.error->code);
    return !answer.error;
}

static std::string all_bytes()
{
    std::string all;
    for (int i = 0; i < 256; i++)
        all.push_back(static_cast<char>(i));
    return all;
}

static void echo(Call &call)
{
    call.put("value", call.argument("value"));
    ok(call);
}

static void add(Call &call)
{
    int64_t a = call.integer("a"), b = call.integer("b"), sum;
    if (__builtin_add_overflow(a, b, &sum))
        return call.fail("the sum does not fit in 64 bits");
    call.put("sum", sum);
    call.say(std::to_string(sum));
}

static void greet(Call &call)
{
    std::string name = call.text("name", "World"), whole;
    int64_t times = call.integer("times", 1);
    bool loud = call.boolean("loud");
    if (name.empty())
        return call.fail("the name is empty");
    for (int64_t i = 0; i < times; i++)
        whole += (i > 0 ? " Hello, " : "Hello, ") + name + (loud ? "!!!" : "!");
    call.say(whole);
    call.put("greeting", whole);
}

static void half(Call &call)
{
    call.put("half", call.number("number", 1) / 2);
    ok(call);
}

static void content(Call &call)
{
    std::string kind = call.text("kind");
    if (kind == "texts")
        call.say("one"), call.say("two");
    else if (kind == "image")
        call.image(all_bytes(), "image/png");
    else if (kind == "audio")
        call.audio("RIFF", "audio/wav");
    else if (kind == "link")
        call.link({"https://example.com/report", "report", "The report", "A report", "text/plain", 42});
    else if (kind == "small_link")
        call.link({"https://example.com/", "home", nullptr, nullptr, nullptr, -1});
    else if (kind == "resource_text")
        call.resource("memory://notes/1", "text/plain", "note");
    else if (kind == "resource_blob")
        call.resource_bytes("memory://blobs/1", "application/octet-stream", std::string_view("\0\xff", 2));
    else if (kind == "annotated")
        call.say("for people"), call.annotate("user", 0.5);
    else if (kind == "mixed")
        call.say("one"), call.image("\1\2\3", "image/png"), call.put("items", 2);
}

static void binary(Call &call)
{
    auto bytes = call.base64(call.text("data"));
    if (!bytes)
        return call.fail("the argument 'data' is no base64");
    call.put("size", static_cast<int64_t>(bytes->size()));
    call.say(std::to_string(bytes->size()));
    std::reverse(bytes->begin(), bytes->end());
    call.put_bytes("reversed", *bytes);
}

static void nested(Call &call, int64_t depth)
{
    if (depth == 0)
        call.item(0);
    else
        call.item_list([&] { nested(call, depth - 1); });
}

static void nest(Call &call)
{
    int64_t depth = call.integer("depth");
    if (depth == 0)
        call.put("nested", 0);
    else
        call.list("nested", [&] { nested(call, depth - 1); });
    ok(call);
}

static void count(Call &call)
{
    std::vector<std::pair<std::string, int64_t>> found;
    for (Value word : call.argument("words")) {
        std::string text = word.text().value_or("");
        auto at = std::find_if(found.begin(), found.end(), [&](const auto &one) { return one.first == text; });
        if (at == found.end())
            found.emplace_back(text, 1);
        else
            at->second++;
    }
    call.object("counts", [&] {
        for (const auto &[word, number] : found)
            call.put(word, number);
    });
    ok(call);
}

static void long_text(Call &call)
{
    int64_t size = call.integer("size");
    call.say(std::string(static_cast<size_t>(size), 'x'));
    call.put("size", size);
}

static void kv_get(Call &call)
{
    auto got = call.kv_get(call.text("key"));
    if (!worked(call, got))
        return;
    if (got.value)
        call.put_bytes("value", *got.value);
    else
        call.put("value", nullptr);
    ok(call);
}

static void kv_set(Call &call)
{
    std::string key = call.text("key"), value = call.text("value");
    Value expect = call.argument("expect");
    auto stored = expect.exists() ? call.kv_set_if(key, value, expect.text()) : call.kv_set(key, value);
    if (!worked(call, stored))
        return;
    call.put("stored", stored.value);
    ok(call);
}

static void kv_delete(Call &call)
{
    auto existed = call.kv_delete(call.text("key"));
    if (!worked(call, existed))
        return;
    call.put("existed", existed.value);
    ok(call);
}

static void kv_list(Call &call)
{
    auto found = call.kv_list(call.argument("prefix").text(), call.argument("after").text(), call.integer("limit"));
    if (!worked(call, found))
        return;
    call.list("keys", [&] {
        for (const std::string &key : found.value.keys)
            call.item(key);
    });
    call.put("more", found.value.more);
    ok(call);
}

static void share(Call &call)
{
    call.kv_shared(true);
    auto stored = call.kv_set(call.text("key"), call.text("value"));
    if (!worked(call, stored))
        return;
    call.put("stored", stored.value);
    ok(call);
}

static void shared(Call &call)
{
    call.kv_shared(true);
    kv_get(call);
}

static void kv_count(Call &call)
{
    std::string key = call.text("key");
    for (int attempt = 0; attempt < 5; attempt++) {
        auto got = call.kv_get(key);
        if (!worked(call, got))
            return;
        int64_t next = (got.value ? atoll(got.value->c_str()) : 0) + 1;
        auto stored = call.kv_set_if(key, std::to_string(next), got.value);
        if (!worked(call, stored))
            return;
        if (stored.value) {
            call.put("count", next);
            return ok(call);
        }
    }
    call.fail("busy");
}

static void fetch(Call &call)
{
    mpp::Request request{call.text("url"), call.text("method", "GET")};
    for (Value pair : call.argument("headers")) {
        Value name = *pair.begin();
        request.headers.push_back({name.text().value_or(""), Value(mpp_next(name.raw())).text().value_or("")});
    }
    request.body = call.argument("body").text();
    request.timeout_ms = call.integer("timeout_ms");
    request.redirect = call.text("redirect");
    auto got = call.fetch(request);
    if (!worked(call, got))
        return;
    call.put("status", got.value.status);
    call.put("url", got.value.url);
    call.put("type", got.value.header("content-type"));
    call.put_bytes("body", got.value.body);
    ok(call);
}

static void whoami(Call &call)
{
    mpp::Context who = call.context();
    call.put("agent", who.agent), call.put("proof", who.proof), call.put("user", who.user), call.put("tenant", who.tenant);
    call.put("invocation", who.invocation), call.put("tool", who.tool), call.put("package", who.package), call.put("version", who.version);
    ok(call);
}

static void token(Call &call)
{
    auto found = call.token(call.text("audience"));
    if (!worked(call, found))
        return;
    call.put("token", found.value);
    ok(call);
}

static void work(Call &call)
{
    int64_t steps = call.integer("steps");
    for (int64_t i = 1; i <= steps; i++)
        call.progress(static_cast<double>(i), static_cast<double>(steps), "step " + std::to_string(i));
    call.put("done", steps);
    ok(call);
}

static void ask_person(Call &call, Value answer)
{
    if (!answer.exists())
        return call.ask_person("answer", "Who is it for?", R"({"type":"object","properties":{"name":{"type":"string"}},"required":["name"]})");
    auto name = answer["content"]["name"].text();
    if (answer["action"].text() != "accept" || !name)
        return call.fail("nobody said a name");
    call.say("Hello, " + *name + "!");
    call.put("greeting", "Hello, " + *name + "!");
}

static void ask(Call &call)
{
    std::string kind = call.text("kind", "person");
    Value answer = call.argument("answer");
    if (kind == "person")
        return ask_person(call, answer);
    if (kind == "model") {
        if (!answer.exists())
            return call.ask_model("answer", "Say hello", 100, "Be short");
        std::string said = answer["content"]["text"].text().value_or("");
        call.say(said);
        return call.put("said", said);
    }
    if (!answer.exists())
        return call.ask_folders("answer");
    call.list("folders", [&] {
        for (Value root : answer["roots"])
            call.item(root["uri"]);
    });
    ok(call);
}

static void environment(Call &call)
{
    const char *value = getenv(call.text("name").c_str());
    call.put("value", value ? std::optional<std::string>(value) : std::nullopt);
    ok(call);
}

int main()
{
    return mpp::serve({
        {"echo", echo}, {"add", add}, {"greet", greet}, {"half", half}, {"content", content}, {"binary", binary}, {"nest", nest}, {"count", count},
        {"long", long_text}, {"kv_get", kv_get}, {"kv_set", kv_set}, {"kv_delete", kv_delete}, {"kv_list", kv_list}, {"kv_count", kv_count},
        {"fetch", fetch}, {"whoami", whoami}, {"token", token}, {"work", work}, {"ask", ask}, {"share", share}, {"shared", shared}, {"environment", environment},
        {"fail", [](Call &call) { call.fail(call.text("message")); }},
        {"reject", [](Call &call) { call.reject(call.integer("code"), call.text("message"), call.argument("data")); }},
        {"note", [](Call &call) { call.log(call.text("level").c_str(), call.text("message")); ok(call); }},
        {"stderr", [](Call &call) { fprintf(stderr, "%s\n", call.text("message").c_str()); ok(call); }},
    });
}
