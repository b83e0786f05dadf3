//! Times as this browser's user writes them.

use js_sys::{Array, Date, Function, Intl::DateTimeFormat, Object, Reflect};
use wasm_bindgen::JsValue;

/// The last moment that a JS date can hold, in milliseconds since 1970.
const LAST_MS: f64 = 8.64e15;

thread_local! {
    static TIME: Function = format(&[("timeStyle", "short")]);
    static DATE_AND_TIME: Function = format(&[("dateStyle", "medium"), ("timeStyle", "short")]);
}

/// Now, in milliseconds since 1970.
pub fn now() -> f64 {
    Date::now()
}

/// What others' clocks say, made a time that can be shown: whole milliseconds since 1970.
pub fn sane(time_ms: f64) -> u64 {
    // `as` takes NaN for 0.
    time_ms.clamp(0.0, LAST_MS) as u64
}

/// The time of day, and the date before it unless it is today.
pub fn local(time_ms: u64) -> String {
    let date = date(time_ms);
    let today = Date::new_0().to_date_string() == date.to_date_string();
    let format = if today { &TIME } else { &DATE_AND_TIME };
    let text = format.with(|format| format.call1(&JsValue::UNDEFINED, &date));
    text.ok().and_then(|text| text.as_string()).unwrap_or_default()
}

/// The same for machines (ISO 8601).
pub fn iso(time_ms: u64) -> String {
    date(time_ms).to_iso_string().into()
}

fn date(time_ms: u64) -> Date {
    Date::new(&JsValue::from_f64(time_ms as f64))
}

fn format(options: &[(&str, &str)]) -> Function {
    let object = Object::new();
    for (key, value) in options {
        // Setting a key of a fresh object does not fail.
        let _ = Reflect::set(&object, &(*key).into(), &(*value).into());
    }
    DateTimeFormat::new(&Array::new(), &object).format()
}
