//! A reader of JSON (RFC 8259) for the parts of a token: strings, whole numbers and objects.
//!
//! Browsers download this code, and it is a tenth of a general reader. It is strict where readers differ: a member that
//! occurs twice is an error (RFC 8725, 2.4).

/// How deep objects and arrays may nest.
const MAX_DEPTH: u32 = 16;

/// The members of an object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Object(Vec<(String, Value)>);

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    /// The whole part of a number that is not negative. `NumericDate` may have a fraction (RFC 7519, 2).
    Number(u64),
    Object(Object),
    True,
    /// Anything else. Its content is checked and dropped.
    Other,
}

impl Object {
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(it, _)| it == name).map(|(_, value)| value)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::True)
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        match self.get(name)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// Reads an object. `None` if the text is not one.
pub(crate) fn object(text: &str) -> Option<Object> {
    match value(text)? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// Reads a value. `None` if the text is not JSON.
pub(crate) fn value(text: &str) -> Option<Value> {
    let mut reader = Reader(text);
    let value = reader.value(MAX_DEPTH)?;
    reader.space();
    reader.0.is_empty().then_some(value)
}

/// The text that is still to be read.
struct Reader<'t>(&'t str);

impl Reader<'_> {
    fn space(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Passes `expected`, if it is next.
    fn pass(&mut self, expected: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.0.chars();
        let next = chars.next()?;
        self.0 = chars.as_str();
        Some(next)
    }

    fn value(&mut self, depth: u32) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        self.space();
        match self.0.as_bytes().first()? {
            b'"' => self.text().map(Value::Text),
            b'{' => self.object(depth).map(Value::Object),
            b'[' => {
                self.list("[", "]", |reader| reader.value(depth).map(drop))?;
                Some(Value::Other)
            }
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.pass("true").map(|()| Value::True),
            _ => self.pass("false").or_else(|| self.pass("null")).map(|()| Value::Other),
        }
    }

    /// Items between brackets, separated by commas.
    fn list(
        &mut self,
        begin: &str,
        end: &str,
        mut item: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.pass(begin)?;
        self.space();
        if self.pass(end).is_some() {
            return Some(());
        }
        loop {
            item(self)?;
            self.space();
            if self.pass(end).is_some() {
                return Some(());
            }
            self.pass(",")?;
        }
    }

    fn object(&mut self, depth: u32) -> Option<Object> {
        let mut object = Object(Vec::new());
        self.list("{", "}", |reader| {
            reader.space();
            let name = reader.text()?;
            reader.space();
            reader.pass(":")?;
            let value = reader.value(depth)?;
            if object.get(&name).is_some() {
                return None;
            }
            object.0.push((name, value));
            Some(())
        })?;
        Some(object)
    }

    fn digits(&mut self) -> Option<&str> {
        let end = self.0.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        (!digits.is_empty()).then_some(digits)
    }

    fn number(&mut self) -> Option<Value> {
        let is_negative = self.pass("-").is_some();
        let digits = self.digits()?;
        if digits.len() > 1 && digits.starts_with('0') {
            return None;
        }
        let whole = digits.parse().ok();
        if self.pass(".").is_some() {
            self.digits()?;
        }
        let has_exponent = self.pass("e").or_else(|| self.pass("E")).is_some();
        if has_exponent {
            let _ = self.pass("+").or_else(|| self.pass("-"));
            self.digits()?;
        }
        Some(whole.filter(|_| !is_negative && !has_exponent).map_or(Value::Other, Value::Number))
    }

    fn text(&mut self) -> Option<String> {
        self.pass("\"")?;
        let mut text = String::new();
        loop {
            match self.next()? {
                '"' => return Some(text),
                '\\' => text.push(self.escape()?),
                '\0'..'\u{20}' => return None,
                other => text.push(other),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let unit = self.unit()?;
                if !(0xd800..0xdc00).contains(&unit) {
                    return char::from_u32(unit);
                }
                self.pass("\\u")?;
                let low = self.unit()?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                return char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + low);
            }
            same @ ('"' | '\\' | '/') => same,
            _ => return None,
        })
    }

    fn unit(&mut self) -> Option<u32> {
        let (digits, rest) = self.0.split_at_checked(4)?;
        self.0 = rest;
        let are_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|_| are_digits)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value as Json;

    use super::*;

    /// What the general reader finds, as this one says it.
    fn reduced(json: &Json) -> Value {
        match json {
            Json::Bool(true) => Value::True,
            Json::String(text) => Value::Text(text.clone()),
            Json::Number(number) => number.as_u64().map_or(Value::Other, Value::Number),
            Json::Object(members) => Value::Object(Object(
                members.iter().map(|(name, value)| (name.clone(), reduced(value))).collect(),
            )),
            _ => Value::Other,
        }
    }

    fn json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            any::<String>().prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Json::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(json in json(), pretty: bool) {
            let text = if pretty { format!("{json:#}") } else { json.to_string() };
            prop_assert_eq!(value(&text), Some(reduced(&json)), "{}", text);
        }

        #[test]
        fn what_the_general_reader_refuses_is_refused(
            text in "[\\[\\]{}\",:0-9.eE+\\-tfnul\\\\ ]{0,12}",
        ) {
            if serde_json::from_str::<Json>(&text).is_err() && !text.contains(['e', 'E', '.']) {
                prop_assert_eq!(value(&text), None, "{}", text);
            }
        }

        #[test]
        fn no_text_is_too_strange_to_be_read(text: String) {
            let _ = value(&text);
        }
    }

    #[test]
    fn escapes_are_read_in_all_forms() {
        let read = |text: &str| match value(text) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        };
        let escaped = r#""\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00""#;
        assert_eq!(read(escaped).as_deref(), Some("\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{1f600}"));
        for text in [
            r#""\ud800""#,
            r#""\ud800\u0041""#,
            r#""\udc00""#,
            r#""\u00e""#,
            r#""\u+0e9""#,
            r#""\x""#,
            "\"\n\"",
            "\"a",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_may_have_a_fraction_and_nothing_else_that_is_odd() {
        assert_eq!(value("17.9"), Some(Value::Number(17)));
        for text in ["-1", "1e3", "99999999999999999999", "null", "[17]"] {
            assert_eq!(value(text), Some(Value::Other), "{text}");
        }
        for text in ["017", "1.", ".5", "+1", "1e", "17 18", "", "NaN"] {
            assert_eq!(value(text), None, "{text}");
        }
    }

    #[test]
    fn a_member_that_occurs_twice_or_lies_too_deep_is_an_error() {
        assert_eq!(object(r#"{"sub":"a","sub":"b"}"#), None);
        assert_eq!(object(r#"{"sub":"a","\u0073ub":"b"}"#), None);
        assert_eq!(object("[]"), None);
        assert!(value(&format!("{}1{}", "[".repeat(15), "]".repeat(15))).is_some());
        assert_eq!(value(&"[".repeat(100_000)), None);
    }
}
