// JSON as the call contract wants it: no key twice, no half of a surrogate pair, a bounded depth, and integers that keep every digit.

export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Levels of nesting in a line. Reason: a host allows as many; guests must not run out of stack. */
export const LEVELS_MAX = 32;

export class JsonError extends Error {
  /** Was the text JSON, only deeper than a line may be? */
  readonly deep: boolean;

  constructor(message: string, deep = false) {
    super(message);
    this.name = "JsonError";
    this.deep = deep;
  }
}

// Attack: a tool, or a library in it, replaces methods of texts and expressions. What reads and writes the lines goes on with its own.
const bound = Function.prototype.call;
const exec = bound.bind(RegExp.prototype.exec) as unknown as (expression: RegExp, text: string) => RegExpExecArray | null;
const slice = bound.bind(String.prototype.slice) as unknown as (text: string, from: number, to?: number) => string;
const startsWith = bound.bind(String.prototype.startsWith) as unknown as (text: string, part: string, at: number) => boolean;
const fromCharCode = String.fromCharCode;
const hasOwn = Object.hasOwn;
const SetOf = Set;
const isSafe = Number.isSafeInteger;
const isInteger = Number.isInteger;
const isFinite_ = Number.isFinite;

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
// Most texts hold no escape and are one slice.
const PLAIN = /"([^"\\\u0000-\u001f\ud800-\udfff]*)"/y;
const PIECE = /[^"\\\u0000-\u001f\ud800-\udfff]+|[\ud800-\udbff][\udc00-\udfff]/y;
const ESCAPES: { [key: string]: string } = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const WORDS: { [key: string]: [string, Json] } = { t: ["true", true], f: ["false", false], n: ["null", null] };

class Reader {
  #at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  all(): Json {
    const found = this.#value(0);
    this.#space();
    if (this.#at !== this.#text.length) this.#wrong("something follows");
    return found;
  }

  #wrong(what: string): never {
    throw new JsonError(`${what} at character ${this.#at}`);
  }

  #space(): void {
    SPACE.lastIndex = this.#at;
    exec(SPACE, this.#text);
    this.#at = SPACE.lastIndex;
  }

  #take(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #value(level: number): Json {
    this.#space();
    const first = this.#text[this.#at];
    if (first === '"') return this.#string();
    if (first === "{" || first === "[") {
      // The levels are counted on, so that a text that is no JSON further on is told from one that is only too deep.
      if (level >= LEVELS_MAX) return this.#deep();
      this.#at++;
      return first === "{" ? this.#object(level + 1) : this.#list(level + 1);
    }
    if (first !== undefined && hasOwn(WORDS, first)) {
      const [word, value] = WORDS[first] as [string, Json];
      if (!startsWith(this.#text, word, this.#at)) this.#wrong("a value is wanted");
      this.#at += word.length;
      return value;
    }
    return this.#number();
  }

  #deep(): never {
    throw new JsonError("it is nested too deep", true);
  }

  #object(level: number): JsonObject {
    const found: JsonObject = {};
    const seen = new SetOf<string>();
    if (this.#take("}")) return found;
    do {
      this.#space();
      if (this.#text[this.#at] !== '"') this.#wrong("a key is wanted");
      const key = this.#string();
      if (seen.has(key)) this.#wrong("a key stands twice");
      seen.add(key);
      if (!this.#take(":")) this.#wrong("a colon is wanted");
      const value = this.#value(level);
      // Attack: the key __proto__ would change what the object is.
      if (key === "__proto__") Object.defineProperty(found, key, { value, writable: true, enumerable: true, configurable: true });
      else found[key] = value;
    } while (this.#take(","));
    if (!this.#take("}")) this.#wrong("an object does not end");
    return found;
  }

  #list(level: number): Json[] {
    const found: Json[] = [];
    if (this.#take("]")) return found;
    do found.push(this.#value(level));
    while (this.#take(","));
    if (!this.#take("]")) this.#wrong("a list does not end");
    return found;
  }

  #number(): number | bigint {
    NUMBER.lastIndex = this.#at;
    const found = exec(NUMBER, this.#text);
    if (!found) return this.#wrong("a value is wanted");
    this.#at = NUMBER.lastIndex;
    const number = Number(found[0]);
    if (found[1] !== undefined || found[2] !== undefined) {
      if (!isFinite_(number)) this.#wrong("a number is too large");
      return number;
    }
    return isSafe(number) ? number : BigInt(found[0]);
  }

  #string(): string {
    PLAIN.lastIndex = this.#at;
    const plain = exec(PLAIN, this.#text);
    if (plain) {
      this.#at = PLAIN.lastIndex;
      return plain[1] as string;
    }
    this.#at++;
    let found = "";
    for (;;) {
      PIECE.lastIndex = this.#at;
      if (exec(PIECE, this.#text)) {
        found += slice(this.#text, this.#at, PIECE.lastIndex);
        this.#at = PIECE.lastIndex;
        continue;
      }
      const next = this.#text[this.#at];
      if (next === '"') {
        this.#at++;
        return found;
      }
      if (next !== "\\") this.#wrong("a text does not end, or holds what must be escaped");
      found += this.#escape();
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at + 1] ?? "";
    if (letter !== "u") {
      const found = hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
      if (found === undefined) return this.#wrong("an escape is not known");
      this.#at += 2;
      return found;
    }
    const unit = this.#unit();
    if (unit >= 0xdc00 && unit <= 0xdfff) this.#wrong("half of a character");
    if (unit < 0xd800 || unit > 0xdfff) return fromCharCode(unit);
    const second = startsWith(this.#text, "\\u", this.#at) ? this.#unit() : 0;
    if (second < 0xdc00 || second > 0xdfff) this.#wrong("half of a character");
    return fromCharCode(unit, second);
  }

  #unit(): number {
    const digits = slice(this.#text, this.#at + 2, this.#at + 6);
    if (!exec(/^[0-9a-fA-F]{4}$/, digits)) this.#wrong("an escape is too short");
    this.#at += 6;
    return parseInt(digits, 16);
  }
}

/** Read a text strictly. Integers beyond 2^53 become bigint. */
export function parse(text: string): Json {
  return new Reader(text).all();
}

const stringify = JSON.stringify;
const isArray = Array.isArray;
const keys = Object.keys;

/** Write a value as JSON; bigint as its digits. What JSON cannot hold is an error that names its place. */
export function write(value: unknown): string {
  return written(value, "", []);
}

function written(value: unknown, at: string, above: object[]): string {
  switch (typeof value) {
    case "string":
      // The engine escapes half of a pair; a reply is UTF-8 and has the mark for what is none.
      return stringify(exec(HALF, value) ? wellFormed(value) : value);
    case "boolean":
      return value ? "true" : "false";
    case "bigint":
      return value.toString();
    case "number":
      if (!isFinite_(value)) throw new TypeError(`${at || "the value"} is ${value}, which JSON does not have`);
      // An integer beyond 2^53 was computed as a decimal; written with all its digits a host would read it as an integer.
      return isInteger(value) && !isSafe(value) ? value.toExponential() : stringify(value);
    case "object":
      return value === null ? "null" : composed(value, at, above);
    default:
      throw new TypeError(`${at || "the value"} is a ${typeof value}, which JSON does not have`);
  }
}

function composed(value: object, at: string, above: object[]): string {
  if (above.includes(value)) throw new TypeError(`${at || "the value"} holds itself`);
  if (above.length >= WRITE_LEVELS_MAX) throw new TypeError(`${at} is nested too deep`);
  const inner = [...above, value];
  const own = (value as { toJSON?: unknown }).toJSON;
  // Attack: a tool that gives all objects a toJSON changes its reply, and even what stands around it.
  if (typeof own === "function" && own !== (Object.prototype as { toJSON?: unknown }).toJSON) return written(own.call(value, ""), at, inner);
  if (isArray(value)) {
    let found = "[";
    for (let i = 0; i < value.length; i++) found += (i ? "," : "") + written(value[i], `${at}/${i}`, inner);
    return `${found}]`;
  }
  let found = "{";
  for (const key of keys(value)) {
    const item = (value as { [key: string]: unknown })[key];
    if (item === undefined) continue;
    found += `${found.length > 1 ? "," : ""}${written(key, at, inner)}:${written(item, `${at}/${key}`, inner)}`;
  }
  return `${found}}`;
}

/** Levels that are written. Reason: a reply has at most 32; the host says so better than a stack that runs out. */
const WRITE_LEVELS_MAX = 64;

const HALF = /[\ud800-\udfff]/;
const PAIRS = /[^\ud800-\udfff]+|[\ud800-\udbff][\udc00-\udfff]/y;

function wellFormed(text: string): string {
  let found = "";
  for (let at = 0; at < text.length; ) {
    PAIRS.lastIndex = at;
    const sound = exec(PAIRS, text);
    found += sound ? sound[0] : "\ufffd";
    at = sound ? PAIRS.lastIndex : at + 1;
  }
  return found;
}
