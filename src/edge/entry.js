// The Worker's entry. It calls the Rust handler directly. The class that worker-build generates
// would create an object and two proxies for every request, which takes longer than checking a
// token that the gate has cached. That class replaces the module's instance after a trap; the code
// that wasm-bindgen generates around every call into the module does so too.

import { handle } from "./index.js";

export default { fetch: handle };
