// The few parts of Node that pure libraries ask for. What needs a system behind it is not here; the import then fails with its name.
(function node(native, shared) {
  const ERRNO = { 2: "EACCES", 8: "EBADF", 19: "EDQUOT", 20: "EEXIST", 22: "EFBIG", 27: "EINTR", 28: "EINVAL", 29: "EIO", 31: "EISDIR", 32: "ELOOP", 33: "EMFILE", 37: "ENAMETOOLONG", 44: "ENOENT", 48: "ENOMEM", 51: "ENOSPC", 52: "ENOSYS", 54: "ENOTDIR", 55: "ENOTEMPTY", 58: "ENOTSUP", 63: "EPERM", 69: "EROFS", 75: "EXDEV", 76: "EACCES" };
  const checked = function (found, doing, path) {
    if (typeof found !== "number" || found >= 0) return found;
    const code = ERRNO[-found] ?? "EIO";
    const error = new Error(`${code}: ${doing} '${path}'`);
    return throwIt(Object.assign(error, { code, errno: found, syscall: doing, path }));
  };
  const throwIt = (error) => {
    throw error;
  };
  const pathOf = (path) => {
    if (path instanceof Uint8Array) path = native.decode(path, true);
    path = path && typeof path === "object" && path.protocol === "file:" ? decodeURIComponent(path.pathname) : `${path}`;
    if (path.includes("\0")) throw new TypeError("a path holds no zero");
    return path;
  };
  const inPackage = (path) => {
    if (!path.startsWith("/package/")) return null;
    const name = shared.joined("", path.slice(9));
    return name !== null && shared.packageHas(name) ? name : null;
  };

  class Stats {
    constructor([kind, size, modified, accessed, changed]) {
      Object.assign(this, { size, mtimeMs: modified, atimeMs: accessed, ctimeMs: changed, mtime: new Date(modified), atime: new Date(accessed), ctime: new Date(changed) });
      Object.defineProperty(this, "kind", { value: kind });
    }
    isFile = () => this.kind === 1;
    isDirectory = () => this.kind === 2;
    isSymbolicLink = () => this.kind === 3;
  }
  class Dirent {
    constructor(name, kind, parentPath) {
      Object.assign(this, { name, parentPath, path: parentPath });
      Object.defineProperty(this, "kind", { value: kind });
    }
    isFile = () => this.kind === 1;
    isDirectory = () => this.kind === 2;
    isSymbolicLink = () => this.kind === 3;
  }

  const encodingOf = (options) => (typeof options === "string" ? options : options?.encoding);
  const read = function (path, options) {
    path = pathOf(path);
    const name = inPackage(path);
    const bytes = name !== null ? shared.packageBytes(name) : checked(native.readFile(path), "open", path);
    const encoding = encodingOf(options);
    if (!encoding || encoding === "buffer") return bytes;
    if (encoding !== "utf8" && encoding !== "utf-8") throw new TypeError(`the encoding ${encoding} is not here: only utf8 is`);
    return native.decode(bytes, false);
  };
  const write = (flag) =>
    function (path, data, options) {
      path = pathOf(path);
      const bytes = typeof data === "string" ? native.encode(data) : shared.bytesOf(data);
      checked(native.writeFile(path, bytes, options?.flag?.[0] === "a" ? "a" : options?.flag?.includes("x") ? "x" : flag), "open", path);
    };
  const stat = (follow) =>
    function (path, options) {
      path = pathOf(path);
      const name = inPackage(path);
      if (name !== null) return new Stats([1, shared.packageBytes(name).length, 0, 0, 0]);
      const found = native.stat(path, follow);
      if (options?.throwIfNoEntry === false && found === -44) return undefined;
      return new Stats(checked(found, "stat", path));
    };
  const list = function (path, options) {
    path = pathOf(path);
    const found = checked(native.listFolder(path), "scandir", path);
    const entries = [];
    for (let i = 0; i < found.length; i += 2) entries.push(new Dirent(found[i], found[i + 1], path));
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    return options?.withFileTypes ? entries : entries.map((entry) => entry.name);
  };
  const mkdir = function (path, options) {
    path = pathOf(path);
    if (options?.recursive) {
      const parts = path.split("/").filter(Boolean);
      for (let i = 1; i <= parts.length; i++) {
        const folder = `/${parts.slice(0, i).join("/")}`;
        if (typeof native.stat(folder, true) !== "number") continue;
        const made = native.change("mkdir", folder, "");
        // Folders above the granted one are not there for the tool; only the last answer counts.
        if (i === parts.length) checked(made, "mkdir", path);
      }
      return undefined;
    }
    checked(native.change("mkdir", path, ""), "mkdir", path);
  };
  const change = (what) => (path) => void checked(native.change(what, pathOf(path), ""), what, path);
  const rename = (from, to) => void checked(native.change("rename", pathOf(from), pathOf(to)), "rename", from);
  const remove = function (path, options = {}) {
    path = pathOf(path);
    const found = native.stat(path, false);
    if (typeof found === "number") return options.force && found === -44 ? undefined : checked(found, "rm", path);
    if (found[0] !== 2) return change("unlink")(path);
    if (!options.recursive) throw Object.assign(new Error(`EISDIR: rm '${path}'`), { code: "EISDIR" });
    for (const entry of list(path)) remove(`${path}/${entry}`, options);
    change("rmdir")(path);
  };
  const exists = (path) => {
    try {
      stat(true)(path);
      return true;
    } catch {
      return false;
    }
  };
  const access = (path) => void stat(true)(path);
  const copy = (from, to) => write("w")(to, read(from));
  const functions = { readFile: read, writeFile: write("w"), appendFile: write("a"), stat: stat(true), lstat: stat(false), readdir: list, mkdir, unlink: change("unlink"), rmdir: change("rmdir"), rename, rm: remove, access, copyFile: copy };
  const promises = {};
  const fs = { promises, existsSync: exists };
  for (const name of Object.keys(functions)) {
    const run = functions[name];
    fs[`${name}Sync`] = run;
    promises[name] = async (...given) => run(...given);
    fs[name] = (...given) => {
      const done = given.pop();
      promises[name](...given).then((found) => done(null, found), done);
    };
  }

  // Paths as POSIX has them.
  const normalize = (path) => {
    const rooted = path.startsWith("/");
    const parts = [];
    for (const part of path.split("/")) {
      if (part === "..") (parts.length && parts.at(-1) !== "..") || rooted ? parts.pop() : parts.push("..");
      else if (part && part !== ".") parts.push(part);
    }
    const text = parts.join("/");
    return (rooted ? "/" : "") + (text || (rooted ? "" : ".")) + (text && path.endsWith("/") ? "/" : "");
  };
  const path = {
    sep: "/",
    delimiter: ":",
    normalize,
    isAbsolute: (text) => text.startsWith("/"),
    join: (...parts) => normalize(parts.filter(Boolean).join("/") || "."),
    resolve: (...parts) => {
      let found = "";
      for (const part of parts.reverse()) if (part && !found.startsWith("/")) found = found ? `${part}/${found}` : part;
      found = normalize(found.startsWith("/") ? found : `/${found}`);
      return found.length > 1 && found.endsWith("/") ? found.slice(0, -1) : found;
    },
    dirname: (text) => {
      const trimmed = text.replace(/(.)\/+$/, "$1");
      const at = trimmed.lastIndexOf("/");
      return at < 0 ? "." : at === 0 ? "/" : trimmed.slice(0, at).replace(/(.)\/+$/, "$1");
    },
    basename: (text, ending = "") => {
      const name = text.replace(/\/+$/, "").split("/").pop();
      return ending && name.endsWith(ending) && name !== ending ? name.slice(0, -ending.length) : name;
    },
    extname: (text) => {
      const name = text.replace(/\/+$/, "").split("/").pop();
      const at = name.lastIndexOf(".");
      return at > 0 ? name.slice(at) : "";
    },
    relative: (from, to) => {
      const a = path.resolve(from).split("/").filter(Boolean);
      const b = path.resolve(to).split("/").filter(Boolean);
      let same = 0;
      while (same < a.length && same < b.length && a[same] === b[same]) same++;
      return [...a.slice(same).map(() => ".."), ...b.slice(same)].join("/");
    },
    parse: (text) => {
      const base = path.basename(text);
      const ext = path.extname(base);
      const root = text.startsWith("/") ? "/" : "";
      const dir = text.includes("/") ? path.dirname(text) : "";
      return { root, dir, base, ext, name: ext ? base.slice(0, -ext.length) : base };
    },
    format: ({ root = "", dir = root, base, name = "", ext = "" }) => (dir && dir !== root ? `${dir}/` : dir) + (base ?? name + ext),
  };
  path.posix = path;

  class EventEmitter {
    #handlers = new Map();
    on(name, handler) {
      this.#handlers.set(name, [...(this.#handlers.get(name) ?? []), handler]);
      return this;
    }
    addListener = this.on;
    once(name, handler) {
      const wrapped = (...values) => (this.off(name, wrapped), handler.apply(this, values));
      wrapped.listener = handler;
      return this.on(name, wrapped);
    }
    off(name, handler) {
      this.#handlers.set(name, (this.#handlers.get(name) ?? []).filter((item) => item !== handler && item.listener !== handler));
      return this;
    }
    removeListener = this.off;
    removeAllListeners(name) {
      if (name === undefined) this.#handlers.clear();
      else this.#handlers.delete(name);
      return this;
    }
    emit(name, ...values) {
      const handlers = this.#handlers.get(name) ?? [];
      if (!handlers.length && name === "error") throw values[0];
      for (const handler of handlers) handler.apply(this, values);
      return handlers.length > 0;
    }
    listeners(name) {
      return [...(this.#handlers.get(name) ?? [])];
    }
    listenerCount(name) {
      return (this.#handlers.get(name) ?? []).length;
    }
  }
  EventEmitter.EventEmitter = EventEmitter;

  const assert = (holds, message) => {
    if (!holds) throw message instanceof Error ? message : Object.assign(new Error(message ?? "the assertion does not hold"), { code: "ERR_ASSERTION", name: "AssertionError" });
  };
  assert.ok = assert;
  assert.equal = (a, b, message) => assert(a == b, message ?? `${shared.show(a, 1)} is not ${shared.show(b, 1)}`);
  assert.strictEqual = (a, b, message) => assert(Object.is(a, b), message ?? `${shared.show(a, 1)} is not ${shared.show(b, 1)}`);
  assert.fail = (message) => assert(false, message);

  const util = {
    inspect: (value) => shared.show(value, 1),
    format: (...values) => shared.format(values),
    promisify: (run) => (...given) => new Promise((yes, no) => run(...given, (fault, found) => (fault ? no(fault) : yes(found)))),
    inherits: (type, parent) => Object.setPrototypeOf(type.prototype, parent.prototype),
    deprecate: (run) => run,
    isDeep: undefined,
    types: { isDate: (v) => v instanceof Date, isRegExp: (v) => v instanceof RegExp, isPromise: (v) => v instanceof Promise },
    TextEncoder: globalThis.TextEncoder,
    TextDecoder: globalThis.TextDecoder,
  };
  delete util.isDeep;

  // A tool has no process of its own to look at: its name and its variables are all there is.
  const environment = {};
  shared.beginEnvironment = () => {
    for (const name of Object.keys(environment)) delete environment[name];
    for (const pair of native.environment()) {
      const at = pair.indexOf("=");
      environment[pair.slice(0, at)] = pair.slice(at + 1);
    }
  };
  const process = {
    env: environment,
    argv: ["tool"],
    platform: "wasi",
    arch: "wasm32",
    version: "",
    versions: {},
    cwd: () => "/",
    nextTick: (run, ...values) => queueMicrotask(() => run(...values)),
    hrtime: Object.assign((since = [0, 0]) => {
      const now = native.now();
      const all = Math.round(now * 1e6) - since[0] * 1e9 - since[1];
      return [Math.floor(all / 1e9), all % 1e9];
    }, { bigint: () => BigInt(Math.round(native.now() * 1e6)) }),
    emitWarning: (warning) => console.warn(String(warning)),
    on: () => process,
    once: () => process,
    off: () => process,
  };
  shared.global("process", process);
  shared.global("global", globalThis);

  shared.shims = {
    fs: () => fs,
    "fs/promises": () => promises,
    path: () => path,
    "path/posix": () => path,
    events: () => EventEmitter,
    assert: () => assert,
    util: () => util,
    process: () => process,
    url: () => ({ URL, URLSearchParams, fileURLToPath: (url) => pathOf(new URL(url)), pathToFileURL: (text) => new URL(`file://${path.resolve(text)}`) }),
    timers: () => ({ setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate }),
    "timers/promises": () => ({ setTimeout: (delay, value) => new Promise((done) => setTimeout(() => done(value), delay)) }),
    punycode: undefined,
    os: () => ({ EOL: "\n", platform: () => "wasi", tmpdir: () => "/tmp" }),
    crypto: () => ({ randomUUID: () => crypto.randomUUID(), getRandomValues: (array) => crypto.getRandomValues(array), webcrypto: crypto }),
    perf_hooks: () => ({ performance }),
  };
  delete shared.shims.punycode;
})
