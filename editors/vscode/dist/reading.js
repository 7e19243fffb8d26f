"use strict";
/** JSON of `mpp`, read into typed values at the edge. What has another form than expected is refused, not guessed at. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.Fields = exports.BadAnswer = void 0;
exports.readObject = readObject;
const limits_1 = require("./limits");
class BadAnswer extends Error {
    constructor(where, words) {
        super(`mpp answered in a form that this extension does not know: ${where} ${words}`);
        this.name = "BadAnswer";
    }
}
exports.BadAnswer = BadAnswer;
/** One JSON object, and where it stands in the answer. */
class Fields {
    where;
    found;
    constructor(found, where) {
        this.where = where;
        if (typeof found !== "object" || found === null || Array.isArray(found))
            throw new BadAnswer(where, "is no object");
        this.found = new Map(Object.entries(found));
    }
    text(name, most = limits_1.TEXT_CHARS_MAX) {
        const found = this.found.get(name);
        if (typeof found !== "string" || found.length > most)
            throw new BadAnswer(this.at(name), "is no text");
        return found;
    }
    number(name) {
        const found = this.found.get(name);
        if (typeof found !== "number" || !Number.isFinite(found))
            throw new BadAnswer(this.at(name), "is no number");
        return found;
    }
    flag(name) {
        const found = this.found.get(name);
        if (typeof found !== "boolean")
            throw new BadAnswer(this.at(name), "is neither true nor false");
        return found;
    }
    object(name) {
        return new Fields(this.found.get(name), this.at(name));
    }
    /** Nothing where it is missing or null. */
    maybe(name, read) {
        const found = this.found.get(name);
        return found === undefined || found === null ? undefined : read(new Fields(found, this.at(name)));
    }
    objects(name, read) {
        return this.list(name).map((one, index) => read(new Fields(one, `${this.at(name)}[${index}]`)));
    }
    texts(name) {
        return this.list(name).map((one) => {
            if (typeof one !== "string")
                throw new BadAnswer(this.at(name), "has something else than texts");
            return one;
        });
    }
    has(name) {
        const found = this.found.get(name);
        return found !== undefined && found !== null;
    }
    list(name) {
        const found = this.found.get(name);
        if (!Array.isArray(found) || found.length > limits_1.ROWS_MAX)
            throw new BadAnswer(this.at(name), "is no list");
        return found;
    }
    at(name) {
        return this.where === "" ? name : `${this.where}.${name}`;
    }
}
exports.Fields = Fields;
function readObject(text) {
    let found;
    try {
        found = JSON.parse(text);
    }
    catch {
        throw new BadAnswer("the answer", "is no JSON");
    }
    return new Fields(found, "");
}
