"use strict";
/** The answers of `mpp --json` that the extension uses, as frozen values. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.readFault = readFault;
exports.readPackage = readPackage;
exports.readQuestion = readQuestion;
exports.readDetailed = readDetailed;
exports.readAnswered = readAnswered;
exports.readEntry = readEntry;
exports.readStory = readStory;
exports.readVerified = readVerified;
exports.readInspected = readInspected;
exports.readHeld = readHeld;
exports.readHit = readHit;
const reading_1 = require("./reading");
const ID = /^[0-9a-f]{32}$/;
const REF = /^[0-9a-f]{4,32}$/;
function shaped(found, form, where) {
    if (!form.test(found))
        throw new reading_1.BadAnswer(where, "has another form");
    return found;
}
function readFault(fields) {
    return { code: fields.text("code"), message: fields.text("message"), hint: fields.has("hint") ? fields.text("hint") : "" };
}
function readTool(fields) {
    return { name: fields.text("name"), description: fields.text("description"), level: fields.text("security_level") };
}
function readPackage(fields) {
    return {
        id: fields.text("package_id"),
        version: fields.text("version"),
        alias: fields.text("alias"),
        contentHash: fields.text("content_hash"),
        state: fields.text("state"),
        why: fields.maybe("error", readFault)?.message ?? "",
        publisher: fields.maybe("publisher", (one) => ({ id: one.text("id"), name: one.text("name"), because: one.text("because") })),
        tools: fields.has("tools") ? fields.objects("tools", readTool) : [],
        may: fields.has("capabilities_in_words") ? fields.texts("capabilities_in_words") : [],
        registry: fields.maybe("registry", (one) => ({ name: one.text("name"), status: one.text("status"), stale: one.flag("stale") })),
    };
}
function readQuestion(fields) {
    const risk = fields.object("risk");
    const needs = fields.object("needs");
    return {
        id: shaped(fields.text("id"), ID, "id"),
        ref: shaped(fields.text("ref"), REF, "ref"),
        package: `${fields.text("package")} ${fields.text("version")}`,
        tool: fields.text("tool"),
        level: fields.text("security_level"),
        band: risk.text("band"),
        score: risk.number("score"),
        strength: needs.text("strength"),
        approvers: needs.number("approvers"),
        answers: fields.has("answers") ? fields.number("answers") : 0,
        text: fields.text("text"),
        textSha256: fields.text("text_sha256"),
        mustOpenDetails: fields.flag("must_open_details"),
        expires: fields.number("expires"),
    };
}
function readDetailed(fields) {
    const found = fields.object("question");
    return { question: readQuestion(found), details: found.text("details") };
}
function readAnswered(fields) {
    return { ref: fields.text("ref"), answer: fields.text("answer"), approver: fields.text("approver"), amr: fields.text("amr"), state: fields.text("state") };
}
/** A text that an entry may have, from the first place that has it. */
function among(places, ...names) {
    for (const place of places)
        for (const name of names)
            if (place?.has(name))
                return place.text(name);
    return "";
}
function readEntry(fields) {
    const body = fields.object("body");
    const facts = body.maybe("facts", (one) => one);
    const agent = body.maybe("agent", (one) => one) ?? facts?.maybe("agent", (one) => one);
    const kind = fields.text("kind");
    return {
        seq: fields.number("seq"),
        at: fields.number("at"),
        kind,
        call: fields.text("invocation"),
        package: among([body, facts], "package", "package_id"),
        tool: among([body, facts], "tool"),
        effect: kind === "decision" ? among([body], "effect") : "",
        outcome: kind === "result" ? among([body], "outcome") : kind === "refused" ? among([body], "code") : "",
        agent: among([agent], "name"),
    };
}
function readStory(fields) {
    return {
        call: shaped(fields.text("call"), ID, "call"),
        said: fields.objects("story", (one) => ({ topic: one.text("topic"), words: one.text("words"), entry: one.number("entry") })),
        entries: fields.objects("entries", (one) => ({ seq: one.number("seq"), time: one.text("time"), kind: one.text("kind") })),
    };
}
function readVerified(fields) {
    return {
        ok: fields.flag("ok"),
        checks: fields.objects("checks", (one) => ({
            number: one.number("number"),
            name: one.text("name"),
            ok: one.flag("ok"),
            detail: one.has("detail") ? one.text("detail") : "",
        })),
        integrity: fields.has("integrity") ? fields.text("integrity") : "",
        publisher: fields.maybe("publisher", (one) => ({
            id: one.text("id"),
            name: one.text("name"),
            trusted: one.flag("trusted"),
            because: one.text("because"),
        })),
        lookalikes: fields.objects("lookalikes", (one) => one.text("id")),
        package: fields.has("package_id") ? `${fields.text("package_id")} ${fields.text("version")}` : "",
        error: fields.maybe("error", readFault),
    };
}
function readInspected(fields) {
    const manifest = fields.maybe("manifest", (one) => one);
    const seal = fields.maybe("seal", (one) => ({ intact: one.flag("intact"), name: one.text("calls_itself") }));
    return {
        package: manifest === undefined ? "" : `${manifest.text("package_id")} ${manifest.text("version")}`,
        name: manifest?.text("name") ?? "",
        description: manifest?.text("description") ?? "",
        publisher: seal?.name ?? "",
        sealed: seal?.intact ?? false,
        tools: manifest?.objects("tools", readTool) ?? [],
        may: fields.texts("capabilities_in_words"),
        imports: fields.maybe("code", (one) => one.texts("imports")) ?? [],
        files: fields.objects("files", (one) => ({ name: one.text("name"), bytes: one.number("bytes") })),
        problems: fields.objects("problems", readFault),
        warnings: fields.texts("warnings"),
    };
}
function readHeld(fields) {
    return { verdict: fields.text("verdict"), reason: fields.text("reason"), logId: fields.has("log_id") ? fields.text("log_id") : "" };
}
function readHit(fields) {
    return {
        id: fields.text("package_id"),
        about: fields.text("summary") || fields.text("title"),
        latest: fields.has("latest") ? fields.text("latest") : "",
        status: fields.text("status"),
        publisher: fields.text("publisher_name"),
        registry: fields.text("registry"),
    };
}
