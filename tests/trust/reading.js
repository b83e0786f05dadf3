// The module's files under names of their own: one name may be bound once.

export { read as readCertificate } from "../../src/keys/certificate.js";
export { keyring as newKeyring, learn as learnPage } from "../../src/keys/keyring.js";
