// What layer.c calls: begin and begun while the tool is loaded; answer, tick and reply in a call. The tool's own code is run from here alone.
(function calls(native, shared) {
  const { then, resolved, stringify, slice } = shared;
  const NO_HOST = -(2 ** 30) - 4;
  let bundle = { entrypoint: "", load: true };
  let loading; // the promise of the entrypoint
  let serve; // what the tool's SDK registered
  let phase = "loading";
  let answered = false;
  let replied;

  // Read by the SDK. The symbol is registered, so that modules find it without a global name.
  const layer = Object.freeze({
    version: 1,
    call(request) {
      const found = native.call(`${request}`);
      if (typeof found === "string") return found;
      throw Object.assign(new Error(found === NO_HOST ? "there is no host to call while a tool is loaded" : `the host refuses the call (${found})`), { code: "unavailable" });
    },
    serve(handler) {
      if (typeof handler !== "function") throw new TypeError("serve wants a function");
      serve = handler;
    },
    toBase64: (bytes) => native.toBase64(shared.bytesOf(bytes)),
    fromBase64: (text) => native.fromBase64(`${text}`),
    encode: (text) => native.encode(`${text}`),
    decode: (bytes) => native.decode(shared.bytesOf(bytes), false),
    file: (name) => (shared.packageHas(`${name}`) ? shared.packageBytes(`${name}`) : null),
    files: () => shared.packageNames(),
    loading: () => phase === "loading",
    outOfMemory: () => native.outOfMemory(),
  });
  Object.defineProperty(globalThis, Symbol.for("mpp.layer"), { value: layer });

  const REFUSED_TOLD = 10;
  const refused = new Map();
  shared.hooks.rejection = function (promise, reason, handled) {
    if (handled) refused.delete(promise);
    else refused.set(promise, reason);
  };
  function tellRefused() {
    let told = 0;
    for (const reason of refused.values()) {
      if (told++ === REFUSED_TOLD) {
        native.error(`${refused.size - REFUSED_TOLD} more promises were rejected\n`);
        break;
      }
      native.error(`a promise was rejected and nobody handled it: ${shared.show(reason)}\n`);
    }
    refused.clear();
  }

  const enter = () => (loading = native.load(".", `/package/${bundle.entrypoint}`));

  shared.hooks.begin = function () {
    bundle = shared.readIndex();
    if (bundle.load) enter();
  };
  shared.hooks.begun = function () {
    if (loading) check();
    tellRefused();
    shared.forgetTimers();
    phase = "ready";
  };
  function check() {
    const [state, found] = native.promiseState(loading);
    if (state === 2) throw found;
    if (state === 0) throw new Error(`${bundle.entrypoint} never finishes: it awaits what never comes`);
    if (typeof found.mppMain === "function") serve = found.mppMain;
    if (!serve) throw new Error(`${bundle.entrypoint} has no tool: call tool() of mpp-sdk, or export a function mppMain(line)`);
  }

  shared.hooks.answer = function (line) {
    phase = "call";
    answered = false;
    shared.timeStands = false;
    shared.beginClock();
    shared.beginEnvironment();
    if (loading) return void begin(line);
    enter();
    then(
      loading,
      () => {
        check();
        begin(line);
      },
      finish,
    );
  };
  function begin(line) {
    then(
      then(resolved(), () => serve(line)),
      (text) => {
        replied = text;
        answered = true;
      },
      finish,
    );
  }
  function finish(fault) {
    native.error(`${shared.show(fault)}\n`);
    const memory = native.outOfMemory() && (fault === null || fault.message === "out of memory");
    replied = memory ? MEMORY : failure("the tool failed before it could answer");
    answered = true;
  }
  const MEMORY = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"The tool ran out of memory."}],"isError":true}}';
  const failure = (message) => `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":${stringify(message)}}}`;

  shared.hooks.tick = function () {
    if (answered) return true;
    try {
      const wait = shared.runTimer();
      return wait < 0 ? false : wait;
    } catch (fault) {
      native.error(`a timer failed: ${shared.show(fault)}\n`);
      return 0;
    }
  };
  shared.hooks.reply = function () {
    tellRefused();
    if (!answered) return failure("the tool waits for what never comes: a promise that nothing will settle");
    if (typeof replied !== "string") return failure("the tool gave no reply");
    return slice(replied, -1) === "\n" ? slice(replied, 0, -1) : replied;
  };
})
