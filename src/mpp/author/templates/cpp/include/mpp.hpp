/* mpp.hpp - tools in C++ for an MPP host: a thin layer over mpp.h, whose rules hold here too.
 *
 * Needs C++17 and neither exceptions nor run-time type information. In exactly one source file write
 * #define MPP_IMPLEMENTATION before the include.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MPP_HPP
#define MPP_HPP

#include "mpp.h"

#include <cstring>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mpp {

inline std::string to_string(mpp_text text) { return std::string(text.at, text.size); }
inline mpp_text to_text(std::string_view text) { return mpp_text{text.data(), text.size()}; }

/* One JSON value of the request; absent where nothing is. It lives as long as the call. */
class Value {
  public:
    Value(const mpp_value *value = nullptr) : value_(value) {}

    bool exists() const { return value_ != nullptr; }
    mpp_kind kind() const { return mpp_kind_of(value_); }
    const mpp_value *raw() const { return value_; }

    std::optional<std::string> text() const
    {
        mpp_text found;
        return mpp_as_text(value_, &found) ? std::optional(to_string(found)) : std::nullopt;
    }
    std::optional<int64_t> integer() const
    {
        int64_t found;
        return mpp_as_integer(value_, &found) ? std::optional(found) : std::nullopt;
    }
    std::optional<uint64_t> unsigned_integer() const
    {
        uint64_t found;
        return mpp_as_unsigned(value_, &found) ? std::optional(found) : std::nullopt;
    }
    std::optional<double> number() const
    {
        double found;
        return mpp_as_number(value_, &found) ? std::optional(found) : std::nullopt;
    }
    std::optional<bool> boolean() const
    {
        bool found;
        return mpp_as_boolean(value_, &found) ? std::optional(found) : std::nullopt;
    }

    /* The member of an object; absent where there is none. */
    Value operator[](const char *key) const { return mpp_find(value_, key); }
    /* The key of a member that was met while walking an object. */
    std::string key() const { return to_string(mpp_key(value_)); }

    /* for (mpp::Value item : list) ... walks items of a list and members of an object. */
    class Walk {
      public:
        explicit Walk(const mpp_value *at) : at_(at) {}
        Value operator*() const { return at_; }
        Walk &operator++()
        {
            at_ = mpp_next(at_);
            return *this;
        }
        bool operator!=(const Walk &other) const { return at_ != other.at_; }

      private:
        const mpp_value *at_;
    };
    Walk begin() const { return Walk(mpp_first(value_)); }
    Walk end() const { return Walk(nullptr); }

  private:
    const mpp_value *value_;
};

/* Why the host refused: its code ("not_granted", "quota" ...) and its words. */
struct Error {
    std::string code, message;
};

/* What the host answered, or why it did not. Read the value only where there is no error. */
template <typename T> struct Answer {
    T value{};
    std::optional<Error> error;
    explicit operator bool() const { return !error; }
};

struct Header {
    std::string name, value;
};

struct Request {
    std::string url;
    std::string method = "GET";
    std::vector<Header> headers{};
    std::optional<std::string> body{};
    int64_t timeout_ms = 0;  /* 0: as the host says */
    std::string redirect{};  /* "follow", "manual", or empty: as the host says */
};

struct Response {
    int64_t status = 0;
    std::string url, body;
    std::vector<Header> headers;

    /* The first header of that name, whatever its case. */
    std::optional<std::string> header(std::string_view name) const
    {
        for (const Header &one : headers)
            if (same(one.name, name))
                return one.value;
        return std::nullopt;
    }

  private:
    static char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
    static bool same(std::string_view a, std::string_view b)
    {
        if (a.size() != b.size())
            return false;
        for (size_t i = 0; i < a.size(); i++)
            if (lower(a[i]) != lower(b[i]))
                return false;
        return true;
    }
};

struct Keys {
    std::vector<std::string> keys;
    bool more = false;
};

/* Who calls; what the host does not say is empty. */
struct Context {
    std::string agent, proof, key, issuer, user, tenant, invocation, tool, package, version, sha256, publisher;
};

/* One call: its arguments, its answer, and the host. */
class Call {
  public:
    Call(const mpp_call *call, mpp_reply *reply) : call_(call), reply_(reply) {}

    /* ---- Arguments. Of another type, the call fails with words that say so, and the fallback is returned. */
    std::string text(const char *key, const char *fallback = "") { return to_string(mpp_text_or(call_, reply_, key, fallback)); }
    int64_t integer(const char *key, int64_t fallback = 0) { return mpp_integer_or(call_, reply_, key, fallback); }
    double number(const char *key, double fallback = 0) { return mpp_number_or(call_, reply_, key, fallback); }
    bool boolean(const char *key, bool fallback = false) { return mpp_boolean_or(call_, reply_, key, fallback); }
    Value argument(const char *key) const { return mpp_find(call_->arguments, key); }
    Value arguments() const { return call_->arguments; }
    std::string tool() const { return to_string(call_->tool); }
    /* The bytes of a base64 text; nothing unless it is the one text for these bytes. */
    std::optional<std::string> base64(std::string_view text)
    {
        mpp_text bytes;
        return mpp_base64(reply_, to_text(text), &bytes) ? std::optional(to_string(bytes)) : std::nullopt;
    }

