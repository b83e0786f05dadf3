//! The refused messages of a room as they are kept over a reload: as one text, in fields and records that end with
//! control characters.

use super::refusal::Refusal;
use crate::events::{Person, Reference, TextMessage};

/// A message that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The id of its event.
    pub id: String,
    /// When it was published, in milliseconds since 1970.
    pub time_ms: Option<u64>,
    /// Why it was refused.
    pub refusal: Refusal,
    /// The message, without its sender.
    pub message: TextMessage,
}

/// The end of a field: the unit separator of ASCII.
const FIELD: char = '\u{1f}';
/// The end of a record: the record separator of ASCII.
const RECORD: char = '\u{1e}';
/// Separates what belongs to one field: the group separator of ASCII.
const PART: char = '\u{1d}';

/// The most messages that are kept. The oldest are dropped.
const MAX: usize = 20;
/// The most bytes of their texts.
const MAX_BYTES: usize = 1_000_000;

/// Adds a message to the kept ones. A message that is kept already stays as it is.
pub fn with(kept: &str, new: Refused) -> String {
    let mut all = read(kept);
    if all.iter().all(|one| one.id != new.id) {
        all.push(new);
    }
    let mut bytes = 0;
    let fits = all.iter().rev().take(MAX).take_while(|one| {
        bytes += one.message.text.len();
        bytes <= MAX_BYTES
    });
    let fits = fits.count();
    write(&all[all.len() - fits..])
}

/// Removes a message from the kept ones.
pub fn without(kept: &str, id: &str) -> String {
    let mut all = read(kept);
    all.retain(|one| one.id != id);
    write(&all)
}

/// Reads what was kept. Anything else than that is ignored.
pub fn read(kept: &str) -> Vec<Refused> {
    kept.split(RECORD).filter_map(record).collect()
}

fn record(record: &str) -> Option<Refused> {
    let mut fields = record.splitn(5, FIELD);
    let id = fields.next()?.to_owned();
    let time_ms = fields.next()?.parse().ok();
    // Records of earlier versions have only the first part.
    let mut parts = fields.next()?.split(PART).map(str::to_owned);
    let can_retry = parts.next()? == "1";
    let [about, epoch, offset] =
        [parts.next(), parts.next(), parts.next()].map(Option::unwrap_or_default);
    let reply_to = Reference { id: about, epoch, offset };
    let reply_to = Some(reply_to).filter(|about| !about.epoch.is_empty());
    let mentions = parts.collect();
    let reason = fields.next()?.to_owned();
    let text = fields.next()?.to_owned();
    let message = TextMessage { sender: Person::default(), text, reply_to, mentions };
    Some(Refused { id, time_ms, refusal: Refusal { reason, can_retry }, message })
}

fn write(all: &[Refused]) -> String {
    let mut kept = String::new();
    for Refused { id, time_ms, refusal, message } in all {
        let time = time_ms.map(|time_ms| time_ms.to_string()).unwrap_or_default();
        let mut more = if refusal.can_retry { "1" } else { "" }.to_owned();
        let about = message.reply_to.as_ref();
        let about = about.map_or([""; 3], |about| [&*about.id, &about.epoch, &about.offset]);
        for part in about.into_iter().chain(message.mentions.iter().map(|person| &**person)) {
            more.push(PART);
            more.push_str(&part.replace(PART, " "));
        }
        for field in [id, &*time, &more, &refusal.reason] {
            kept.push_str(&field.replace([FIELD, RECORD], " "));
            kept.push(FIELD);
        }
        kept.push_str(&message.text.replace(RECORD, " "));
        kept.push(RECORD);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(id: &str, text: &str) -> Refused {
        let refusal = Refusal { reason: "because".into(), can_retry: true };
        let message = TextMessage { text: text.into(), ..TextMessage::default() };
        Refused { id: id.into(), time_ms: Some(7), refusal, message }
    }

    #[test]
    fn what_is_kept_is_read_again_with_any_text() {
        let separators = refused("b", "fields \u{1f} records \u{1e} and\nlines");
        let mut no_time = refused("c", "");
        no_time.time_ms = None;
        no_time.refusal.can_retry = false;
        let mut reply = refused("d", "a reply");
        let about = Reference { id: "7f".into(), epoch: "1".into(), offset: "9".into() };
        reply.message.reply_to = Some(about);
        reply.message.mentions = vec!["bob".into(), "~7f".into()];
        let all = [refused("a", "text"), separators, no_time, reply];
        let kept = all.iter().fold(String::new(), |kept, one| with(&kept, one.clone()));
        let mut expected = all.to_vec();
        expected[1].message.text = "fields \u{1f} records   and\nlines".into();
        assert_eq!(read(&kept), expected);
        expected.remove(0);
        assert_eq!(read(&without(&kept, "a")), expected);
        assert_eq!(with(&kept, refused("a", "another")), kept);
    }

    #[test]
    fn what_an_earlier_version_has_kept_is_read() {
        let kept = "a\u{1f}7\u{1f}1\u{1f}because\u{1f}text\u{1e}";
        assert_eq!(read(kept), [refused("a", "text")]);
    }

    #[test]
    fn what_was_not_written_here_is_ignored() {
        for kept in ["", "a text", "\u{1e}\u{1e}", "a\u{1f}b\u{1e}"] {
            assert_eq!(read(kept), []);
        }
    }

    #[test]
    fn the_oldest_are_dropped_beyond_the_limits_of_count_and_size() {
        let mut kept = String::new();
        for number in 0..MAX + 2 {
            kept = with(&kept, refused(&number.to_string(), "text"));
        }
        let ids =
            |kept: &str| -> Vec<String> { read(kept).into_iter().map(|one| one.id).collect() };
        assert_eq!(ids(&kept).len(), MAX);
        assert_eq!(ids(&kept)[0], "2");
        let large = "x".repeat(MAX_BYTES - 8);
        assert_eq!(ids(&with(&kept, refused("large", &large))), ["20", "21", "large"]);
    }
}
