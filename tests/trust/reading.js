// The module's files under names of their own: one name may be bound once. Imported here, they need no time to load later.

export { read as readCertificate } from "../../src/keys/certificate.js";
export { keyring as newKeyring } from "../../src/keys/lazy.js";
export { proofBytes as proofOf, signedBytes as signedForm } from "../../src/keys/signed.js";
import "../../src/keys/keys.js";
