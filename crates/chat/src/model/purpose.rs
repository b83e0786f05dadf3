//! What the text in the composer is for, unless it is a new message: a reply, or a change of an older message. It is
//! kept with the draft, as one text in fields that are separated by control characters.

use crate::events::{Reference, Subject};

/// A reply or a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purpose {
    /// Whether the message is changed and not replied to.
    pub is_edit: bool,
    /// The message.
    pub subject: Subject,
    /// The text that was in the composer before the change began.
    pub before: String,
}

/// The unit separator of ASCII.
const FIELD: char = '\u{1f}';

impl Purpose {
    /// Reads what [`write`](Self::write) has returned. `None` for anything else.
    pub fn read(kept: &str) -> Option<Self> {
        let mut fields = kept.splitn(8, FIELD).map(str::to_owned);
        let is_edit = fields.next()? == "1";
        let about = Reference { id: fields.next()?, epoch: fields.next()?, offset: fields.next()? };
        let day = fields.next()?.parse().ok()?;
        let subject = Subject { about, day, name: fields.next()?, text: fields.next()? };
        Some(Self { is_edit, subject, before: fields.next()? })
    }

    /// The text to keep.
    pub fn write(&self) -> String {
        let Subject { about: Reference { id, epoch, offset }, day, name, text } = &self.subject;
        let is_edit = if self.is_edit { "1" } else { "" };
        let day = day.to_string();
        let mut kept = String::new();
        for field in [is_edit, id, epoch, offset, &day, name, text] {
            kept.push_str(&field.replace(FIELD, " "));
            kept.push(FIELD);
        }
        kept.push_str(&self.before);
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_with_any_text() {
        let about =
            Reference { id: "7f".into(), epoch: "1".into(), offset: "18446744073709551615".into() };
        let subject =
            Subject { about, day: 20_261_130, name: "Ann".into(), text: "two\nlines".into() };
        for is_edit in [true, false] {
            let before = "fields \u{1f} of\u{1f}others".to_owned();
            let purpose = Purpose { is_edit, subject: subject.clone(), before };
            assert_eq!(Purpose::read(&purpose.write()), Some(purpose));
        }
        let mut purpose = Purpose { is_edit: true, subject, before: String::new() };
        purpose.subject.text = "a\u{1f}b".into();
        assert_eq!(Purpose::read(&purpose.write()).unwrap().subject.text, "a b");
    }

    #[test]
    fn what_was_not_written_here_is_ignored() {
        for kept in ["", "hello", "1\u{1f}a\u{1f}b\u{1f}c\u{1f}day\u{1f}name\u{1f}text\u{1f}"] {
            assert_eq!(Purpose::read(kept), None);
        }
    }
}
