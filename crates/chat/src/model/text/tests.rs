//! Bounds for sending and showing.

use super::*;
use crate::events::{Person, Reference, TextMessage};

const INVISIBLE: [char; 24] = [
    '\0',
    '\t',
    ' ',
    '\u{85}',
    '\u{a0}',
    '\u{ad}',
    '\u{34f}',
    '\u{61c}',
    '\u{115f}',
    '\u{1160}',
    '\u{17b4}',
    '\u{180e}',
    '\u{200b}',
    '\u{200d}',
    '\u{202e}',
    '\u{2028}',
    '\u{2060}',
    '\u{2800}',
    '\u{3000}',
    '\u{3164}',
    '\u{feff}',
    '\u{ffa0}',
    '\u{1d159}',
    '\u{e0041}',
];

#[test]
fn a_text_of_which_nothing_is_seen_is_neither_a_message_nor_a_name() {
    let all: String = INVISIBLE.iter().collect();
    let each = INVISIBLE.map(|character| character.to_string());
    for text in each.into_iter().chain([String::new(), all]) {
        assert!(!is_visible(&text), "{text:?}");
        assert_eq!(check(&text), Err(MessageError::Invisible), "{text:?}");
        assert_eq!(name(&text), None, "{text:?}");
    }
}

#[test]
fn a_name_with_visible_beside_invisible_characters_is_valid() {
    let texts = [
        "a\u{200b}",
        "👩\u{200d}🚀",
        "می\u{200c}خواهم",
        "\u{ad}-",
        "🏴\u{e0067}\u{e007f}",
        "\u{301}",
        "\u{e000}",
        "ㅤ가",
    ];
    for text in texts {
        assert_eq!(check(text), Ok(()), "{text:?}");
        assert_eq!(name(text).as_deref(), Some(text.trim()), "{text:?}");
    }
}

#[test]
fn a_name_changes_nothing_beside_it() {
    // Each text ends an isolate around the name and overrides the direction of the text after it.
    for (sent, shown) in [
        ("Bob\u{2069}\u{202e}", "Bob"),
        ("\u{202e}boB", "boB"),
        ("Bob\u{2029}is the owner", "Bobis the owner"),
        ("\u{2066}\u{2067}\u{2068}Bob\n", "Bob"),
        (" \u{7}Bob ", "Bob"),
    ] {
        assert_eq!(name(sent).as_deref(), Some(shown), "{sent:?}");
    }
    assert_eq!(name("\u{2069}\u{202e}"), None);
    let hidden = ["\u{3164}".repeat(MAX_NAME_CHARACTERS), "Bob".to_owned()].concat();
    assert_eq!(name(&hidden), None, "the part that is kept is not seen");
}

#[test]
fn a_name_has_a_bound_in_code_points() {
    let long = "🙂".repeat(1_000);
    assert_eq!(name(&long).map(|name| name.chars().count()), Some(MAX_NAME_CHARACTERS));
}

#[test]
fn the_bound_of_messages_counts_code_points_of_any_size() {
    for character in ["a", "é", "ﷺ", "ก", "क", "🙂"] {
        let longest = character.repeat(MAX_CHARACTERS);
        assert_eq!(check(&longest), Ok(()), "{character}");
        assert!(longest.len() <= 24_000);
        let longer = [&longest, character].concat();
        assert_eq!(check(&longer), Err(MessageError::TooLong(MAX_CHARACTERS + 1)), "{character}");
    }
    let ligatures = "ﷺ ".repeat(40_000);
    let error = check(&ligatures).unwrap_err().text();
    assert_eq!(error, "This message has 80000 characters. At most 6000 can be sent.");
}

fn message(name: &str, text: &str) -> Rc<TextMessage> {
    let sender = Person { id: "7f".to_owned(), name: name.to_owned() };
    Rc::new(TextMessage { sender, text: text.to_owned(), ..TextMessage::default() })
}

#[test]
fn what_others_send_is_held_to_the_same_bounds() {
    let ordinary = message("Bob", "hello");
    assert!(shown(ordinary.clone()).is_some_and(|shown| Rc::ptr_eq(&shown, &ordinary)));
    assert_eq!(shown(message("Bob", "\u{3164}\u{200b}")), None);
    assert_eq!(shown(message("\u{3164}", "hello")), Some(message("(no name)", "hello")));
    assert_eq!(shown(message("Bob\u{202e}", "hello")), Some(ordinary));
    let long = shown(message("Bob", &"ﷺ ".repeat(80_000))).expect("it is seen");
    assert_eq!(long.text.chars().count(), MAX_CHARACTERS + 1);
    assert!(long.text.ends_with(" …"));
    let mut sender = Person { id: "7".repeat(100_000), name: "Bob".to_owned() };
    let hello =
        TextMessage { sender: sender.clone(), text: "hello".to_owned(), ..TextMessage::default() };
    let long = shown(Rc::new(hello));
    sender.id.truncate(MAX_NAME_CHARACTERS);
    assert_eq!(long.map(|long| long.sender.clone()), Some(sender));
}

#[test]
fn edits_and_reactions_of_others_are_held_to_the_same_bounds() {
    for invisible in ["", "\u{3164}\u{200b}", "\u{202e}"] {
        assert_eq!(shown_text(invisible), None, "{invisible:?}");
        assert_eq!(shown_emoji(invisible), None, "{invisible:?}");
    }
    assert_eq!(shown_text("a\u{200b}").as_deref(), Some("a\u{200b}"));
    let long = shown_text(&"ﷺ ".repeat(80_000)).expect("it is seen");
    assert_eq!((long.chars().count(), long.ends_with('…')), (MAX_CHARACTERS + 1, true));
    let family = "👩\u{200d}👩\u{200d}👧";
    assert_eq!(shown_emoji(family).as_deref(), Some(family));
    assert_eq!(shown_emoji(&"ﷺ".repeat(80_000)), None);
}