    /* ---- The answer. */
    void say(std::string_view text) { mpp_say(reply_, to_text(text)); }
    void fail(std::string_view why) { mpp_fail(reply_, to_text(why)); }
    void fail(const Error &error) { fail(error.code + ": " + error.message); }
    void reject(int64_t code, std::string_view message, Value data = {}) { mpp_reject(reply_, code, to_text(message), data.raw()); }

    void put(std::string_view key, std::string_view text) { named(key), mpp_put_text(reply_, nullptr, to_text(text)); }
    void put(std::string_view key, const char *text) { put(key, std::string_view(text)); }
    void put(std::string_view key, const std::string &text) { put(key, std::string_view(text)); }
    void put(std::string_view key, int64_t number) { named(key), mpp_put_integer(reply_, nullptr, number); }
    void put(std::string_view key, int number) { put(key, static_cast<int64_t>(number)); }
    void put(std::string_view key, uint64_t number) { named(key), mpp_put_unsigned(reply_, nullptr, number); }
    void put(std::string_view key, double number) { named(key), mpp_put_number(reply_, nullptr, number); }
    void put(std::string_view key, bool truth) { named(key), mpp_put_boolean(reply_, nullptr, truth); }
    void put(std::string_view key, Value value) { named(key), mpp_put_value(reply_, nullptr, value.raw()); }
    void put(std::string_view key, std::nullptr_t) { named(key), mpp_put_null(reply_, nullptr); }
    void put_bytes(std::string_view key, std::string_view bytes) { named(key), mpp_put_bytes(reply_, nullptr, to_text(bytes)); }
    template <typename T> void put(std::string_view key, const std::optional<T> &value) { value ? put(key, *value) : put(key, nullptr); }

    /* Whatever `fill` puts goes into the object, or, through item(), into the list. */
    void object(std::string_view key, const std::function<void()> &fill)
    {
        named(key), mpp_open_object(reply_, nullptr), fill(), mpp_close(reply_);
    }
    void list(std::string_view key, const std::function<void()> &fill)
    {
        named(key), mpp_open_list(reply_, nullptr), fill(), mpp_close(reply_);
    }
    void item(std::string_view text) { mpp_put_text(reply_, nullptr, to_text(text)); }
    void item(const char *text) { item(std::string_view(text)); }
    void item(const std::string &text) { item(std::string_view(text)); }
    void item(int64_t number) { mpp_put_integer(reply_, nullptr, number); }
    void item(int number) { item(static_cast<int64_t>(number)); }
    void item(double number) { mpp_put_number(reply_, nullptr, number); }
    void item(bool truth) { mpp_put_boolean(reply_, nullptr, truth); }
    void item(Value value) { mpp_put_value(reply_, nullptr, value.raw()); }
    void item_list(const std::function<void()> &fill) { mpp_open_list(reply_, nullptr), fill(), mpp_close(reply_); }
    void item_object(const std::function<void()> &fill) { mpp_open_object(reply_, nullptr), fill(), mpp_close(reply_); }

    void image(std::string_view bytes, const char *mime) { mpp_add_image(reply_, to_text(bytes), mime); }
    void audio(std::string_view bytes, const char *mime) { mpp_add_audio(reply_, to_text(bytes), mime); }
    void resource(const char *uri, const char *mime, std::string_view text) { mpp_add_resource_text(reply_, uri, mime, to_text(text)); }
    void resource_bytes(const char *uri, const char *mime, std::string_view bytes) { mpp_add_resource_bytes(reply_, uri, mime, to_text(bytes)); }
    void link(const mpp_link &link) { mpp_add_link(reply_, &link); }
    void annotate(const char *audience, double priority) { mpp_annotate(reply_, audience, priority); }

    void ask_person(const char *name, std::string_view message, const char *schema) { mpp_ask_person(reply_, name, to_text(message), schema); }
    void ask_model(const char *name, std::string_view message, int64_t max_tokens, const char *system = nullptr)
    {
        mpp_ask_model(reply_, name, to_text(message), system, max_tokens);
    }
    void ask_folders(const char *name) { mpp_ask_folders(reply_, name); }

    /* ---- Who calls. */
    Context context() const
    {
        mpp_context c = mpp_context_of(call_);
        return Context{to_string(c.agent), to_string(c.proof), to_string(c.key), to_string(c.issuer), to_string(c.user), to_string(c.tenant),
                       to_string(c.invocation), to_string(c.tool), to_string(c.package), to_string(c.version), to_string(c.sha256), to_string(c.publisher)};
    }

