// TextEncoder, TextDecoder, atob, btoa, structuredClone, DOMException, crypto, performance.
(function text(native, shared) {
  class DOMException extends Error {
    constructor(message = "", name = "Error") {
      super(message);
      Object.defineProperty(this, "name", { value: `${name}`, configurable: true });
    }
  }
  shared.DOMException = DOMException;

  class TextEncoder {
    get encoding() {
      return "utf-8";
    }
    encode(text = "") {
      return native.encode(`${text}`);
    }
    encodeInto(text, target) {
      let read = 0;
      let written = 0;
      for (const character of `${text}`) {
        const bytes = native.encode(character);
        if (written + bytes.length > target.length) break;
        target.set(bytes, written);
        written += bytes.length;
        read += character.length;
      }
      return { read, written };
    }
  }

  const LABELS = { "utf-8": "utf-8", utf8: "utf-8", "unicode-1-1-utf-8": "utf-8" };
  // How many bytes at the end are the beginning of a character that is not there yet.
  const unfinished = (bytes) => {
    for (let back = 1; back <= 3 && back <= bytes.length; back++) {
      const byte = bytes[bytes.length - back];
      if (byte < 0x80) return 0;
      if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0;
    }
    return 0;
  };
  class TextDecoder {
    #left = new Uint8Array(0);
    #begun = false;
    constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
      const encoding = LABELS[`${label}`.trim().toLowerCase()];
      if (!encoding) throw new RangeError(`the encoding ${label} is not here: only UTF-8 is`);
      Object.defineProperties(this, {
        encoding: { value: encoding, enumerable: true },
        fatal: { value: !!fatal, enumerable: true },
        ignoreBOM: { value: !!ignoreBOM, enumerable: true },
      });
    }
    decode(data = new Uint8Array(0), { stream = false } = {}) {
      let bytes = shared.bytesOf(data);
      if (this.#left.length) {
        const joined = new Uint8Array(this.#left.length + bytes.length);
        joined.set(this.#left);
        joined.set(bytes, this.#left.length);
        bytes = joined;
      }
      const keep = stream ? unfinished(bytes) : 0;
      this.#left = bytes.slice(bytes.length - keep);
      let found = native.decode(keep ? bytes.subarray(0, bytes.length - keep) : bytes, this.fatal);
      if (!this.#begun && found.length) {
        this.#begun = true;
        if (!this.ignoreBOM && found.charCodeAt(0) === 0xfeff) found = found.slice(1);
      }
      if (!stream) this.#begun = false;
      return found;
    }
  }

  const invalid = (message) => new DOMException(message, "InvalidCharacterError");
  function btoa(text) {
    text = `${text}`;
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 255) throw invalid("btoa takes characters below 256 only");
      bytes[i] = code;
    }
    return native.toBase64(bytes);
  }
  function atob(text) {
    const bytes = lenient(`${text}`.replace(/[\t\n\f\r ]/g, ""));
    if (bytes === null) throw invalid("the text is no base64");
    let found = "";
    for (let i = 0; i < bytes.length; i += 8192) found += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return found;
  }
  // atob passes over bits that are left at the end; native.fromBase64 does not.
  const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  function lenient(text) {
    if (text.length % 4 === 0) text = text.replace(/={1,2}$/, "");
    const over = text.length % 4;
    if (over === 1 || text.includes("=")) return null;
    if (over) {
      const mask = over === 2 ? 0x30 : 0x3c;
      const last = ALPHABET.indexOf(text[text.length - 1]);
      if (last < 0) return null;
      text = text.slice(0, -1) + ALPHABET[last & mask];
    }
    return native.fromBase64(text);
  }

  const UNCLONABLE = (value) => new DOMException(`a ${typeof value} cannot be cloned`, "DataCloneError");
  function structuredClone(value, { transfer = [] } = {}) {
    const seen = new Map();
    for (const buffer of transfer) {
      if (!(buffer instanceof ArrayBuffer)) throw new DOMException("only an ArrayBuffer can be transferred", "DataCloneError");
      seen.set(buffer, native.transfer(buffer));
    }
    const keep = (from, to) => (seen.set(from, to), to);
    const clone = (from) => {
      if (typeof from === "function" || typeof from === "symbol") throw UNCLONABLE(from);
      if (from === null || typeof from !== "object") return from;
      if (seen.has(from)) return seen.get(from);
      if (Array.isArray(from)) {
        const to = keep(from, new Array(from.length));
        for (const key of Object.keys(from)) to[key] = clone(from[key]);
        return to;
      }
      if (from instanceof Date) return keep(from, new Date(from.getTime()));
      if (from instanceof RegExp) return keep(from, new RegExp(from.source, from.flags));
      if (from instanceof ArrayBuffer) return keep(from, from.slice(0));
      if (ArrayBuffer.isView(from)) {
        const buffer = clone(from.buffer);
        return keep(from, new from.constructor(buffer, from.byteOffset, from instanceof DataView ? from.byteLength : from.length));
      }
      if (from instanceof Map) {
        const to = keep(from, new Map());
        for (const [key, item] of from) to.set(clone(key), clone(item));
        return to;
      }
      if (from instanceof Set) {
        const to = keep(from, new Set());
        for (const item of from) to.add(clone(item));
        return to;
      }
      if (from instanceof Error) return keep(from, cloneError(from, clone));
      if (from instanceof Boolean || from instanceof Number || from instanceof String) return keep(from, Object(from.valueOf()));
      if (from instanceof Promise || from instanceof WeakMap || from instanceof WeakSet || from instanceof WeakRef) throw UNCLONABLE(from);
      const to = keep(from, {});
      for (const key of Object.keys(from)) to[key] = clone(from[key]);
      return to;
    };
    return clone(value);
  }
  const ERRORS = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
  function cloneError(from, clone) {
    const to = new (ERRORS[from.name] ?? Error)(from.message);
    Object.defineProperty(to, "stack", { value: from.stack, writable: true, configurable: true });
    if ("cause" in from) Object.defineProperty(to, "cause", { value: clone(from.cause), writable: true, configurable: true });
    return to;
  }

  const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));
  const RANDOM_BYTES_MAX = 65536;
  const crypto = {
    getRandomValues(array) {
      if (!ArrayBuffer.isView(array) || array instanceof DataView || array instanceof Float32Array || array instanceof Float64Array)
        throw new DOMException("an array of integers is wanted", "TypeMismatchError");
      if (array.byteLength > RANDOM_BYTES_MAX) throw new DOMException(`at most ${RANDOM_BYTES_MAX} bytes at once`, "QuotaExceededError");
      native.random(shared.bytesOf(array));
      return array;
    },
    randomUUID() {
      const bytes = new Uint8Array(16);
      native.random(bytes);
      bytes[6] = (bytes[6] & 0x0f) | 0x40;
      bytes[8] = (bytes[8] & 0x3f) | 0x80;
      const hex = Array.from(bytes, (byte) => HEX[byte]).join("");
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    },
  };

  let origin = 0;
  let began = 0;
  shared.beginClock = () => {
    began = native.now();
    origin = shared.now();
  };
  const performance = {
    now: () => native.now() - began,
    get timeOrigin() {
      return origin;
    },
  };

  for (const [type, name] of [[TextEncoder, "TextEncoder"], [TextDecoder, "TextDecoder"]]) shared.tag(type, name);
  const values = { DOMException, TextEncoder, TextDecoder, btoa, atob, structuredClone, crypto, performance };
  for (const name of Object.keys(values)) shared.global(name, values[name]);
})
