// setTimeout and its kin: a queue of our own, by the clock of the run. While a tool is loaded time stands still; then timers run in their order at once.
(function timers(native, shared) {
  const then = shared.then;
  const resolved = shared.resolved;
  const DELAY_MAX = 2 ** 31 - 1;
  let queue = [];
  let next = 1;
  shared.timeStands = true;

  function add(handler, delay, values, repeat) {
    if (typeof handler !== "function") throw new TypeError("a timer wants a function");
    delay = Number(delay);
    delay = delay >= 1 && delay <= DELAY_MAX ? delay : repeat ? 1 : 0;
    const id = next++;
    place({ id, at: (shared.timeStands ? 0 : native.now()) + delay, delay, handler, values, repeat });
    return id;
  }
  function place(timer) {
    let at = queue.length;
    while (at > 0 && queue[at - 1].at > timer.at) at--;
    queue = [...queue.slice(0, at), timer, ...queue.slice(at)];
  }
  const clear = (id) => void (queue = queue.filter((timer) => timer.id !== id));

  shared.forgetTimers = () => (queue = []);
  // Milliseconds until the next timer; 0 when one has just run; -1 when there is none.
  shared.runTimer = function () {
    if (!queue.length) return -1;
    const timer = queue[0];
    const wait = shared.timeStands ? 0 : timer.at - native.now();
    if (wait > 0) return wait;
    queue = queue.slice(1);
    if (timer.repeat) place({ ...timer, at: timer.at + timer.delay });
    timer.handler(...timer.values);
    return 0;
  };

  shared.global("setTimeout", (handler, delay = 0, ...values) => add(handler, delay, values, false));
  shared.global("setInterval", (handler, delay = 0, ...values) => add(handler, delay, values, true));
  shared.global("setImmediate", (handler, ...values) => add(handler, 0, values, false));
  for (const name of ["clearTimeout", "clearInterval", "clearImmediate"]) shared.global(name, clear);
  shared.global("queueMicrotask", (handler) => {
    if (typeof handler !== "function") throw new TypeError("queueMicrotask wants a function");
    then(resolved(), () => handler());
  });
})