    /* ---- The host. */

    /* Each tool has keys of its own. From here on: those of all tools of the package, or of this one again. */
    void kv_shared(bool shared) { mpp_kv_shared(reply_, shared); }
    Answer<std::optional<std::string>> kv_get(std::string_view key)
    {
        bool found;
        mpp_text value;
        bool good = mpp_kv_get(reply_, to_text(key), &found, &value);
        return answer(good, good && found ? std::optional(to_string(value)) : std::optional<std::string>());
    }
    Answer<bool> kv_set(std::string_view key, std::string_view value) { return answer(mpp_kv_set(reply_, to_text(key), to_text(value)), true); }
    /* Stored only if the present value equals `expect`; without one, if there is none. */
    Answer<bool> kv_set_if(std::string_view key, std::string_view value, const std::optional<std::string> &expect)
    {
        bool stored = false;
        mpp_text wanted = expect ? to_text(*expect) : mpp_text{"", 0};
        bool good = mpp_kv_set_if(reply_, to_text(key), to_text(value), expect ? &wanted : nullptr, &stored);
        return answer(good, stored);
    }
    Answer<bool> kv_delete(std::string_view key)
    {
        bool existed = false;
        bool good = mpp_kv_delete(reply_, to_text(key), &existed);
        return answer(good, existed);
    }
    Answer<Keys> kv_list(const std::optional<std::string> &prefix = {}, const std::optional<std::string> &after = {}, int64_t limit = 0)
    {
        Keys found;
        const mpp_value *keys = nullptr;
        mpp_text p = prefix ? to_text(*prefix) : mpp_text{"", 0}, a = after ? to_text(*after) : mpp_text{"", 0};
        bool good = mpp_kv_list(reply_, prefix ? &p : nullptr, after ? &a : nullptr, limit, &keys, &found.more);
        for (Value key : Value(good ? keys : nullptr))
            found.keys.push_back(key.text().value_or(""));
        return answer(good, std::move(found));
    }
    Answer<Response> fetch(const Request &request)
    {
        std::vector<mpp_header> headers;
        for (const Header &one : request.headers)
            headers.push_back({to_text(one.name), to_text(one.value)});
        mpp_text body = request.body ? to_text(*request.body) : mpp_text{"", 0};
        mpp_request asked = {request.method.c_str(), to_text(request.url), headers.data(), headers.size(), request.body ? &body : nullptr,
                             request.timeout_ms, request.redirect.empty() ? nullptr : request.redirect.c_str()};
        mpp_response got = {};
        if (!mpp_fetch(reply_, &asked, &got))
            return answer(false, Response());
        Response response;
        response.status = got.status, response.url = to_string(got.url), response.body = to_string(got.body);
        for (Value pair : Value(got.headers)) {
            Value name = mpp_first(pair.raw());
            response.headers.push_back({name.text().value_or(""), Value(mpp_next(name.raw())).text().value_or("")});
        }
        return answer(true, std::move(response));
    }
    Answer<std::string> token(std::string_view audience)
    {
        mpp_text found = {"", 0};
        bool good = mpp_context_token(reply_, to_text(audience), &found);
        return answer(good, to_string(found));
    }
    void log(const char *level, std::string_view message) { mpp_log(reply_, level, to_text(message)); }
    void progress(double done, double total = -1, std::string_view message = "") { mpp_progress(reply_, done, total, to_text(message)); }

    const mpp_call *raw() const { return call_; }
    mpp_reply *reply() const { return reply_; }

  private:
    void named(std::string_view key) { mpp_name(reply_, to_text(key)); }
    template <typename T> Answer<T> answer(bool good, T value)
    {
        if (good)
            return Answer<T>{std::move(value), std::nullopt};
        return Answer<T>{T(), Error{to_string(mpp_error_code(reply_)), to_string(mpp_error_message(reply_))}};
    }

    const mpp_call *call_;
    mpp_reply *reply_;
};

struct Tool {
    std::string name;
    std::function<void(Call &)> run;
};

namespace detail {
inline const std::vector<Tool> *tools;

inline void run(const mpp_call *call, mpp_reply *reply)
{
    for (const Tool &tool : *tools)
        if (std::string_view(tool.name) == std::string_view(call->tool.at, call->tool.size)) {
            Call given(call, reply);
            tool.run(given);
        }
}
} // namespace detail

/* Answer the one request on standard input. Returns the exit code of the process. */
inline int serve(const std::vector<Tool> &tools)
{
    std::vector<mpp_tool> table;
    for (const Tool &tool : tools)
        table.push_back({tool.name.c_str(), detail::run});
    detail::tools = &tools;
    return mpp_main(table.data(), table.size());
}

} // namespace mpp

#endif
