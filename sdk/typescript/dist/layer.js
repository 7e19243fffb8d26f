// What the JavaScript layer gives to this package. Outside of the sandbox it is not there.
export const layer = globalThis[Symbol.for("mpp.layer")];
