//! Parses the output of programs: progress, errors, and why a program failed.

/// How many lines of a failed program are shown.
const SHOWN: usize = 60;

#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    Nothing,
    /// Cargo's progress bar.
    Progress {
        done: u64,
        all: u64,
        what: String,
    },
    /// A line that is redrawn again and again.
    Redrawn(String),
    Line(String),
}

pub fn parse(piece: &str) -> Output {
    let text = without_escapes(piece);
    let text = text.trim();
    if text.is_empty() {
        return Output::Nothing;
    }
    if piece.ends_with('\r') && text.starts_with("Downloading ") {
        return Output::Redrawn(text.to_owned());
    }
    parts(text).unwrap_or_else(|| Output::Line(text.to_owned()))
}

/// Parses `Building [====>   ] 34/120: serde, tokio`.
fn parts(text: &str) -> Option<Output> {
    let (verb, rest) = text.split_once(" [")?;
    let (_, counted) = rest.split_once("] ")?;
    let (numbers, what) = counted.split_once(": ").unwrap_or((counted, verb));
    let (done, all) = numbers.trim().split_once('/')?;
    let number = |text: &str| text.trim().parse().ok();
    Some(Output::Progress { done: number(done)?, all: number(all)?, what: what.to_owned() })
}

/// The lines from the first error on, at most [`SHOWN`].
pub fn failure(tail: &[String]) -> Vec<String> {
    let is_error = |line: &String| {
        let line = without_escapes(line);
        let line = line.trim_start();
        line.starts_with("error") || line.starts_with("npm error") || line.starts_with("E: ")
    };
    let from = tail.iter().position(is_error).unwrap_or(tail.len().saturating_sub(20));
    tail[from..].iter().take(SHOWN).cloned().collect()
}

/// A cause outside the program, to report instead of its exit code.
pub fn cause(lines: &[String]) -> Option<&'static str> {
    const CAUSES: [(&[&str], &str); 4] = [
        // A linker that maps its output into memory dies of a signal.
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
            "the network is unreachable",
        ),
        (
            &["linker `cc` not found", "failed to find tool \"cc\"", "is `cc` not installed"],
            "a C compiler is needed (Debian: `apt-get install build-essential`)",
        ),
        (
            &["Permission denied", "EACCES"],
            "no permission to write a file or folder (check the owner of the cache and of `target`)",
        ),
    ];
    let found =
        |signs: &[&str]| lines.iter().any(|line| signs.iter().any(|sign| line.contains(sign)));
    CAUSES.iter().find(|(signs, _)| found(signs)).map(|(_, cause)| *cause)
}

/// Shortens a command so that it fits into a line.
pub fn shorten(command: &str) -> String {
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

/// Removes escape sequences such as colours, which end with a letter.
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
            assert_eq!(parse(piece), Output::Progress { done, all, what: what.to_owned() });
        }
    }

    #[test]
    fn other_lines_are_lines() {
        for line in ["   Compiling serde v1.0.0", "error[E0308]: a/b", "see [1] 3/x: y"] {
            assert_eq!(parse(line), Output::Line(line.trim().to_owned()));
        }
        assert_eq!(parse("\u{1b}[K\r"), Output::Nothing);
        let redrawn = " Downloading 3 crates, remaining bytes: 1.2MiB\r";
        assert_eq!(parse(redrawn), Output::Redrawn(redrawn.trim().to_owned()));
    }

    #[test]
    fn a_long_command_is_cut() {
        assert_eq!(shorten("/a/b/wasm-opt -Oz x"), "wasm-opt -Oz x");
        assert_eq!(shorten("npm"), "npm");
        let short = shorten(&format!("cargo build {}", "x".repeat(80)));
        assert_eq!(short, format!("cargo build {} ...", "x".repeat(48)));
    }

    #[test]
    fn a_failure_begins_with_the_first_error() {
        let tail = ["Compiling a", "\u{1b}[31merror\u{1b}[0m: no", "  why", "Compiling b"];
        let tail = tail.map(str::to_owned);
        assert_eq!(failure(&tail), tail[1..]);
        assert_eq!(failure(&tail[..1]), tail[..1]);
    }

    #[test]
    fn a_cause_outside_the_program_is_found() {
        for (line, expected) in [
            ("error: No space left on device (os error 28)", Some("the disk is full")),
            ("npm error code ENOSPC", Some("the disk is full")),
            (
                "collect2: fatal error: ld terminated with signal 7 [Bus error]",
                Some("the disk is full"),
            ),
            ("error: Could not resolve host: index.crates.io", Some("the network is unreachable")),
            ("npm error code EAI_AGAIN", Some("the network is unreachable")),
            ("error[E0308]: mismatched types", None),
        ] {
            assert_eq!(cause(&[line.to_owned()]), expected, "{line}");
        }
    }
}