#[test]
fn a_long_message_is_folded_to_few_bytes_and_few_lines() {
    for text in
        ["ﷺ ".repeat(3_000), "ภาษาไทย".repeat(800), "हिन्दी ".repeat(800), "😀".repeat(6_000)]
    {
        let head = folded(&text).expect("it is long");
        assert!(text.starts_with(head));
        assert!((1_000..=FOLDED_BYTES).contains(&head.len()), "{} bytes", head.len());
    }
    for line_break in ["\n", "\u{b}", "\u{85}", "\u{2028}"] {
        let lines = ["line", line_break].concat().repeat(800);
        let head = folded(&lines).expect("it has many lines");
        assert_eq!(head.split(line_break).count(), FOLDED_LINES, "{line_break:?}");
    }
}

#[test]
fn a_short_message_is_not_folded() {
    let thirty_lines = ["line"; FOLDED_LINES].join("\n");
    for text in ["", "hello", "👩‍👩‍👧", &"a".repeat(FOLDED_BYTES), &thirty_lines] {
        assert_eq!(folded(text), None, "{text:?}");
    }
}

#[test]
fn what_is_kept_of_a_text_that_begins_with_invisible_characters_is_visible() {
    for blank in ["\u{200b}", "\n", " ", "\u{3164}", "\u{e0041}"] {
        let many = blank.repeat(MAX_CHARACTERS);
        for seen in ["hello".to_owned(), "word ".repeat(9_000)] {
            let text = [&*many, &seen].concat();
            let fold = folded(&text).expect("it is long");
            assert!(seen.starts_with(fold) && fold.len() <= FOLDED_BYTES, "{blank:?} {fold:?}");
            let kept = shown_text(&text).expect("it is visible");
            assert!(seen.starts_with(kept.trim_end_matches('…')), "{blank:?}");
            assert_eq!(kept.ends_with('…'), seen.len() > MAX_CHARACTERS, "{blank:?}");
            let message = shown(message("Bob", &text)).expect("it is visible");
            assert_eq!(message.text, *kept, "{blank:?}");
            assert!(is_visible(&preview(&text)), "{blank:?}");
        }
    }
    // What can be seen of the beginning keeps what is before it.
    let text = ["\u{200f}\u{200b}a", &"\u{200b}".repeat(MAX_CHARACTERS), "b"].concat();
    assert!(folded(&text).is_some_and(|head| head.starts_with("\u{200f}\u{200b}a")));
}

#[test]
fn a_fold_is_between_words_where_there_are_words() {
    let words = "word ".repeat(1_000);
    assert!(folded(&words).is_some_and(|head| head.ends_with("word")));
    let one_word = "w".repeat(10_000);
    assert_eq!(folded(&one_word).map(str::len), Some(FOLDED_BYTES));
    let early = ["a ", &one_word].concat();
    assert_eq!(folded(&early).map(str::len), Some(FOLDED_BYTES));
}

#[test]
fn a_text_that_is_too_long_is_cut_between_lines_or_words_into_messages_that_can_be_sent() {
    for text in ["word ".repeat(20_000), "a line of words\n".repeat(6_000), "😀".repeat(20_000)] {
        let parts = parts(&text);
        assert!((2..=MAX_PARTS).contains(&parts.len()), "{}", parts.len());
        assert!(parts.iter().all(|part| check(part).is_ok()));
        let kept: usize = parts.iter().map(|part| part.split_whitespace().count()).sum();
        let is_word = text.starts_with('😀');
        assert_eq!(kept, if is_word { parts.len() } else { text.split_whitespace().count() });
        assert_eq!(
            parts.concat().replace(char::is_whitespace, "").len(),
            text.replace(char::is_whitespace, "").len()
        );
    }
    for text in
        ["hello".to_owned(), "w".repeat(MAX_CHARACTERS), "w".repeat(1_000_000), " ".repeat(20_000)]
    {
        assert_eq!(parts(&text), [""; 0]);
    }
}

#[test]
fn a_quote_is_the_first_line_that_is_seen_and_not_long() {
    assert_eq!(preview("\n \n hello\nworld"), "hello");
    assert_eq!(preview("a \u{202e}b"), "a b");
    assert_eq!(preview(&"ä".repeat(1_000)).chars().count(), MAX_PREVIEW_CHARACTERS + 1);
    assert_eq!(preview(""), "");
}

#[test]
fn references_and_mentions_are_bounded_too() {
    let about = |id: &str| Some(Reference { id: id.into(), epoch: "1".into(), offset: "2".into() });
    let mut fair = (*message("Bob", "hello")).clone();
    (fair.reply_to, fair.mentions) = (about("7f"), vec!["~7f".into()]);
    let fair = Rc::new(fair);
    assert!(shown(fair.clone()).is_some_and(|shown| Rc::ptr_eq(&shown, &fair)));
    let mut long = (*fair).clone();
    long.reply_to = about(&"7".repeat(MAX_ID_BYTES + 1));
    long.mentions = vec!["~8".repeat(MAX_ID_BYTES); 3];
    long.mentions.extend(vec!["~7f".into(); 1_000]);
    let shown = shown(Rc::new(long)).expect("it is seen");
    assert_eq!(shown.reply_to, None);
    assert_eq!(shown.mentions, vec!["~7f"; MAX_MENTIONS - 3]);
}
