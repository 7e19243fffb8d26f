"use strict";
/** The rows of the three lists, as plain values; what VS Code makes of them is in extension.ts. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.packageRow = packageRow;
exports.questionRow = questionRow;
exports.callRow = callRow;
const inert_1 = require("./inert");
function fact(icon, label, note = "") {
    return { label: (0, inert_1.inert)(label), note: (0, inert_1.inert)(note), tip: (0, inert_1.plain)(note === "" ? label : `${label}: ${note}`), icon, kind: "fact", id: "", entry: 0, below: [] };
}
const WITHDRAWN = new Set(["yanked", "revoked", "quarantined", "removed"]);
function verdict(one) {
    if (one.publisher === undefined)
        return fact("error", "not served", `${one.state}${one.why === "" ? "" : `: ${one.why}`}`);
    return fact("verified", `publisher "${one.publisher.name}"`, `trusted here: ${one.publisher.because}`);
}
function status(one) {
    if (one.registry === undefined)
        return [];
    const words = one.registry.stale ? `${one.registry.status}, and not proven anew since` : one.registry.status;
    return [fact(WITHDRAWN.has(one.registry.status) ? "error" : one.registry.stale ? "warning" : "cloud", `registry ${one.registry.name}`, words)];
}
function packageRow(one) {
    const gone = one.registry !== undefined && WITHDRAWN.has(one.registry.status);
    const state = gone ? (one.registry?.status ?? "") : one.state === "ok" ? "" : one.state;
    const below = [
        verdict(one),
        ...status(one),
        ...one.tools.map((tool) => fact("tools", `${one.alias}__${tool.name}`, `${tool.level}: ${tool.description}`)),
        ...one.may.map((words) => fact("shield", words)),
        fact("file-binary", "content", one.contentHash),
    ];
    return {
        label: (0, inert_1.inert)(`${one.id} ${one.version}`),
        note: (0, inert_1.inert)(state),
        tip: (0, inert_1.plain)(`${one.id} ${one.version}\n${one.may.join("\n")}`),
        icon: one.state !== "ok" || gone ? "error" : "package",
        kind: "package",
        id: one.id,
        entry: 0,
        below,
    };
}
function questionRow(one) {
    return {
        label: (0, inert_1.inert)(`${one.tool} of ${one.package}`),
        note: (0, inert_1.inert)(`${one.ref}, ${one.level}, risk ${one.score} ${one.band}`),
        tip: (0, inert_1.plain)(one.text),
        icon: "question",
        kind: "question",
        id: one.id,
        entry: 0,
        below: [],
    };
}
function callRow(one) {
    const end = one.outcome === "" ? "no end in the record" : one.outcome;
    return {
        label: (0, inert_1.inert)(`${one.tool === "" ? "a call" : one.tool} of ${one.package === "" ? "no package" : one.package}`),
        note: (0, inert_1.inert)(`${end}, ${(0, inert_1.moment)(one.at)}`),
        tip: (0, inert_1.plain)(`call ${one.id}\npolicy: ${one.effect === "" ? "not asked" : one.effect}\nagent: ${one.agent === "" ? "nobody named" : one.agent}\nend: ${end}`),
        icon: one.outcome === "ok" ? "pass" : one.outcome === "" ? "circle-outline" : "error",
        kind: "call",
        id: one.id,
        entry: one.last,
        below: [],
    };
}
