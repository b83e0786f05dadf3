//! WebCrypto: ECDSA on P-256 with SHA-256 (ES256). Keys are objects of the browser. Every function fails on a page that
//! is not secure, where the browser has no `crypto.subtle`.

use js_sys::{Array, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::js::object;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = generateKey)]
    fn generate_key(how: &JsValue, extractable: bool, uses: &Array) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = exportKey)]
    fn export_key(form: &str, key: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = importKey)]
    fn import_key(
        form: &str,
        key: &JsValue,
        how: &JsValue,
        extractable: bool,
        uses: &Array,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = sign)]
    fn sign_bytes(how: &JsValue, key: &JsValue, bytes: &[u8]) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = verify)]
    fn verify_bytes(
        how: &JsValue,
        key: &JsValue,
        signature: &[u8],
        bytes: &[u8],
    ) -> Result<Promise, JsValue>;
}

/// The uncompressed point of a public key.
pub(crate) type Point = [u8; 65];
/// The numbers `r` and `s`.
pub(crate) type Signature = [u8; 64];

/// A key pair whose private key no script can read.
pub(crate) struct KeyPair {
    pub(crate) private: JsValue,
    pub(crate) public: Point,
}

/// Whether the page is secure, so that it has WebCrypto.
pub(crate) fn is_available() -> bool {
    let get = |from: &JsValue, name: &str| Reflect::get(from, &name.into()).unwrap_or_default();
    get(&get(&js_sys::global(), "crypto"), "subtle").is_object()
}

impl KeyPair {
    pub(crate) async fn generate() -> Result<Self, JsValue> {
        let uses = Array::of1(&"sign".into());
        let pair = wait(generate_key(&algorithm(), false, &uses)).await?;
        let public = Reflect::get(&pair, &"publicKey".into())?;
        let public = bytes(&wait(export_key("raw", &public)).await?)?;
        Ok(Self { private: Reflect::get(&pair, &"privateKey".into())?, public })
    }

    pub(crate) async fn sign(&self, message: &[u8]) -> Result<Signature, JsValue> {
        bytes(&wait(sign_bytes(&algorithm(), &self.private, message)).await?)
    }
}

/// Makes a key for [`verify`] of a point.
pub(crate) async fn import_point(point: &Point) -> Result<JsValue, JsValue> {
    import("raw", &Uint8Array::from(&point[..])).await
}

/// Makes a key for [`verify`] of a JSON Web Key.
pub(crate) async fn import_jwk(jwk: &JsValue) -> Result<JsValue, JsValue> {
    // Its `key_ops` and `use` may be narrower than needed, and its `alg` is given by the curve.
    let get = |name| Reflect::get(jwk, &JsValue::from(name)).unwrap_or_default();
    let fields = ["kty", "crv", "x", "y"].map(|name| (name, get(name)));
    import("jwk", &object(&fields)).await
}

async fn import(form: &str, key: &JsValue) -> Result<JsValue, JsValue> {
    wait(import_key(form, key, &algorithm(), true, &Array::of1(&"verify".into()))).await
}

/// Whether `signature` is of `message` by `key`.
pub(crate) async fn verify(key: &JsValue, signature: &[u8], message: &[u8]) -> bool {
    let verified = wait(verify_bytes(&algorithm(), key, signature, message)).await;
    verified.is_ok_and(|verified| verified.is_truthy())
}

/// The parameters of all functions in one object: each reads those that it knows.
fn algorithm() -> JsValue {
    let fields = [("name", "ECDSA"), ("namedCurve", "P-256"), ("hash", "SHA-256")];
    object(&fields.map(|(name, value)| (name, value.into())))
}

pub(crate) async fn wait(promise: Result<Promise, JsValue>) -> Result<JsValue, JsValue> {
    JsFuture::from(promise?).await
}

fn bytes<const N: usize>(buffer: &JsValue) -> Result<[u8; N], JsValue> {
    Uint8Array::new(buffer).to_vec().try_into().map_err(|_| JsValue::UNDEFINED)
}
