// The Worker's entry. What worker-build makes is a class whose every request is an object and two proxies: they take
// longer than all that the gate does in WebAssembly with a token that it knows. What they are for, a new instance
// after a trap, wasm-bindgen sees to as well, in every call that goes into the module.

import Entrypoint from "./worker-build.js";

export default { fetch: Entrypoint.prototype.handle };
