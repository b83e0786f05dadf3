// What `lazy.js` loads.

export { device } from "./device.js";
export { keyring, reasonFor } from "./keyring.js";
