// URL and URLSearchParams, as the URL Standard has them but for hosts beyond ASCII, which are refused: there is no table of names here.
(function urls(native, shared) {
  const PORTS = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21", "file:": "" };
  const invalid = (text) => new TypeError(`Invalid URL: ${shared.slice(text, 0, 200)}`);

  const hex = (byte) => `%${byte < 16 ? "0" : ""}${byte.toString(16).toUpperCase()}`;
  function encode(text, kept) {
    let found = "";
    for (const character of text) {
      if (kept.test(character)) found += character;
      else for (const byte of native.encode(character)) found += hex(byte);
    }
    return found;
  }
  function decodeBytes(text) {
    const bytes = native.encode(text);
    const found = new Uint8Array(bytes.length);
    let size = 0;
    for (let i = 0; i < bytes.length; i++) {
      const pair = bytes[i] === 0x25 ? shared.slice(String.fromCharCode(...bytes.subarray(i + 1, i + 3)), 0, 2) : "";
      if (/^[0-9a-fA-F]{2}$/.test(pair)) {
        found[size++] = parseInt(pair, 16);
        i += 2;
      } else found[size++] = bytes[i];
    }
    return found.subarray(0, size);
  }
  // What stays as it is, in each part.
  const IN_PATH = /[!$%&'()*+,\-./0-9:;=@A-Z[\\\]^_a-z|~]/;
  const IN_OPAQUE = /[ -~]/;
  const IN_QUERY = /[!$%&()*+,\-./0-9:;=?@A-Z[\\\]^_`a-z{|}~]/;
  const IN_SPECIAL_QUERY = IN_QUERY;
  const IN_FRAGMENT = /[!#$%&'()*+,\-./0-9:;=?@A-Z[\\\]^_a-z{|}~]/;
  const IN_USER = /[!$%&'()*+,\-.0-9A-Z_a-z~]/;
  const IN_FORM = /[*\-.0-9A-Z_a-z]/;

  // ---- hosts ----
  const HOST_NEVER = /[\0-\x20#%/:<>?@[\\\]^|\x7f]/;
  function number4(part) {
    if (part === "") return NaN;
    if (/^0[xX][0-9a-fA-F]*$/.test(part)) return part.length === 2 ? 0 : parseInt(part, 16);
    if (/^0[0-7]+$/.test(part)) return parseInt(part, 8);
    return /^(0|[1-9][0-9]*)$/.test(part) ? Number(part) : NaN;
  }
  // An address in any spelling that programs take for one is written in the one that people read.
  function host4(text) {
    const parts = text.split(".");
    if (parts.at(-1) === "" && parts.length > 1) parts.pop();
    const last = parts.at(-1);
    if (!/^([0-9]+|0[xX][0-9a-fA-F]*)$/.test(last)) return null;
    const numbers = parts.map(number4);
    const largest = 256 ** (5 - numbers.length);
    if (parts.length > 4 || numbers.some(Number.isNaN) || numbers.slice(0, -1).some((n) => n > 255) || numbers.at(-1) >= largest) throw invalid(text);
    let all = numbers.at(-1);
    for (let i = 0; i < numbers.length - 1; i++) all += numbers[i] * 256 ** (3 - i);
    return [24, 16, 8, 0].map((shift) => Math.floor(all / 2 ** shift) % 256).join(".");
  }
  function host6(text) {
    const halves = text.split("::");
    if (halves.length > 2) throw invalid(text);
    const pieces = (half) => {
      if (half === "") return [];
      const parts = half.split(":");
      const tail = parts.at(-1);
      if (tail.includes(".")) {
        if (!/^(\d{1,3}\.){3}\d{1,3}$/.test(tail)) throw invalid(text);
        const [a, b, c, d] = tail.split(".").map(Number);
        if (Math.max(a, b, c, d) > 255) throw invalid(text);
        parts.splice(-1, 1, (a * 256 + b).toString(16), (c * 256 + d).toString(16));
      }
      for (const part of parts) if (!/^[0-9a-fA-F]{1,4}$/.test(part)) throw invalid(text);
      return parts.map((part) => parseInt(part, 16));
    };
    const [front, back] = [pieces(halves[0]), halves.length === 2 ? pieces(halves[1]) : []];
    const missing = 8 - front.length - back.length;
    if (halves.length === 2 ? missing < 1 : missing !== 0) throw invalid(text);
    const all = [...front, ...new Array(missing).fill(0), ...back];
    return `[${shortened(all)}]`;
  }
  function shortened(all) {
    let best = { at: -1, size: 1 };
    for (let i = 0; i < 8; i++) {
      let size = 0;
      while (i + size < 8 && all[i + size] === 0) size++;
      if (size > best.size) best = { at: i, size };
    }
    const words = all.map((n) => n.toString(16));
    if (best.at < 0) return words.join(":");
    return `${words.slice(0, best.at).join(":")}::${words.slice(best.at + best.size).join(":")}`;
  }
  function hostOf(text, special) {
    if (text.startsWith("[")) {
      if (!text.endsWith("]")) throw invalid(text);
      return host6(text.slice(1, -1));
    }
    if (!special) {
      if (/[\0\t\n\r #/:<>?@[\\\]^|]/.test(text)) throw invalid(text);
      return encode(text, IN_OPAQUE);
    }
    let name = native.decode(decodeBytes(text), false);
    if (/[^\0-\x7f]/.test(name)) throw new TypeError(`the host ${name} is not ASCII: write it as xn--`);
    name = name.toLowerCase();
    if (name === "" || HOST_NEVER.test(name)) throw invalid(text);
    return host4(name) ?? name;
  }

  // ---- the parts of an address ----
  function shorten(path, scheme) {
    if (scheme === "file:" && path.length === 1 && /^[a-zA-Z]:$/.test(path[0])) return;
    path.pop();
  }
  function pathOf(text, base, special, scheme) {
    const path = base.slice();
    const parts = (special ? text.replaceAll("\\", "/") : text).split("/");
    parts.forEach((part, at) => {
      const last = at === parts.length - 1;
      const plain = part.replace(/%2e/gi, ".");
      if (plain === "..") {
        shorten(path, scheme);
        if (last) path.push("");
      } else if (plain === ".") {
        if (last) path.push("");
      } else path.push(encode(part, IN_PATH));
    });
    return path;
  }
  function authority(found, text, special) {
    const at = text.lastIndexOf("@");
    if (at >= 0) {
      const [user, ...rest] = text.slice(0, at).split(":");
      found.username = encode(user, IN_USER);
      found.password = encode(rest.join(":"), IN_USER);
    }
    const place = text.slice(at + 1);
    const [, name, , port] = /^(\[[^\]]*\]|[^:]*)(:(.*))?$/s.exec(place) ?? [null, ""];
    if (name === undefined || (special && name === "" && found.protocol !== "file:")) throw invalid(text);
    found.host = name === "" ? "" : hostOf(name, special);
    if (found.protocol === "file:" && found.host === "localhost") found.host = "";
    if (port) {
      if (!/^[0-9]+$/.test(port) || Number(port) > 65535) throw invalid(text);
      const plain = String(Number(port));
      found.port = plain === PORTS[found.protocol] ? "" : plain;
    }
  }
  const empty = (protocol) => ({ protocol, username: "", password: "", host: null, port: "", path: [], opaque: null, query: null, fragment: null });

  function parse(input, base) {
    let text = input.replace(/^[\0-\x20]+|[\0-\x20]+$/g, "").replace(/[\t\n\r]/g, "");
    const scheme = /^([a-zA-Z][a-zA-Z0-9+\-.]*):/.exec(text);
    if (!scheme && !base) throw invalid(input);
    let found = empty(scheme ? `${scheme[1].toLowerCase()}:` : base.protocol);
    const special = found.protocol in PORTS;
    if (scheme) text = text.slice(scheme[0].length);
    const hash = text.indexOf("#");
    if (hash >= 0) {
      found.fragment = encode(text.slice(hash + 1), IN_FRAGMENT);
      text = text.slice(0, hash);
    }
    const mark = text.indexOf("?");
    const query = mark >= 0 ? encode(text.slice(mark + 1), special ? IN_SPECIAL_QUERY : IN_QUERY) : null;
    if (mark >= 0) text = text.slice(0, mark);
    found.query = query;
    const relative = !scheme || (special && base && base.protocol === found.protocol && !/^[/\\]/.test(text));
    if (relative) return joined(found, text, base, special, input);
    rooted(found, text, special, input);
    return found;
  }
  function rooted(found, text, special, input) {
    const slashes = special ? /^[/\\]{0,}/.exec(text)[0] : text.startsWith("//") ? "//" : "";
    if (special && found.protocol === "file:") {
      if (slashes.length >= 2) filed(found, text.slice(2));
      else {
        found.host = "";
        found.path = pathOf(text.replace(/^[/\\]/, ""), [], true, found.protocol);
      }
    } else if (special || slashes) {
      const rest = text.slice(slashes.length);
      const end = rest.search(special ? /[/\\]/ : /\//);
      authority(found, end < 0 ? rest : rest.slice(0, end), special);
      if (special || end >= 0) found.path = pathOf(end < 0 ? "" : rest.slice(end + 1), [], special, found.protocol);
    } else if (text.startsWith("/")) found.path = pathOf(text.slice(1), [], false, found.protocol);
    else found.opaque = encode(text, IN_OPAQUE);
    if (special && found.host === null) throw invalid(input);
  }
  function filed(found, text) {
    const end = text.search(/[/\\]/);
    const place = end < 0 ? text : text.slice(0, end);
    if (/^[a-zA-Z][:|]$/.test(place)) {
      found.host = "";
      found.path = pathOf(text, [], true, found.protocol);
      return;
    }
    authority(found, place, true);
    found.path = pathOf(end < 0 ? "" : text.slice(end + 1), [], true, found.protocol);
  }
  function joined(found, text, base, special, input) {
    if (base.opaque !== null) {
      if (text !== "" || found.query !== null || found.fragment === null) throw invalid(input);
      return { ...base, fragment: found.fragment };
    }
    const slash = special ? /^[/\\]/ : /^\//;
    if ((special ? /^[/\\]{2}/ : /^\/\//).test(text)) {
      rooted(found, text, special, input);
      return found;
    }
    for (const part of ["username", "password", "host", "port"]) found[part] = base[part];
    if (slash.test(text)) found.path = pathOf(text.slice(1), [], special, found.protocol);
    else if (text !== "") {
      const above = base.path.slice();
      shorten(above, found.protocol);
      found.path = pathOf(text, above, special, found.protocol);
    } else {
      found.path = base.path.slice();
      if (found.query === null) found.query = base.query;
    }
    return found;
  }

  const pathText = (found) => (found.opaque !== null ? found.opaque : found.path.map((part) => `/${part}`).join(""));
  function written(found, fragment = true) {
    let text = found.protocol;
    if (found.host !== null) {
      const secret = found.password ? `:${found.password}` : "";
      const user = found.username || secret ? `${found.username}${secret}@` : "";
      text += `//${user}${found.host}${found.port ? `:${found.port}` : ""}`;
    } else if (found.opaque === null && found.path.length > 1 && found.path[0] === "") text += "/.";
    text += pathText(found);
    if (found.query !== null) text += `?${found.query}`;
    if (fragment && found.fragment !== null) text += `#${found.fragment}`;
    return text;
  }

  // ---- the classes ----
  const BOUND = Symbol("bound");
  const REREAD = Symbol("reread");
  const formText = (text) => native.decode(decodeBytes(text.replaceAll("+", " ")), false);
  const formEncoded = (text) => encode(text, IN_FORM).replaceAll("%20", "+");
  class URLSearchParams {
    #list = [];
    #changed = null;
    constructor(given = "") {
      if (given !== null && typeof given === "object") {
        const pairs = typeof given[Symbol.iterator] === "function" ? [...given] : Object.keys(given).map((key) => [key, given[key]]);
        for (const pair of pairs) {
          const [name, text, ...more] = pair;
          if (text === undefined || more.length) throw new TypeError("each entry has a name and a value");
          this.#list.push([`${name}`, `${text}`]);
        }
      } else this.#read(`${given}`.replace(/^\?/, ""));
    }
    #read(text) {
      this.#list = [];
      for (const piece of text.split("&")) {
        if (piece === "") continue;
        const at = piece.indexOf("=");
        this.#list.push(at < 0 ? [formText(piece), ""] : [formText(piece.slice(0, at)), formText(piece.slice(at + 1))]);
      }
    }
    #tell() {
      if (this.#changed) this.#changed(this.toString());
    }
    // For URL alone: whoever holds the key can tie a list to an address.
    [BOUND](changed) {
      this.#changed = changed;
    }
    [REREAD](text) {
      this.#read(text);
    }
    get size() {
      return this.#list.length;
    }
    append(name, text) {
      this.#list.push([`${name}`, `${text}`]);
      this.#tell();
    }
    delete(name, text) {
      this.#list = this.#list.filter((pair) => pair[0] !== `${name}` || (text !== undefined && pair[1] !== `${text}`));
      this.#tell();
    }
    get(name) {
      const found = this.#list.find((pair) => pair[0] === `${name}`);
      return found ? found[1] : null;
    }
    getAll(name) {
      return this.#list.filter((pair) => pair[0] === `${name}`).map((pair) => pair[1]);
    }
    has(name, text) {
      return this.#list.some((pair) => pair[0] === `${name}` && (text === undefined || pair[1] === `${text}`));
    }
    set(name, text) {
      const at = this.#list.findIndex((pair) => pair[0] === `${name}`);
      if (at < 0) return this.append(name, text);
      this.#list = this.#list.filter((pair, i) => i <= at || pair[0] !== `${name}`);
      this.#list[at] = [`${name}`, `${text}`];
      this.#tell();
    }
    sort() {
      this.#list.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
      this.#tell();
    }
    forEach(run, self) {
      for (const [name, text] of this.#list) run.call(self, text, name, this);
    }
    *entries() {
      for (let i = 0; i < this.#list.length; i++) yield [...this.#list[i]];
    }
    *keys() {
      for (const [name] of this.entries()) yield name;
    }
    *values() {
      for (const [, text] of this.entries()) yield text;
    }
    [Symbol.iterator]() {
      return this.entries();
    }
    toString() {
      return this.#list.map(([name, text]) => `${formEncoded(name)}=${formEncoded(text)}`).join("&");
    }
  }

  class URL {
    #found;
    #list = null;
    constructor(text, base) {
      this.#found = parse(`${text}`, base === undefined ? null : parse(`${base}`, null));
    }
    static canParse(text, base) {
      return URL.parse(text, base) !== null;
    }
    static parse(text, base) {
      try {
        return new URL(text, base);
      } catch {
        return null;
      }
    }
    get href() {
      return written(this.#found);
    }
    set href(text) {
      this.#found = parse(`${text}`, null);
      if (this.#list) this.#list[REREAD](this.#found.query ?? "");
    }
    get origin() {
      const { protocol, host } = this.#found;
      return protocol in PORTS && protocol !== "file:" ? `${protocol}//${host}${this.#found.port ? `:${this.#found.port}` : ""}` : "null";
    }
    get protocol() {
      return this.#found.protocol;
    }
    set protocol(text) {
      const scheme = /^([a-zA-Z][a-zA-Z0-9+\-.]*)/.exec(`${text}`);
      if (!scheme) return;
      const protocol = `${scheme[1].toLowerCase()}:`;
      if (protocol in PORTS !== this.#found.protocol in PORTS || protocol === "file:") return;
      this.#found.protocol = protocol;
      if (this.#found.port === PORTS[protocol]) this.#found.port = "";
    }
    get username() {
      return this.#found.username;
    }
    set username(text) {
      if (this.#found.host) this.#found.username = encode(`${text}`, IN_USER);
    }
    get password() {
      return this.#found.password;
    }
    set password(text) {
      if (this.#found.host) this.#found.password = encode(`${text}`, IN_USER);
    }
    get host() {
      return `${this.#found.host ?? ""}${this.#found.port ? `:${this.#found.port}` : ""}`;
    }
    set host(text) {
      this.#place(`${text}`);
    }
    get hostname() {
      return this.#found.host ?? "";
    }
    set hostname(text) {
      this.#place(`${text}`.replace(/:[0-9]*$/, ""));
    }
    #place(text) {
      if (this.#found.opaque !== null) return;
      const changed = { ...this.#found, username: "", password: "" };
      try {
        authority(changed, text.replace(/[/?#].*$/s, "").replace(/@/g, "%40"), this.#found.protocol in PORTS);
      } catch {
        return;
      }
      this.#found.host = changed.host;
      this.#found.port = changed.port;
    }
    get port() {
      return this.#found.port;
    }
    set port(text) {
      const digits = /^[0-9]*/.exec(`${text}`)[0];
      if (!this.#found.host || Number(digits) > 65535) return;
      const plain = digits && String(Number(digits));
      this.#found.port = plain === PORTS[this.#found.protocol] ? "" : plain;
    }
    get pathname() {
      return pathText(this.#found);
    }
    set pathname(text) {
      if (this.#found.opaque !== null) return;
      this.#found.path = pathOf(`${text}`.replace(/^[/\\]/, "").replace(/\?/g, "%3F").replace(/#/g, "%23"), [], this.#found.protocol in PORTS, this.#found.protocol);
    }
    get search() {
      return this.#found.query ? `?${this.#found.query}` : "";
    }
    set search(text) {
      const query = `${text}`.replace(/^\?/, "");
      this.#found.query = query === "" ? null : encode(query.replaceAll("#", "%23"), IN_QUERY);
      if (this.#list) this.#list[REREAD](query);
    }
    get searchParams() {
      if (!this.#list) {
        this.#list = new URLSearchParams(this.#found.query ?? "");
        this.#list[BOUND]((query) => (this.#found.query = query === "" ? null : query));
      }
      return this.#list;
    }
    get hash() {
      return this.#found.fragment ? `#${this.#found.fragment}` : "";
    }
    set hash(text) {
      const fragment = `${text}`.replace(/^#/, "");
      this.#found.fragment = fragment === "" ? null : encode(fragment, IN_FRAGMENT);
    }
    toString() {
      return this.href;
    }
    toJSON() {
      return this.href;
    }
  }
  shared.tag(URL, "URL");
  shared.tag(URLSearchParams, "URLSearchParams");
  shared.global("URL", URL);
  shared.global("URLSearchParams", URLSearchParams);
})
