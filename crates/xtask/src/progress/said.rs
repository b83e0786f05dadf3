//! What a piece of a program's output says.

/// How many lines of a failure are shown.
const SHOWN: usize = 60;

#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    Nothing,
    /// Cargo has done this many of its parts, and is at these.
    Parts {
        done: u64,
        all: u64,
        what: String,
    },
    /// What it is at, which it draws again and again.
    Passing(String),
    Line(String),
}

pub fn understand(piece: &str) -> Said {
    let text = without_escapes(piece);
    let text = text.trim();
    if text.is_empty() {
        return Said::Nothing;
    }
    if piece.ends_with('\r') && text.starts_with("Downloading ") {
        return Said::Passing(text.to_owned());
    }
    parts(text).unwrap_or_else(|| Said::Line(text.to_owned()))
}

/// `Building [====>   ] 34/120: serde, tokio`, which cargo redraws.
fn parts(text: &str) -> Option<Said> {
    let (verb, rest) = text.split_once(" [")?;
    let (_, counted) = rest.split_once("] ")?;
    let (numbers, what) = counted.split_once(": ").unwrap_or((counted, verb));
    let (done, all) = numbers.trim().split_once('/')?;
    let number = |text: &str| text.trim().parse().ok();
    Some(Said::Parts { done: number(done)?, all: number(all)?, what: what.to_owned() })
}

/// From the first line on that speaks of an error, but not more than one can read.
pub fn last_words(tail: &[String]) -> Vec<String> {
    let is_error = |line: &String| {
        let line = without_escapes(line);
        let line = line.trim_start();
        line.starts_with("error") || line.starts_with("npm error") || line.starts_with("E: ")
    };
    let from = tail.iter().position(is_error).unwrap_or(tail.len().saturating_sub(20));
    tail[from..].iter().take(SHOWN).cloned().collect()
}

/// Why a program failed that is no fault of its own: what to tell in place of its exit code.
pub fn cause(lines: &[String]) -> Option<&'static str> {
    const CAUSES: [(&[&str], &str); 4] = [
        // A linker that maps what it writes into memory dies by a signal.
        (&["No space left on device", "ENOSPC", "signal 7 [Bus error]"], "the disk is full"),
        (
            &[
                "Could not resolve host",
                "Couldn't resolve host",
                "Could not connect to server",
                "failed to download from `https://",
                "Temporary failure resolving",
                "Temporary failure in name resolution",
                "could not download file from",
                "EAI_AGAIN",
                "ENOTFOUND",
                "ENETUNREACH",
                "ECONNREFUSED",
            ],
            "the network can't be reached",
        ),
        (
            &["linker `cc` not found", "failed to find tool \"cc\"", "is `cc` not installed"],
            "a C compiler is needed (Debian: `apt-get install build-essential`)",
        ),
        (
            &["Permission denied", "EACCES"],
            "a file or folder may not be written (whose are the cache and `target`?)",
        ),
    ];
    let found =
        |signs: &[&str]| lines.iter().any(|line| signs.iter().any(|sign| line.contains(sign)));
    CAUSES.iter().find(|(signs, _)| found(signs)).map(|(_, cause)| *cause)
}

/// A command in so few letters that a line has room for them.
pub fn in_short(command: &str) -> String {
    const LETTERS: usize = 60;
    let (program, arguments) = command.split_once(' ').unwrap_or((command, ""));
    let program = program.rsplit('/').next().unwrap_or(program);
    let text = format!("{program} {arguments}");
    let text = text.trim_end();
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{} ...", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// Colours are escape sequences that end with a letter.
pub fn without_escapes(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            text.push(c);
            continue;
        }
        for c in chars.by_ref() {
            if c.is_ascii_alphabetic() {
                break;
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_bar_says_how_many_crates_are_built() {
        for (piece, done, all, what) in [
            ("    Building [====>      ] 34/120: serde, tokio\r", 34, 120, "serde, tokio"),
            ("\u{1b}[1m\u{1b}[96m    Building\u{1b}[0m [=> ] 3/12: a(build)", 3, 12, "a(build)"),
            ("   Compiling [==>   ] 7/9", 7, 9, "Compiling"),
        ] {
            assert_eq!(understand(piece), Said::Parts { done, all, what: what.to_owned() });
        }
    }

    #[test]
    fn other_lines_are_lines() {
        for line in ["   Compiling serde v1.0.0", "error[E0308]: a/b", "see [1] 3/x: y"] {
            assert_eq!(understand(line), Said::Line(line.trim().to_owned()));
        }
        assert_eq!(understand("\u{1b}[K\r"), Said::Nothing);
        let passing = " Downloading 3 crates, remaining bytes: 1.2MiB\r";
        assert_eq!(understand(passing), Said::Passing(passing.trim().to_owned()));
    }

    #[test]
    fn a_long_command_is_shown_by_its_beginning() {
        assert_eq!(in_short("/a/b/wasm-opt -Oz x"), "wasm-opt -Oz x");
        assert_eq!(in_short("npm"), "npm");
        let short = in_short(&format!("cargo build {}", "x".repeat(80)));
        assert_eq!(short, format!("cargo build {} ...", "x".repeat(48)));
    }

    #[test]
    fn the_last_words_begin_with_the_error() {
        let tail = ["Compiling a", "\u{1b}[31merror\u{1b}[0m: no", "  why", "Compiling b"];
        let tail = tail.map(str::to_owned);
        assert_eq!(last_words(&tail), tail[1..]);
        assert_eq!(last_words(&tail[..1]), tail[..1]);
    }

    #[test]
    fn a_cause_outside_of_the_program_is_said() {
        for (line, cause_of_it) in [
            ("error: No space left on device (os error 28)", Some("the disk is full")),
            ("npm error code ENOSPC", Some("the disk is full")),
            (
                "collect2: fatal error: ld terminated with signal 7 [Bus error]",
                Some("the disk is full"),
            ),
            (
                "error: Could not resolve host: index.crates.io",
                Some("the network can't be reached"),
            ),
            ("npm error code EAI_AGAIN", Some("the network can't be reached")),
            ("error[E0308]: mismatched types", None),
        ] {
            assert_eq!(cause(&[line.to_owned()]), cause_of_it, "{line}");
        }
    }
}
