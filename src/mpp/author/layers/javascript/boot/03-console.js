// console: everything goes to standard error, where it is a log line. Standard output is the reply and nothing else.
(function consoles(native, shared) {
  const DEPTH = 3;
  const ITEMS = 100;
  const quote = (text) => shared.stringify(text);
  const named = (key) => (typeof key === "symbol" ? `[${String(key)}]` : /^[A-Za-z_$][\w$]*$/.test(key) ? key : quote(key));

  function errorText(error, depth, seen) {
    const name = String(error.name ?? "Error");
    const head = error.message ? `${name}: ${error.message}` : name;
    const stack = typeof error.stack === "string" && error.stack ? `\n${error.stack.trimEnd()}` : "";
    const cause = "cause" in error ? `\n  [cause]: ${inspect(error.cause, depth + 1, seen)}` : "";
    return head + stack + cause;
  }

  function listed(open, items, close, more) {
    if (more > 0) items.push(`... ${more} more`);
    if (!items.length) return open + close;
    const line = items.join(", ");
    if (line.length <= 72 && !line.includes("\n")) return `${open} ${line} ${close}`;
    return `${open}\n  ${items.join(",\n").replace(/\n/g, "\n  ")}\n${close}`;
  }

  function inspect(value, depth, seen) {
    if (typeof value === "string") return depth ? quote(value) : value;
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "function") return `[Function${value.name ? `: ${value.name}` : ""}]`;
    if (Object.is(value, -0)) return "-0";
    if (value === null || typeof value !== "object") return String(value);
    if (seen.includes(value)) return "[Circular]";
    if (value instanceof Error) return errorText(value, depth, [...seen, value]);
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
    if (value instanceof RegExp) return String(value);
    if (depth > DEPTH) return Array.isArray(value) ? "[Array]" : "[Object]";
    return composed(value, depth, [...seen, value]);
  }

  function composed(value, depth, seen) {
    const inner = (item) => inspect(item, depth + 1, seen);
    const name = value.constructor && value.constructor.name;
    if (Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))) {
      const items = Array.from(Array.prototype.slice.call(value, 0, ITEMS), inner);
      return listed(Array.isArray(value) ? "[" : `${name}(${value.length}) [`, items, "]", value.length - ITEMS);
    }
    if (value instanceof Map) return listed(`Map(${value.size}) {`, [...value].slice(0, ITEMS).map(([k, v]) => `${inner(k)} => ${inner(v)}`), "}", value.size - ITEMS);
    if (value instanceof Set) return listed(`Set(${value.size}) {`, [...value].slice(0, ITEMS).map(inner), "}", value.size - ITEMS);
    if (value instanceof Promise) return "Promise {}";
    const keys = Object.keys(value);
    const items = keys.slice(0, ITEMS).map((key) => `${named(key)}: ${inner(value[key])}`);
    return listed(name && name !== "Object" ? `${name} {` : "{", items, "}", keys.length - ITEMS);
  }

  // Attack: a getter or a proxy that throws when it is shown. A line of the log is not worth the call.
  const safe = (value, depth = 0) => {
    try {
      return inspect(value, depth, []);
    } catch {
      return "[a value that cannot be shown]";
    }
  };
  shared.show = safe;

  function format(values) {
    const rest = values.slice();
    let text = "";
    if (typeof rest[0] === "string" && rest.length > 1 && rest[0].includes("%"))
      text = rest.shift().replace(/%[sdifjoOc%]/g, (mark) => {
        if (mark === "%%") return "%";
        if (!rest.length) return mark;
        const value = rest.shift();
        if (mark === "%c") return "";
        if (mark === "%d" || mark === "%i") return String(mark === "%i" ? Math.trunc(Number(value)) : Number(value));
        if (mark === "%f") return String(Number(value));
        if (mark === "%j") return shared.stringify(value);
        return mark === "%s" ? safe(value) : safe(value, 1);
      });
    const others = rest.map((value) => safe(value));
    return text ? [text, ...others].join(" ") : others.join(" ");
  }
  shared.format = format;

  let indent = "";
  const counts = new Map();
  const timers = new Map();
  const print = (...values) => native.error(`${indent}${format(values).replace(/\n/g, `\n${indent}`)}\n`);
  const passed = (label) => `${label}: ${(native.now() - timers.get(label)).toFixed(3)} ms`;
  shared.global("console", {
    log: print,
    info: print,
    debug: print,
    warn: print,
    error: print,
    dir: (value) => print(value),
    table: (value) => print(value),
    trace: (...values) => print("Trace:", ...values, `\n${new Error().stack}`),
    assert: (holds, ...values) => holds || print("Assertion failed", ...values),
    group: (...values) => {
      if (values.length) print(...values);
      indent += "  ";
    },
    groupEnd: () => (indent = indent.slice(2)),
    count: (label = "default") => {
      counts.set(label, (counts.get(label) ?? 0) + 1);
      print(`${label}: ${counts.get(label)}`);
    },
    countReset: (label = "default") => void counts.delete(label),
    time: (label = "default") => void timers.set(label, native.now()),
    timeLog: (label = "default") => timers.has(label) && print(passed(label)),
    timeEnd: (label = "default") => timers.has(label) && (print(passed(label)), void timers.delete(label)),
  });
})
