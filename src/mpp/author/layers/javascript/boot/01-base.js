// What later files stand on. Each file of this folder is one function; "shared" is theirs alone, no tool sees it.
// Attack: a tool that replaces JSON, Promise or a method of Array must not change what the layer says. So the layer keeps its own.
(function base(native, shared) {
  const call = Function.prototype.call;
  const own = (method) => call.bind(method);
  shared.own = own;
  shared.parse = JSON.parse;
  shared.stringify = JSON.stringify;
  shared.then = own(Promise.prototype.then);
  shared.resolved = Promise.resolve.bind(Promise);
  shared.push = own(Array.prototype.push);
  shared.join = own(Array.prototype.join);
  shared.slice = own(String.prototype.slice);
  shared.split = own(String.prototype.split);
  shared.startsWith = own(String.prototype.startsWith);
  shared.endsWith = own(String.prototype.endsWith);
  shared.indexOf = own(String.prototype.indexOf);
  shared.lastIndexOf = own(String.prototype.lastIndexOf);
  shared.String = String;
  shared.Error = Error;
  shared.now = Date.now;

  // Globals are as ordinary as in other engines: they can be replaced, by the tool, for itself.
  shared.global = function (name, value) {
    Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
  };
  shared.tag = function (type, name) {
    Object.defineProperty(type.prototype, Symbol.toStringTag, { value: name, configurable: true });
  };
  shared.bytesOf = function (data) {
    if (data instanceof Uint8Array) return data;
    if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (data instanceof ArrayBuffer) return new Uint8Array(data);
    throw new TypeError("bytes are wanted: a Uint8Array, another view, or an ArrayBuffer");
  };
})
