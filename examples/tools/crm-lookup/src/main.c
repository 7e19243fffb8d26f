/* Looks up a customer in a CRM over HTTPS: the tool of the migration guide, with its manifest as it stands there.
 *
 * It asks for one host and one variable, CRM_API_KEY. The host checks both, filters what is answered, and records the call.
 */
#define MPP_IMPLEMENTATION
#include "mpp.h"

#include <stdlib.h>
#include <string.h>

#define ADDRESS "https://api.crm.mycompany.com/v1/customers?query="
#define HEX "0123456789ABCDEF"

/* A text as part of an address: all but letters, digits and a few signs is written as %XX. */
static mpp_text escaped(mpp_reply *reply, mpp_text text)
{
    char *out = mpp_room(reply, 3 * text.size + 1);
    size_t size = 0;
    if (out == NULL)
        return mpp_c("");
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != 0 && strchr("-._~", c) != NULL)) {
            out[size++] = (char)c;
        } else {
            out[size++] = '%';
            out[size++] = HEX[c >> 4];
            out[size++] = HEX[c & 15];
        }
    }
    return (mpp_text){out, size};
}

/* Ask the CRM. False: the call has failed already, with words for the caller. */
static bool asked(mpp_reply *reply, mpp_text query, mpp_response *answer)
{
    const char *key = getenv("CRM_API_KEY");
    if (key == NULL || *key == '\0') {
        mpp_fail(reply, mpp_c("CRM_API_KEY is not set: store it with `mpp secret set CRM_API_KEY`"));
        return false;
    }
    const mpp_text bearer[] = {mpp_c("Bearer "), mpp_c(key)}, address[] = {mpp_c(ADDRESS), escaped(reply, query)};
    const mpp_header headers[] = {{mpp_c("Authorization"), mpp_join(reply, bearer, 2)}, {mpp_c("Accept"), mpp_c("application/json")}};
    const mpp_request request = {.url = mpp_join(reply, address, 2), .headers = headers, .header_count = 2};
    if (!mpp_fetch(reply, &request, answer)) {
        const mpp_text words[] = {mpp_c("the CRM was not reached: "), mpp_error_code(reply)};
        mpp_fail(reply, mpp_join(reply, words, 2));
        return false;
    }
    if (answer->status == 404) {
        mpp_fail(reply, mpp_c("there is no such customer"));
        return false;
    }
    if (answer->status != 200) {
        mpp_fail(reply, mpp_c("the CRM did not answer; try again later"));
        return false;
    }
    return true;
}

/* Finds the customer with the ID or email address in "query". */
static void lookup(const mpp_call *call, mpp_reply *reply)
{
    static const char *const fields[] = {"name", "company", "status"};
    mpp_text query = mpp_text_or(call, reply, "query", "");
    mpp_response answer;
    if (query.size == 0) {
        mpp_fail(reply, mpp_c("the argument 'query' is empty: give a customer ID or an email address"));
        return;
    }
    if (!asked(reply, query, &answer))
        return;
    const mpp_value *found = mpp_parse(reply, answer.body);
    mpp_text parts[6];
    for (size_t i = 0; i < 3; i++) {
        /* Only what the manifest promises is passed on, whatever else the CRM says. */
        mpp_text value = mpp_c("");
        if (!mpp_as_text(mpp_find(found, fields[i]), &value)) {
            mpp_fail(reply, mpp_c("the CRM answered with something that is no customer"));
            return;
        }
        mpp_put_text(reply, fields[i], value);
        parts[2 * i] = value;
        parts[2 * i + 1] = mpp_c(i == 0 ? ", " : i == 1 ? ": " : "");
    }
    mpp_say(reply, mpp_join(reply, parts, 6));
}

static const mpp_tool tools[] = {
    {"lookup", lookup},
};

int main(void)
{
    return mpp_main(tools, sizeof tools / sizeof tools[0]);
}
