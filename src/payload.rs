//! Payloads: a value in the form in which it was published, which is converted to another form at its first
//! use. Used by the bus, the bridge and the JavaScript API.

use std::any::{Any, type_name};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;
use std::rc::Rc;

use js_sys::{DataView, Uint8Array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use topic::Form;
use wasm_bindgen::prelude::*;

use crate::js::{object, text_of};

/// The media type of payloads that are written as JSON.
pub const JSON: &str = "application/json";
/// The media type of payloads that are raw bytes: an `ArrayBuffer`, or a view of one.
pub const OCTET_STREAM: &str = "application/octet-stream";

/// Reads a value as a `T`. The error says why it is not one.
pub(crate) fn read<T: DeserializeOwned>(value: JsValue) -> Result<T, String> {
    serde_wasm_bindgen::from_value(value).map_err(|error| error.to_string())
}

/// The value of an event. Cheap to clone. It must not be changed: changes to a JS object after publishing may
/// or may not be visible to others.
#[derive(Clone)]
pub struct Payload(Rc<Forms>);

/// At least one form exists from the start.
#[derive(Default)]
struct Forms {
    rust: OnceCell<RustForm>,
    js: OnceCell<JsValue>,
    bytes: OnceCell<Bytes>,
}

struct RustForm {
    value: Rc<dyn Any>,
    to_js: fn(&dyn Any) -> Result<JsValue, DataError>,
    /// The name of its type if it was published as a Rust value.
    published: Option<&'static str>,
}

/// A payload as it crosses a bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bytes {
    /// The media type of `data`.
    pub content_type: Cow<'static, str>,
    /// The bytes.
    pub data: Rc<[u8]>,
}

/// Why a payload cannot be converted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// `Serialize` of the Rust value has failed.
    #[error("the payload cannot be converted to a JS value: {0}")]
    Serialize(String),
    /// The payload is not of the requested type.
    #[error("the payload is not of the requested type: {0}")]
    Deserialize(String),
    /// JSON has no form for it, or for a part of it: a function, a symbol, a cycle, a `BigInt`, `NaN`, a `Map`, bytes
    /// inside an object, an `Error`.
    #[error(
        "the payload cannot be written as JSON: {0}; publish plain objects, arrays, strings, finite numbers and booleans, \
         or bytes alone"
    )]
    NotJson(String),
    /// The bytes are not JSON although their media type is.
    #[error("the payload is not valid JSON, which its media type declares: {0}")]
    IllegalJson(String),
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ArrayBuffer, js_name = isView)]
    fn is_view(value: &JsValue) -> bool;
    /// `[object Map]`, in any realm.
    #[wasm_bindgen(js_namespace = ["Object", "prototype", "toString"], js_name = call)]
    fn brand(value: &JsValue) -> String;
    #[wasm_bindgen(catch, js_namespace = JSON)]
    fn stringify(
        value: &JsValue,
        replacer: &mut dyn FnMut(JsValue, JsValue) -> JsValue,
    ) -> Result<JsValue, JsValue>;
}

impl Payload {
    /// Creates a payload from a Rust value.
    pub fn new<T: Serialize + 'static>(value: T) -> Self {
        let published = Some(type_name::<T>());
        let form = RustForm { value: Rc::new(value), to_js: to_js::<T>, published };
        Self(Rc::new(Forms { rust: OnceCell::from(form), ..Forms::default() }))
    }

    /// Creates the payload of an event by which the runtime reports something. The object is built by hand, so that a
    /// module without Rust payloads contains no serializer.
    pub(crate) fn report(fields: &[(&str, JsValue)]) -> Self {
        Self::from_js(object(fields))
    }

    /// Creates a payload from a JS value.
    pub fn from_js(value: JsValue) -> Self {
        Self(Rc::new(Forms { js: OnceCell::from(value), ..Forms::default() }))
    }

    /// Whether both are clones of the same payload.
    #[cfg(feature = "npm")]
    pub(crate) fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// Creates a payload from bytes.
    pub fn from_bytes(bytes: Bytes) -> Self {
        Self(Rc::new(Forms { bytes: OnceCell::from(bytes), ..Forms::default() }))
    }

    /// The payload as a `T`: the published value itself if it is a `T`, otherwise a conversion.
    ///
    /// The first conversion is cached. Conversions to other types are not.
    ///
    /// # Errors
    /// A [`DataError`] if it cannot be read as a `T`.
    pub fn to_rust<T: DeserializeOwned + 'static>(&self) -> Result<Rc<T>, DataError> {
        if let Some(form) = self.0.rust.get()
            && let Ok(value) = form.value.clone().downcast::<T>()
        {
            return Ok(value);
        }
        let value: T = read(self.to_js()?).map_err(DataError::Deserialize)?;
        let value = Rc::new(value);
        // The JS form exists, so this is never called.
        let to_js = |_: &dyn Any| Ok(JsValue::UNDEFINED);
        let _ = self.0.rust.set(RustForm { value: value.clone(), to_js, published: None });
        Ok(value)
    }

    /// The payload as a JS value. JSON is parsed, text becomes a string, other bytes become a `Uint8Array`. Empty
    /// JSON becomes `undefined`, which is an event without data.
    ///
    /// # Errors
    /// A [`DataError`] if a Rust value does not serialize or bytes are not the JSON they claim to be.
    pub fn to_js(&self) -> Result<JsValue, DataError> {
        let forms = &*self.0;
        if let Some(value) = forms.js.get() {
            return Ok(value.clone());
        }
        let value = match (forms.rust.get(), forms.bytes.get()) {
            (Some(form), _) => (form.to_js)(&*form.value)?,
            (None, Some(bytes)) => bytes.to_js()?,
            (None, None) => JsValue::UNDEFINED,
        };
        Ok(forms.js.get_or_init(|| value).clone())
    }

    /// The Rust type that was published, or the type in JavaScript.
    pub(crate) fn form(&self) -> &'static str {
        if let Some(name) = self.0.rust.get().and_then(|form| form.published) {
            return name;
        }
        match self.to_js() {
            Err(_) => "bytes that are not the JSON they claim to be",
            Ok(value) if value.is_undefined() => "JS undefined",
            Ok(value) if value.is_null() => "JS null",
            Ok(value) if value.as_bool().is_some() => "JS boolean",
            Ok(value) if value.as_f64().is_some() => "JS number",
            Ok(value) if value.is_string() => "JS string",
            Ok(value) if value.is_bigint() => "JS bigint",
            Ok(value) if value.is_symbol() => "JS symbol",
            Ok(value) if value.is_function() => "JS function",
            Ok(value) if js_sys::Array::is_array(&value) => "JS array",
            Ok(value) if is_view(&value) => "JS Uint8Array",
            Ok(_) => "JS object",
        }
    }

    /// The payload as bytes: the bytes of an `ArrayBuffer` or a view of one, everything else as JSON. `undefined`
    /// becomes `null`.
    ///
    /// # Errors
    /// A [`DataError`] if JSON cannot represent a part of it.
    pub fn to_bytes(&self) -> Result<Bytes, DataError> {
        if let Some(bytes) = self.0.bytes.get() {
            return Ok(bytes.clone());
        }
        let bytes = Bytes::from_js(&self.to_js()?)?;
        Ok(self.0.bytes.get_or_init(|| bytes).clone())
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Payload")
            .field("rust", &self.0.rust.get().is_some())
            .field("js", &self.0.js.get().is_some())
            .field("bytes", &self.0.bytes.get().is_some())
            .finish()
    }
}

