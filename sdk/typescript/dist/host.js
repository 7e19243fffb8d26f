// Calls to the host.
import { HostError } from "./errors.js";
import { parse, write } from "./json.js";
import { layer } from "./layer.js";
let answering = null;
/** For tests: answer host calls without a host. */
export function answerHostCalls(by) {
    answering = by;
}
function reached(method, params) {
    if (answering)
        return answering(method, params);
    if (!layer)
        throw new HostError("unavailable", "there is no host: the tool does not run in the sandbox");
    let text;
    try {
        text = layer.call(write({ method, params }));
    }
    catch (fault) {
        throw new HostError("unavailable", fault instanceof Error ? fault.message : String(fault));
    }
    const answer = parse(text);
    if (answer.error)
        throw new HostError(answer.error.code, answer.error.message);
    return answer.result;
}
/** One call of a method of the host. A refusal is a HostError. What is undefined is not sent. */
export function hostCall(method, params) {
    const sent = {};
    for (const key of Object.keys(params))
        if (params[key] !== undefined)
            sent[key] = params[key];
    return reached(method, sent);
}
