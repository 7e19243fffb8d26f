// fetch and what belongs to it, over http.fetch of the host: one request at a time, bodies whole, no streams. Rights, redirects and secrets are the host's.
(function fetching(native, shared) {
  const { parse, stringify } = shared;
  const NO_HOST = -(2 ** 30) - 4;
  const [ABORT, UNTIL, FILL, PEEK] = ["abort", "until", "fill", "peek"].map(Symbol);
  const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

  class Headers {
    #list = [];
    constructor(given = undefined) {
      if (given === undefined || given === null) return;
      const pairs = typeof given[Symbol.iterator] === "function" ? [...given] : Object.keys(given).map((key) => [key, given[key]]);
      for (const [name, text] of pairs) this.append(name, text);
    }
    static #named(name) {
      name = `${name}`;
      if (!NAME.test(name)) throw new TypeError(`${stringify(name)} is no name of a header`);
      return name.toLowerCase();
    }
    static #valued(text) {
      text = `${text}`.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
      if (/[\0\r\n]/.test(text)) throw new TypeError("a header holds no line end and no zero");
      return text;
    }
    append(name, text) {
      this.#list.push([Headers.#named(name), Headers.#valued(text)]);
    }
    set(name, text) {
      name = Headers.#named(name);
      text = Headers.#valued(text);
      this.#list = [...this.#list.filter((pair) => pair[0] !== name), [name, text]];
    }
    delete(name) {
      name = Headers.#named(name);
      this.#list = this.#list.filter((pair) => pair[0] !== name);
    }
    get(name) {
      name = Headers.#named(name);
      const found = this.#list.filter((pair) => pair[0] === name).map((pair) => pair[1]);
      return found.length ? found.join(", ") : null;
    }
    has(name) {
      return this.get(name) !== null;
    }
    getSetCookie() {
      return this.#list.filter((pair) => pair[0] === "set-cookie").map((pair) => pair[1]);
    }
    *entries() {
      const names = [...new Set(this.#list.map((pair) => pair[0]))].sort();
      for (const name of names) {
        if (name === "set-cookie") for (const text of this.getSetCookie()) yield [name, text];
        else yield [name, this.get(name)];
      }
    }
    *keys() {
      for (const [name] of this.entries()) yield name;
    }
    *values() {
      for (const [, text] of this.entries()) yield text;
    }
    forEach(run, self) {
      for (const [name, text] of this.entries()) run.call(self, text, name, this);
    }
    [Symbol.iterator]() {
      return this.entries();
    }
  }

  class AbortSignal {
    aborted = false;
    reason = undefined;
    onabort = null;
    #handlers = [];
    addEventListener(name, run) {
      if (name === "abort") this.#handlers.push(run);
    }
    removeEventListener(name, run) {
      this.#handlers = this.#handlers.filter((item) => item !== run);
    }
    throwIfAborted() {
      if (this.aborted) throw this.reason;
    }
    [ABORT](reason) {
      if (this.aborted) return;
      this.aborted = true;
      this.reason = reason;
      for (const run of [this.onabort, ...this.#handlers]) if (run) run.call(this, { type: "abort", target: this });
    }
    static abort(reason = new shared.DOMException("the request was ended", "AbortError")) {
      const signal = new AbortSignal();
      signal[ABORT](reason);
      return signal;
    }
    static timeout(delay) {
      const signal = new AbortSignal();
      signal[UNTIL] = native.now() + Number(delay);
      setTimeout(() => signal[ABORT](new shared.DOMException("the time is over", "TimeoutError")), delay);
      return signal;
    }
  }
  class AbortController {
    signal = new AbortSignal();
    abort(reason = new shared.DOMException("the request was ended", "AbortError")) {
      this.signal[ABORT](reason);
    }
  }

  // A body becomes bytes when it is given; [bytes, type].
  function bodyOf(given) {
    if (given === undefined || given === null) return [null, null];
    if (given instanceof URLSearchParams) return [native.encode(given.toString()), "application/x-www-form-urlencoded;charset=UTF-8"];
    if (given instanceof ArrayBuffer || ArrayBuffer.isView(given)) return [shared.bytesOf(given).slice(), null];
    return [native.encode(`${given}`), "text/plain;charset=UTF-8"];
  }
  class Body {
    #bytes = null;
    bodyUsed = false;
    [FILL](bytes) {
      this.#bytes = bytes;
    }
    [PEEK]() {
      return this.#bytes;
    }
    async bytes() {
      if (this.bodyUsed) throw new TypeError("the body was read already");
      this.bodyUsed = this.#bytes !== null;
      return this.#bytes ?? new Uint8Array(0);
    }
    async arrayBuffer() {
      const bytes = await this.bytes();
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    }
    async text() {
      return new TextDecoder().decode(await this.bytes());
    }
    async json() {
      return parse(await this.text());
    }
  }

  class Request extends Body {
    constructor(given, how = {}) {
      super();
      const from = given instanceof Request ? given : null;
      this.url = from ? from.url : new URL(`${given}`).href;
      const method = `${how.method ?? from?.method ?? "GET"}`;
      this.method = /^(get|head|post|put|delete|options)$/i.test(method) ? method.toUpperCase() : method;
      this.headers = new Headers(how.headers ?? from?.headers);
      this.redirect = how.redirect ?? from?.redirect ?? "follow";
      this.signal = how.signal ?? from?.signal ?? null;
      const [bytes, type] = how.body === undefined ? [from?.[PEEK]() ?? null, null] : bodyOf(how.body);
      if (bytes !== null && (this.method === "GET" || this.method === "HEAD")) throw new TypeError(`a ${this.method} request has no body`);
      this[FILL](bytes);
      if (type && !this.headers.has("content-type")) this.headers.set("content-type", type);
    }
    clone() {
      return new Request(this);
    }
  }

  class Response extends Body {
    constructor(body = null, { status = 200, statusText = "", headers = undefined } = {}) {
      super();
      if (!Number.isInteger(status) || status < 200 || status > 599) throw new RangeError("a status is from 200 to 599");
      const [bytes, type] = bodyOf(body);
      Object.assign(this, { status, statusText, headers: new Headers(headers), url: "", redirected: false, type: "default" });
      this[FILL](bytes);
      if (type && !this.headers.has("content-type")) this.headers.set("content-type", type);
    }
    get ok() {
      return this.status >= 200 && this.status <= 299;
    }
    clone() {
      if (this.bodyUsed) throw new TypeError("the body was read already");
      const copy = new Response(this[PEEK](), this);
      return Object.assign(copy, { url: this.url, redirected: this.redirected });
    }
    static json(value, how = {}) {
      const found = new Response(stringify(value), how);
      found.headers.set("content-type", how.headers && new Headers(how.headers).get("content-type") ? new Headers(how.headers).get("content-type") : "application/json");
      return found;
    }
    static error() {
      return Object.assign(new Response(), { status: 0, type: "error" });
    }
  }

  function failed(code, message) {
    const cause = Object.assign(new Error(message), { code });
    return Object.assign(new TypeError(`fetch failed: ${message}`, { cause }), { code });
  }
  // fetch(address, {timeout}) is ours: milliseconds for this one request.
  async function fetch(given, how = {}) {
    const request = new Request(given, how);
    if (request.signal) request.signal.throwIfAborted();
    const params = { method: request.method, url: request.url };
    const headers = [...request.headers];
    if (headers.length) params.headers = headers;
    const body = request[PEEK]();
    if (body !== null) params.body = native.toBase64(body);
    const left = how.timeout ?? (request.signal?.[UNTIL] === undefined ? undefined : request.signal[UNTIL] - native.now());
    if (left !== undefined) params.timeout_ms = Math.max(1, Math.ceil(left));
    if (request.redirect !== "follow") params.redirect = "manual";
    const text = native.call(stringify({ method: "http.fetch", params }));
    if (typeof text !== "string") throw failed("unavailable", text === NO_HOST ? "there is no host to call" : `the host refuses the call (${text})`);
    const answer = parse(text);
    if (answer.error) {
      if (answer.error.code === "timeout" && request.signal?.[UNTIL] !== undefined) throw new shared.DOMException("the time is over", "TimeoutError");
      throw failed(answer.error.code, answer.error.message);
    }
    const { status, url } = answer.result;
    if (request.redirect === "error" && status >= 300 && status <= 399) throw failed("redirect", "the server redirects");
    const found = new Response(null, { status: status < 200 ? 200 : status, headers: answer.result.headers });
    found[FILL](status === 204 || status === 304 ? null : native.fromBase64(answer.result.body));
    return Object.assign(found, { status, url, redirected: url !== request.url, type: "basic" });
  }

  for (const [type, name] of [[Headers, "Headers"], [Request, "Request"], [Response, "Response"], [AbortController, "AbortController"], [AbortSignal, "AbortSignal"]]) {
    shared.tag(type, name);
    shared.global(name, type);
  }
  shared.global("fetch", fetch);
})
