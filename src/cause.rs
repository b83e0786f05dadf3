//! Causes of failures, and the payload of `$bus.error`.

use std::fmt;

use serde::Deserialize;
use wasm_bindgen::JsValue;

use crate::js::text_of;
use crate::{DataError, Payload, TopicError};

/// The result of a handler. An `Err` does not stop other handlers and is published on
/// [`ERROR_TOPIC`](crate::ERROR_TOPIC) as a [`Failure`].
pub type HandlerResult = Result<(), Cause>;

/// Why a handler failed: a text, or the value that JavaScript has thrown or rejected with.
#[derive(Debug, Clone)]
pub struct Cause(Why);

#[derive(Debug, Clone)]
enum Why {
    Text(Box<str>),
    Thrown(JsValue),
}

/// The payload of an event on [`ERROR_TOPIC`](crate::ERROR_TOPIC). JavaScript reads the same fields.
#[derive(Debug, Clone, Deserialize)]
pub struct Failure {
    /// The topic of the event that the handler failed on.
    pub topic: String,
    /// The subscription's label, which is its pattern by default.
    pub label: String,
    /// The cause as a text.
    pub message: String,
    /// The value that was thrown, or an `Error` with the message.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    pub cause: JsValue,
}

impl Failure {
    /// The payload that reports `failure`.
    pub(crate) fn report(failure: &bus::Failure<Cause>) -> Payload {
        Payload::report(&[
            ("topic", failure.topic.as_str().into()),
            ("label", (&*failure.label).into()),
            ("message", failure.cause.to_string().into()),
            ("cause", failure.cause.to_js()),
        ])
    }
}

impl Cause {
    /// A cause with a text.
    pub fn new(text: impl fmt::Display) -> Self {
        text.to_string().into()
    }

    /// The value that was thrown, or an `Error` with the text.
    pub fn to_js(&self) -> JsValue {
        match &self.0 {
            Why::Text(text) => js_sys::Error::new(text).into(),
            Why::Thrown(value) => value.clone(),
        }
    }

    /// The value that was thrown, or the text itself.
    #[cfg(feature = "trust")]
    pub(crate) fn into_value(self) -> JsValue {
        match self.0 {
            Why::Text(text) => JsValue::from_str(&text),
            Why::Thrown(value) => value,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Why::Text(text) => out.write_str(text),
            Why::Thrown(value) => out.write_str(&text_of(value)),
        }
    }
}

impl From<String> for Cause {
    fn from(text: String) -> Self {
        Self(Why::Text(text.into()))
    }
}

impl From<&str> for Cause {
    fn from(text: &str) -> Self {
        Self(Why::Text(text.into()))
    }
}

impl From<JsValue> for Cause {
    fn from(thrown: JsValue) -> Self {
        Self(Why::Thrown(thrown))
    }
}

/// Any boxed error, so that `?` works in handlers.
impl From<Box<dyn std::error::Error>> for Cause {
    fn from(error: Box<dyn std::error::Error>) -> Self {
        Self::new(error)
    }
}

impl From<DataError> for Cause {
    fn from(error: DataError) -> Self {
        Self::new(error)
    }
}

impl From<TopicError> for Cause {
    fn from(error: TopicError) -> Self {
        Self::new(error)
    }
}
