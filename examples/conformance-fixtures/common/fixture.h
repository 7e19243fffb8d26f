/* fixture.h - what the fixture tools need beside the adapter: answers that the adapter has no words for, and calls to the host.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "mpp.h"

/* Write `{"jsonrpc":"2.0","id":1,"result":RESULT}` and end the tool. The adapter then writes nothing. */
_Noreturn void fixture_answer(const char *result);

/* Ask: `questions` is the JSON between the braces of inputRequests. Ends the tool. */
_Noreturn void fixture_ask(const char *questions);

/* The same with one text put in the place of the first %s, as a JSON string with its quotes. */
_Noreturn void fixture_ask_text(const char *questions, mpp_text text);

/* The answer to a question: the member `key` of what a person filled in, or the text of a model. False: not answered. */
bool fixture_filled(const mpp_call *call, const char *question, const char *key, mpp_text *text);
bool fixture_answered(const mpp_call *call, const char *question);

/* Calls to the host. Elsewhere than in a host they do nothing. */
void fixture_log(const char *level, const char *message);
void fixture_progress(int done, int total);
void fixture_pause(int milliseconds);

#endif