impl Bytes {
    /// Creates a payload from JSON.
    pub fn json(data: impl Into<Rc<[u8]>>) -> Self {
        Self { content_type: Cow::Borrowed(JSON), data: data.into() }
    }

    fn form(&self) -> Form {
        Form::of(Some(&self.content_type))
    }

    pub(crate) fn is_json(&self) -> bool {
        self.form() == Form::Json
    }

    pub(crate) fn to_js(&self) -> Result<JsValue, DataError> {
        match (self.form(), std::str::from_utf8(&self.data)) {
            (Form::Json, Ok("")) => Ok(JsValue::UNDEFINED),
            (Form::Json, Ok(text)) => {
                js_sys::JSON::parse(text).map_err(|thrown| DataError::IllegalJson(text_of(&thrown)))
            }
            (Form::Json, Err(_)) => Err(DataError::IllegalJson("it is not UTF-8".to_owned())),
            (Form::Text, Ok(text)) => Ok(text.into()),
            _ => Ok(Uint8Array::from(&*self.data).into()),
        }
    }

    fn from_js(value: &JsValue) -> Result<Self, DataError> {
        if let Some(bytes) = bytes_of(value) {
            let content_type = Cow::Borrowed(OCTET_STREAM);
            return Ok(Self { content_type, data: bytes.into() });
        }
        if value.is_undefined() {
            return Ok(Self::json(*b"null"));
        }
        let mut unfit = None;
        let text = stringify(value, &mut |key, part| {
            if unfit.is_none() && !has_json(&part) {
                let what = if part.is_object() { brand(&part) } else { text_of(&part) };
                unfit = Some([&text_of(&key), ": ", &what].concat());
            }
            part
        });
        let text = text.map_err(|thrown| DataError::NotJson(text_of(&thrown)))?;
        match (unfit, text.as_string()) {
            (None, Some(text)) => Ok(Self::json(text.into_bytes())),
            (unfit, _) => Err(DataError::NotJson(unfit.unwrap_or_else(|| "undefined".to_owned()))),
        }
    }
}

/// The bytes of a buffer or a view of one, of any realm.
fn bytes_of(value: &JsValue) -> Option<Vec<u8>> {
    if is_view(value) {
        // All kinds of views have the same three fields.
        let view = value.unchecked_ref::<DataView>();
        let (from, length) = (view.byte_offset() as u32, view.byte_length() as u32);
        let bytes = Uint8Array::new_with_byte_offset_and_length(&view.buffer(), from, length);
        return Some(bytes.to_vec());
    }
    let is_buffer = value.is_object() && brand(value).ends_with("ArrayBuffer]");
    is_buffer.then(|| Uint8Array::new(value).to_vec())
}

/// Whether JSON can represent a part of a payload without emptying or dropping it.
fn has_json(part: &JsValue) -> bool {
    if part.is_object() {
        let brand = brand(part);
        ["Object", "Array", "String", "Number", "Boolean"]
            .iter()
            .any(|known| brand.get(8..brand.len() - 1) == Some(known))
    } else {
        !part.is_function() && !part.is_symbol() && part.as_f64().is_none_or(f64::is_finite)
    }
}

fn to_js<T: Serialize + 'static>(value: &dyn Any) -> Result<JsValue, DataError> {
    let Some(value) = value.downcast_ref::<T>() else {
        return Ok(JsValue::UNDEFINED);
    };
    value
        .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
        .map_err(|error| DataError::Serialize(error.to_string()))
}
