use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{fill, pieces, t_count};

/// The plural forms of Chinese, by the Unicode Consortium.
const FORMS: [&str; 1] = ["other"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.insert(path, text);
        }
    }
}

/// The program's code, without tests and comments.
fn program() -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    sources(&root().join("crates/chat/src"), &mut found);
    found.retain(|path, _| {
        let is_test = ["tests.rs", "parts.rs", "any_order.rs"];
        !is_test.iter().any(|name| path.ends_with(name))
    });
    for text in found.values_mut() {
        let end = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
        let lines = text[..end].lines().filter(|line| !line.trim_start().starts_with("//"));
        *text = lines.collect::<Vec<_>>().join("\n");
    }
    found
}

/// The string literals, each with the code before it up to the literal before.
fn literals(code: &str) -> Vec<(String, String)> {
    let (mut found, mut before) = (Vec::new(), String::new());
    let mut rest = code.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\'' => {
                // A character, or a lifetime.
                let ahead: Vec<char> = rest.clone().take(12).collect();
                let end = match ahead.first() {
                    Some('\\') => {
                        ahead.iter().skip(2).position(|next| *next == '\'').map(|at| at + 2)
                    }
                    _ => (ahead.get(1) == Some(&'\'')).then_some(1),
                };
                for _ in 0..end.map_or(0, |end| end + 1) {
                    rest.next();
                }
            }
            '"' => {
                let mut literal = String::new();
                while let Some(next) = rest.next() {
                    match next {
                        '"' => break,
                        '\\' => match rest.next() {
                            Some('\n') => {
                                while rest.next_if(|next| next.is_whitespace()).is_some() {}
                            }
                            Some('n') => literal.push('\n'),
                            Some('u') => {
                                let code: String =
                                    rest.by_ref().skip(1).take_while(|next| *next != '}').collect();
                                literal.extend(
                                    u32::from_str_radix(&code, 16).ok().and_then(char::from_u32),
                                );
                            }
                            other => literal.extend(other),
                        },
                        other => literal.push(other),
                    }
                }
                found.push((std::mem::take(&mut before), literal));
            }
            other => before.push(other),
        }
    }
    found
}

/// The function whose argument comes after this code, if it takes texts for users.
fn caller(before: &str) -> Option<&'static str> {
    let open = before.trim_end().strip_suffix('(')?;
    let start = open.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    ["t", "t_with", "t_html", "t_count"].into_iter().find(|name| open[start..] == **name)
}

/// The texts for users: those of one form, and those with plural forms.
#[derive(Default)]
struct Texts {
    plain: BTreeSet<String>,
    counted: BTreeSet<String>,
}

fn texts() -> Texts {
    let mut texts = Texts::default();
    for code in program().values() {
        let mut literals = literals(code).into_iter();
        while let Some((before, text)) = literals.next() {
            match caller(&before) {
                None => {}
                Some("t_count") => {
                    let (between, other) = literals.next().expect("t_count has two texts");
                    assert_eq!(between.trim(), ",", "t_count has two literals: {text}");
                    texts.counted.insert(other);
                }
                Some(_) => drop(texts.plain.insert(text)),
            }
        }
    }
    let page = fs::read_to_string(root().join("index.html")).unwrap();
    let calls = page.split(" t(\"").skip(1).filter_map(|rest| rest.split_once('"'));
    let elements = page.split(" data-text").skip(1).filter_map(|rest| {
        let (_, text) = rest.split_once('>')?;
        text.split_once('<')
    });
    texts.plain.extend(calls.chain(elements).map(|(text, _)| text.to_owned()));
    texts
}

fn table() -> serde_json::Map<String, Value> {
    let text = fs::read_to_string(root().join("www/languages/zh-CN.json")).unwrap();
    let Value::Object(table) = serde_json::from_str(&text).unwrap() else { panic!("no object") };
    table
}

fn names(text: &str) -> BTreeSet<&str> {
    pieces(text).map(|(name, _)| name).filter(|name| !name.is_empty()).collect()
}

#[test]
fn chinese_has_exactly_the_texts_of_the_program() {
    let (texts, table) = (texts(), table());
    assert!(texts.plain.len() > 30, "the texts are found");
    let known = texts.plain.union(&texts.counted).cloned().collect::<BTreeSet<_>>();
    let translated = table.keys().cloned().collect::<BTreeSet<_>>();
    let missing = known.difference(&translated).collect::<Vec<_>>();
    let unused = translated.difference(&known).collect::<Vec<_>>();
    assert!(missing.is_empty() && unused.is_empty(), "missing: {missing:#?}, unused: {unused:#?}");
    for text in &texts.plain {
        assert!(table[text].is_string(), "{text} has one form");
    }
    for text in &texts.counted {
        let forms = table[text].as_object().expect(text);
        assert_eq!(forms.keys().collect::<Vec<_>>(), FORMS, "{text}");
    }
}

