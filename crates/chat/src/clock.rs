//! Times in the language of the page.

use js_sys::Intl::{DateTimeFormat, RelativeTimeFormat};
use js_sys::{Date, Function, Object, Reflect};
use wasm_bindgen::JsValue;
use web_sys::window;

use crate::language::locales;

/// The last moment that a JS date can represent, in milliseconds since 1970.
const LAST_MS: f64 = 8.64e15;

const DAY_MS: f64 = 86_400_000.0;

thread_local! {
    static TIME: Function = format(&[("timeStyle", "short")]);
    static SHORT_DATE: Function = format(&[("month", "short"), ("day", "numeric")]);
    static DATE: Function = format(&[("dateStyle", "full")]);
    static DATE_AND_TIME: Function = format(&[("dateStyle", "medium"), ("timeStyle", "short")]);
}

/// Milliseconds of a monotonic clock, for durations.
pub fn monotonic() -> f64 {
    window().and_then(|window| window.performance()).map_or(0.0, |clock| clock.now())
}

/// Clamps the time of another client's clock to a time that can be shown, in whole milliseconds since 1970. `None`
/// if the event has no time.
pub fn sane(time_ms: f64) -> Option<u64> {
    // `as` turns NaN into 0.
    Some(time_ms.clamp(0.0, LAST_MS) as u64).filter(|time_ms| *time_ms > 0)
}

/// The day as a number that increases by one at each midnight of the user's time zone.
pub fn today() -> f64 {
    day(&Date::new_0())
}

/// The day of a time, like [`today`]. 0 if the time is not known, or is past tomorrow.
pub fn day_of(time_ms: Option<u64>) -> i32 {
    let day = time_ms.map_or(0.0, |time_ms| day(&date(time_ms)));
    // `as` keeps the nearest number that exists.
    if day <= today() + 1.0 { day as i32 } else { 0 }
}

/// A day in words: today and yesterday by name, others as a date.
pub fn day_in_words(time_ms: u64) -> String {
    let date = date(time_ms);
    let ago = today() - day(&date);
    if ago == 0.0 || ago == 1.0 {
        let format = RelativeTimeFormat::new(&locales(), &options(&[("numeric", "auto")]));
        return format.format(-ago, "day").into();
    }
    let text = DATE.with(|format| format.call1(&JsValue::UNDEFINED, &date));
    text.ok().and_then(|text| text.as_string()).unwrap_or_default()
}

/// The time of day, preceded by the date unless the day is `today`.
pub fn local(time_ms: u64, today: f64) -> String {
    let date = date(time_ms);
    let format = if day(&date) == today { &TIME } else { &DATE_AND_TIME };
    let text = format.with(|format| format.call1(&JsValue::UNDEFINED, &date));
    text.ok().and_then(|text| text.as_string()).unwrap_or_default()
}

/// The time of day, or the date in short unless the day is `today`.
pub fn brief(time_ms: u64, today: f64) -> String {
    let date = date(time_ms);
    let format = if day(&date) == today { &TIME } else { &SHORT_DATE };
    let text = format.with(|format| format.call1(&JsValue::UNDEFINED, &date));
    text.ok().and_then(|text| text.as_string()).unwrap_or_default()
}

/// The time in ISO 8601, for machines.
pub fn iso(time_ms: u64) -> String {
    date(time_ms).to_iso_string().into()
}

fn day(date: &Date) -> f64 {
    let local_ms = date.get_time() - date.get_timezone_offset() * 60_000.0;
    (local_ms / DAY_MS).floor()
}

fn date(time_ms: u64) -> Date {
    Date::new(&JsValue::from_f64(time_ms as f64))
}

fn format(names: &[(&str, &str)]) -> Function {
    DateTimeFormat::new(&locales(), &options(names)).format()
}

fn options(names: &[(&str, &str)]) -> Object {
    let object = Object::new();
    for (key, value) in names {
        // Setting a key of a new object cannot fail.
        let _ = Reflect::set(&object, &(*key).into(), &(*value).into());
    }
    object
}
