// The files of the tool's package, and how modules are found in them: as other engines do, without a disk.
(function modules(native, shared) {
  const { slice, split, startsWith, endsWith, lastIndexOf, push, join, parse, then } = shared;
  const ROOT = "/package/";
  const files = new Map(); // name in the package -> [offset, size]
  const has = shared.own(Map.prototype.has);
  const get = shared.own(Map.prototype.get);
  const set = shared.own(Map.prototype.set);
  const keys = Object.keys;
  let bundle = { entrypoint: "", load: true };

  shared.readIndex = function () {
    const head = native.bundleText(0, Math.min(64, native.bundleSize()));
    const found = /^MPPB1 ([0-9a-f]{8}) ([01]) ([0-9]{1,9})\n/.exec(head);
    if (!found) throw new Error("what stands on standard input is not the bundle of a tool");
    let at = found[0].length;
    const index = parse(native.bundleText(at, Number(found[3])));
    at += Number(found[3]);
    for (const [name, size] of index.files) {
      set(files, name, [at, size]);
      at += size;
    }
    if (at !== native.bundleSize()) throw new Error("the bundle of the tool is not as long as its index says");
    bundle = { entrypoint: index.entrypoint, load: found[2] === "1" };
    return bundle;
  };

  shared.packageHas = (name) => has(files, name);
  shared.packageNames = () => [...files.keys()];
  shared.packageText = function (name) {
    const [at, size] = get(files, name);
    return native.bundleText(at, size);
  };
  shared.packageBytes = function (name) {
    const [at, size] = get(files, name);
    return native.bundleBytes(at, size);
  };

  const folderOf = (name) => slice(name, 0, Math.max(0, lastIndexOf(name, "/")));
  function joined(folder, name) {
    const parts = folder ? split(folder, "/") : [];
    for (const part of split(name, "/")) {
      if (part === "..") {
        if (!parts.length) return null;
        parts.length--;
      } else if (part !== "" && part !== ".") push(parts, part);
    }
    return join(parts, "/");
  }
  shared.joined = joined;

  const described = new Map(); // folder -> its package.json
  function description(folder) {
    const name = folder ? `${folder}/package.json` : "package.json";
    if (!has(files, name)) return null;
    if (!has(described, folder)) {
      try {
        set(described, folder, parse(shared.packageText(name)));
      } catch (fault) {
        throw new Error(`${name} is no JSON: ${fault.message}`);
      }
    }
    return get(described, folder);
  }
  function scope(name) {
    for (let folder = folderOf(name); ; folder = folderOf(folder)) {
      const found = description(folder);
      if (found) return { folder, found };
      if (!folder) return { folder: "", found: {} };
    }
  }

  const ENDINGS = ["", ".js", ".mjs", ".cjs", ".json"];
  function fileOf(path) {
    if (path === null) return null;
    for (const ending of ENDINGS) if (has(files, path + ending)) return path + ending;
    const about = description(path);
    const main = about && typeof about.main === "string" ? joined(path, about.main) : null;
    for (const start of [main, main && `${main}/index`, path ? `${path}/index` : "index"])
      if (start) for (const ending of ENDINGS) if (has(files, start + ending)) return start + ending;
    return null;
  }

  // The form of package.json "exports" and "imports": a path, a list of ways, or conditions.
  function target(value, conditions, star) {
    if (typeof value === "string") return star === null ? value : value.replaceAll("*", star);
    if (Array.isArray(value)) {
      for (const item of value) {
        const found = target(item, conditions, star);
        if (found) return found;
      }
      return null;
    }
    if (value === null || typeof value !== "object") return null;
    for (const key of keys(value)) {
      if (key !== "default" && !conditions.includes(key)) continue;
      const found = target(value[key], conditions, star);
      if (found) return found;
    }
    return null;
  }
  function mapped(table, wanted, conditions) {
    if (Object.hasOwn(table, wanted)) return target(table[wanted], conditions, null);
    let best = null;
    for (const key of keys(table)) {
      const [head, tail, more] = key.split("*");
      if (tail === undefined || more !== undefined || !startsWith(wanted, head) || !endsWith(wanted, tail)) continue;
      if (wanted.length >= head.length + tail.length && (best === null || head.length > best.head.length)) best = { head, tail, key };
    }
    return best && target(table[best.key], conditions, slice(wanted, best.head.length, wanted.length - best.tail.length));
  }
  const isMap = (value) => value !== null && typeof value === "object" && !Array.isArray(value) && keys(value).some((key) => startsWith(key, "."));

  function dependency(base, name, conditions) {
    const parts = split(name, "/");
    const long = startsWith(name, "@") ? 2 : 1;
    const id = join(parts.slice(0, long), "/");
    const rest = join(parts.slice(long), "/");
    const own = scope(base);
    const places = own.found.name === id && own.found.exports !== undefined ? [own.folder] : [];
    for (let folder = folderOf(base); ; folder = folderOf(folder)) {
      places.push(folder ? `${folder}/node_modules/${id}` : `node_modules/${id}`);
      if (!folder) break;
    }
    places.push(`lib/${id}`);
    for (const place of places) {
      const about = description(place);
      if (about && about.exports !== undefined && about.exports !== null) {
        const table = isMap(about.exports) ? about.exports : { ".": about.exports };
        const found = mapped(table, rest ? `./${rest}` : ".", conditions);
        const file = found && joined(place, found);
        if (file && has(files, file)) return file;
        throw new Error(`${name} is not among the exports of ${place}`);
      }
      const file = fileOf(rest ? joined(place, rest) : !rest && about && conditions[0] === "import" && typeof about.module === "string" ? joined(place, about.module) : place);
      if (file) return file;
    }
    return null;
  }

  const IMPORT = ["import", "browser", "module", "default"];
  const REQUIRE = ["require", "browser", "default"];
  function find(base, name, conditions = IMPORT) {
    const plain = startsWith(name, "node:") ? slice(name, 5) : name;
    if (startsWith(name, "node:") || (shared.shims[plain] && !dependencyOrNull(base, name, conditions))) {
      if (!shared.shims[plain]) throw new Error(`the module ${name} is not there in the sandbox (imported by ${base})`);
      return `node:${plain}`;
    }
    if (startsWith(name, "file:///")) name = slice(name, 7);
    let file;
    if (startsWith(name, ROOT)) file = fileOf(joined("", slice(name, ROOT.length)));
    else if (startsWith(name, "./") || startsWith(name, "../") || name === "." || name === "..") file = fileOf(joined(folderOf(base), name));
    else if (startsWith(name, "#")) {
      const { folder, found } = scope(base);
      const way = mapped(found.imports ?? {}, name, conditions);
      file = way && (startsWith(way, ".") ? fileOf(joined(folder, way)) : find(base, way, conditions));
    } else file = dependency(base, name, conditions);
    if (!file) throw new Error(`cannot find ${shared.stringify(name)}, which ${base} imports: it is not in the package`);
    return file;
  }
  function dependencyOrNull(base, name, conditions) {
    try {
      return dependency(base, name, conditions);
    } catch {
      return null;
    }
  }
  shared.find = find;

  const MODERN = /^\s*(?:import\s*[{*"']|import\s+[\w$]+(?:\s+from|\s*,)|export\s+(?:default|const|let|var|function|class|async)\b|export\s*[{*])/m;
  // A file is in the older form (CommonJS) if its name or the package.json above it says so; below node_modules also if nothing says anything.
  function isOlder(name) {
    if (endsWith(name, ".cjs")) return true;
    if (endsWith(name, ".mjs")) return false;
    const { found } = scope(name);
    if (found.type === "module") return false;
    if (found.type === "commonjs") return true;
    return /(^|\/)(node_modules|lib)\//.test(name) && !MODERN.test(shared.packageText(name));
  }

  const older = new Map(); // name -> its module object
  function require(base, wanted) {
    const name = find(base, wanted, REQUIRE);
    if (startsWith(name, "node:")) return shared.shims[slice(name, 5)]();
    if (has(older, name)) return get(older, name).exports;
    if (endsWith(name, ".json")) return parse(shared.packageText(name));
    if (!isOlder(name)) throw new Error(`${name} is a module of the newer form and cannot be required; import it`);
    const module = { exports: {}, id: name, filename: ROOT + name, loaded: false, children: [], paths: [] };
    set(older, name, module);
    const body = shared.packageText(name).replace(/^#!.*/, "");
    const run = native.run(`(function (exports, require, module, __filename, __dirname) {${body}\n})`, name);
    const inner = (id) => require(name, `${id}`);
    inner.resolve = (id) => ROOT + find(name, `${id}`, REQUIRE);
    inner.cache = {};
    try {
      run.call(module.exports, module.exports, inner, module, ROOT + name, ROOT + folderOf(name));
    } catch (fault) {
      older.delete(name);
      throw fault;
    }
    module.loaded = true;
    return module.exports;
  }
  shared.require = require;

  const NAME = /^[A-Za-z_$][\w$]*$/;
  const held = new Map(); // name -> the values of a module that is not source
  function values(name, found, named) {
    const exports = Object.create(null);
    if (named && found !== null && (typeof found === "object" || typeof found === "function"))
      for (const key of keys(found)) if (NAME.test(key) && key !== "default") exports[key] = found[key];
    exports.default = found;
    if (named && found && found.__esModule && "default" in found) exports.default = found.default;
    set(held, name, exports);
    const names = keys(exports);
    return [null, names.length, ...names];
  }

  // "with { type: 'json' }" behind an import of JSON is newer than this engine, which needs no such word.
  const ATTRIBUTES = /((?:from|import)\s*(["'])[^"'\n]+\.json\2)\s*(?:with|assert)\s*\{\s*type\s*:\s*["']json["']\s*,?\s*\}/g;

  shared.hooks.resolve = (base, name) => find(base, name);
  shared.hooks.module = function (name) {
    if (startsWith(name, "node:")) return values(name, shared.shims[slice(name, 5)](), true);
    if (endsWith(name, ".json")) {
      try {
        return values(name, parse(shared.packageText(name)), false);
      } catch (fault) {
        throw new SyntaxError(`${name} is no JSON: ${fault.message}`);
      }
    }
    if (isOlder(name)) return values(name, require(name, `/package/${name}`), true);
    return [shared.packageText(name).replace(/^#!.*/, "").replace(ATTRIBUTES, "$1"), `file://${ROOT}${name}`];
  };
  shared.hooks.values = (name) => get(held, name);
})
