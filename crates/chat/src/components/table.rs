//! The table of components and topics in `components.rs` is what the code says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

type Topics = BTreeSet<String>;

/// What the code calls topics that are no constant, and the table's name of each.
const WORDS: [(&str, &str); 21] = [
    (".text_message", "TEXT_MESSAGE"),
    ("TEXT_MESSAGES", "TEXT_MESSAGE"),
    (".text_success", "TEXT_SUCCESS"),
    (".text_error", "TEXT_ERROR"),
    (".typing", "typing"),
    (".edited(", "EDITED"),
    ("EDITS", "EDITED"),
    (".reacted(", "REACTED"),
    (".relations()", "on.>"),
    (".draft()", "ui.draft.*"),
    (".described()", "ROOM"),
    ("DESCRIBED", "ROOM"),
    ("room.mentioned(", "person"),
    (".invited(", "person"),
    (".profile()", "person"),
    ("\"person.>\"", "person"),
    ("LINK_TOPIC", "$bus.link"),
    ("GAP_TOPIC", "$bus.gap"),
    ("CAUGHT_UP_TOPIC", "$bus.caught_up"),
    ("ERROR_TOPIC", "$bus.error"),
    ("PRESENCE_TOPIC", "$bus.presence.*"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// The names of topics: the constants of `events.rs` for local ones, and those above.
fn words() -> Vec<(String, String)> {
    let mut words: Vec<_> =
        WORDS.iter().map(|(word, topic)| ((*word).to_owned(), (*topic).to_owned())).collect();
    for file in ["events.rs", "events/rooms.rs"] {
        let text = read(&folder().join(file));
        for constant in text.split("pub const ").skip(1) {
            if let Some((name, rest)) = constant.split_once(": &str = \"")
                && rest.starts_with("ui.")
                && let Some((topic, _)) = rest.split_once('"')
            {
                words.push((name.to_owned(), topic.to_owned()));
            }
        }
    }
    words
}

/// The code of a component and of its folder, without tests, comments, imports and rules.
fn code(name: &str) -> String {
    let all = |folder: PathBuf| {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some())
    };
    let is_here = |path: &PathBuf| {
        let text = read(path);
        ["fn", "struct"].iter().any(|kind| {
            let definition = ["pub ", kind, " ", name].concat();
            let mut found = text.split(&definition).skip(1);
            found.any(|rest| rest.starts_with(['(', ' ', '<']))
        })
    };
    let file = all(folder().join("components")).find(is_here).expect(name);
    let parts = all(file.with_extension(""));
    let mut code = String::new();
    for path in std::iter::once(file.clone()).chain(parts) {
        let text = read(&path);
        let end = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
        let mut is_import = false;
        for line in text[..end].lines() {
            is_import |= line.starts_with("use ") || line.starts_with("pub use ");
            if !is_import && !line.trim_start().starts_with("//") {
                code.push_str(line.split("Rule::").next().unwrap_or_default());
                code.push('\n');
            }
            is_import &= !line.ends_with(';');
        }
    }
    code
}

/// The topics that a piece of code names.
fn named(code: &str) -> Topics {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names = |word: &str| {
        code.match_indices(word).any(|(at, _)| {
            let begins = !word.starts_with(is_word) || !code[..at].ends_with(is_word);
            begins && (!word.ends_with(is_word) || !code[at + word.len()..].starts_with(is_word))
        })
    };
    words().into_iter().filter(|(word, _)| names(word)).map(|(_, topic)| topic).collect()
}

/// The topics in the first arguments of calls of these functions.
fn arguments(code: &str, functions: &[&str]) -> Topics {
    let calls = functions.iter().flat_map(|function| code.split(*function).skip(1));
    calls.flat_map(|rest| named(rest.split(',').next().unwrap_or_default())).collect()
}

/// The topics in a cell of the table.
fn cell(cell: &str) -> Topics {
    let names = cell.split('`').skip(1).step_by(2);
    let topic = |name: &str| match name {
        "INVITED" | "MENTIONED" => "person".to_owned(),
        name if name.starts_with("person.") => "person".to_owned(),
        name => name.to_owned(),
    };
    names.map(topic).collect()
}

#[test]
fn each_component_publishes_and_subscribes_to_what_the_table_says() {
    let text = read(&folder().join("components.rs"));
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("//! | [`")).collect();
    assert!(rows.len() > 10, "{rows:?}");
    for row in rows {
        let cells: Vec<&str> = row.split('|').collect();
        let [_, components, published, subscribed, _] = cells[..] else { panic!("{row}") };
        let components = components.split('`').skip(1).step_by(2);
        let code: String = components.map(code).collect();
        let (published, subscribed) = (cell(published), cell(subscribed));
        assert_eq!(named(&code), &published | &subscribed, "{row}");
        let heard = arguments(
            &code,
            &["use_subscription(", "use_subscription_with_echo(", "subscribe(", "subscriber("],
        );
        assert!(heard.is_subset(&subscribed), "{heard:?} in {row}");
        let said = arguments(&code, &[".publish(", ".publish_payload("]);
        assert!(said.is_subset(&published), "{said:?} in {row}");
    }
}

#[test]
fn a_name_of_a_topic_is_found_as_a_whole_word() {
    let of = |code: &str| named(code).into_iter().collect::<Vec<_>>();
    assert_eq!(of("bus.publish(EDIT, subject)"), ["ui.edit"]);
    assert_eq!(of("EDIT_LAST"), ["ui.edit_last"]);
    assert_eq!(of("self.room.edited(day)"), ["EDITED"]);
    assert_eq!(of("room.text_messages"), [""; 0]);
}