#[test]
fn each_translation_is_chinese_and_has_the_same_values() {
    for (text, translation) in table() {
        let forms = match &translation {
            Value::Object(forms) => forms.values().collect(),
            text => vec![text],
        };
        for form in forms.into_iter().map(|form| form.as_str().unwrap()) {
            assert_eq!(names(form), names(&text), "{text}");
            let is_chinese = |character| matches!(character, '\u{4e00}'..='\u{9fff}');
            assert!(form.chars().any(is_chinese), "{text}: {form}");
        }
    }
}

/// A text that is not translated looks like a sentence: a capital, and small letters.
#[test]
fn the_program_has_no_text_for_users_that_is_not_translated() {
    /// Names of keys, of protocols and of people's fonts, and texts for developers.
    const OTHERS: &[&str] = &[
        "ArrowDown",
        "ArrowLeft",
        "ArrowRight",
        "ArrowUp",
        "End",
        "Enter",
        "Escape",
        "Home",
        "PageDown",
        "PageUp",
        "Tab",
        "Backspace",
        "Delete",
        "English",
        "KeyE",
        "AltGraph",
        "Control+Alt+E",
    ];
    let mut found = Vec::new();
    for (path, code) in program() {
        let mut is_second = false;
        for (before, text) in literals(&code) {
            let is_argument = caller(&before).is_some() || (is_second && before.trim() == ",");
            is_second = caller(&before) == Some("t_count");
            let mut characters = text.trim_start().chars();
            let is_sentence = characters.next().is_some_and(char::is_uppercase)
                && characters.next().is_some_and(char::is_lowercase);
            let is_attribute = ["aria-label=", "title=", "placeholder=", "alt="]
                .iter()
                .any(|name| before.ends_with(name));
            let is_path = text.contains("::");
            if !is_argument
                && !is_path
                && (is_sentence || is_attribute)
                && !OTHERS.contains(&&*text)
            {
                found.push((path.file_name().unwrap().to_owned(), text));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn values_take_the_places_of_their_names_and_are_not_read_as_names() {
    let values = [("name", "{n}"), ("n", "3")];
    assert_eq!(fill("{name} has {n} of {n}, {unknown}", &values), "{n} has 3 of 3, ");
    assert_eq!(fill("plain", &values), "plain");
    let count = |n| t_count("{n} message", "{n} messages", n).to_string();
    assert_eq!([count(0), count(1), count(2)], ["0 messages", "1 message", "2 messages"]);
}

/// A page that is written from right to left is mirrored.
#[test]
fn the_style_sheets_name_no_left_and_right() {
    for entry in fs::read_dir(root().join("www/chat")).unwrap() {
        let path = entry.unwrap().path();
        for line in fs::read_to_string(&path).unwrap().lines() {
            let Some((property, value)) = line.trim().split_once(':') else { continue };
            let is_side = |text: &str| text.split('-').any(|word| matches!(word, "left" | "right"));
            let is_physical = is_side(property) || (property == "float" && is_side(value.trim()));
            assert!(!is_physical, "{}: {line}", path.display());
        }
    }
}

#[test]
fn literals_are_found_with_escapes_and_after_characters() {
    let code = "let a: &'a str = t(\"one \\\"two\\\" \\u{2026}\"); '\"'; '\\''; f(\"three\", t_count(\n  \"x\", \"y\"";
    let found = literals(code);
    let texts: Vec<&str> = found.iter().map(|(_, text)| &**text).collect();
    assert_eq!(texts, ["one \"two\" …", "three", "x", "y"]);
    let callers: Vec<_> = found.iter().map(|(before, _)| caller(before)).collect();
    assert_eq!(callers, [Some("t"), None, Some("t_count"), None]);
}

/// The texts between `t("` and `"` in a script, and those before `": "`.
fn between(text: &str, start: &str, end: &str) -> BTreeSet<String> {
    let found = text.split(start).skip(1).filter_map(|rest| rest.split_once(end));
    found.map(|(found, _)| found.to_owned()).collect()
}

#[test]
fn each_text_of_the_inspector_is_translated_and_no_other() {
    let folder = root().join("npm/src/inspector");
    let (mut used, mut translated) = (BTreeSet::new(), BTreeSet::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        if path.ends_with("language.js") {
            translated = between(&text, "\n  \"", "\": \"");
        } else {
            // No letter before it: another function.
            let code = text.replace(|c: char| !c.is_ascii(), "").replace("\n", " ");
            let calls = [" ", "(", "[", "{", ","].map(|before| [before, "t(\""].concat());
            calls.iter().for_each(|call| used.extend(between(&code, call, "\"")));
        }
    }
    assert!(used.len() > 50);
    assert_eq!(used, translated);
}
