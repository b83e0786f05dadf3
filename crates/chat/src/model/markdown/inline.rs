//! What is inside a line: emphasis, code and links.

mod links;

use super::{Node, element, push_text};
use crate::letters::is_alphanumeric;
use links::{bracketed, labelled, mail, plain};

/// How deep emphasis may be in each other. What is deeper is text.
const MAX_OPEN: usize = 16;

/// Emphasis that has begun.
struct Open {
    mark: &'static str,
    nodes: Vec<Node>,
}

/// The marks with their tags.
const MARKS: [(&str, &str); 5] =
    [("**", "strong"), ("__", "strong"), ("*", "em"), ("_", "em"), ("~~", "del")];

pub fn inline(text: &str, with_links: bool) -> Vec<Node> {
    let mut open = vec![Open { mark: "", nodes: Vec::new() }];
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        let (rest, before) = (&text[at..], text[..at].chars().next_back());
        let is_begin = || !before.is_some_and(is_alphanumeric);
        let found = match character {
            '\\' => escaped(rest),
            '`' => code(rest),
            '[' if with_links => labelled(rest),
            '<' if with_links => bracketed(rest),
            'h' | 'H' | 'w' | 'W' if with_links && is_begin() => plain(rest),
            '@' if with_links => {
                let nodes = &mut last(&mut open).nodes;
                mail(nodes.last_mut(), rest)
            }
            '*' | '_' | '~' => {
                at += emphasis(&mut open, rest, before);
                continue;
            }
            _ => None,
        };
        let nodes = &mut last(&mut open).nodes;
        at += match found {
            Some((Node::Text(text), length)) => {
                push_text(nodes, &text);
                length
            }
            Some((node, length)) => {
                nodes.push(node);
                length
            }
            None => {
                // A run of backticks is looked at once.
                let length = match character {
                    '`' => rest.len() - rest.trim_start_matches('`').len(),
                    _ => character.len_utf8(),
                };
                push_text(nodes, &rest[..length]);
                length
            }
        };
    }
    flatten(&mut open, 1);
    open.pop().map(|root| root.nodes).unwrap_or_default()
}

fn last(open: &mut [Open]) -> &mut Open {
    let at = open.len() - 1;
    &mut open[at]
}

/// Emphasis from this index on has no end: its marks are text.
fn flatten(open: &mut Vec<Open>, from: usize) {
    for Open { mark, nodes } in open.split_off(from) {
        let outer = &mut last(open).nodes;
        push_text(outer, mark);
        for node in nodes {
            match node {
                Node::Text(text) => push_text(outer, &text),
                node => outer.push(node),
            }
        }
    }
}

/// Begins or ends emphasis, and returns the length of the marks.
fn emphasis(open: &mut Vec<Open>, rest: &str, before: Option<char>) -> usize {
    let character = rest.chars().next().unwrap_or_default();
    let after = rest.trim_start_matches(character);
    let length = rest.len() - after.len();
    let next = after.chars().next();
    // Underscores in words, such as snake_case, are text.
    let is_in_word = |side: Option<char>| character == '_' && side.is_some_and(is_alphanumeric);
    let is_text = |side: Option<char>| side.is_some_and(|side| !side.is_whitespace());
    let can_open = is_text(next) && !is_in_word(before);
    let can_close = is_text(before) && !is_in_word(next);
    let mut left = &rest[..length];
    if length > 3 || (character == '~' && length != 2) {
        push_text(&mut last(open).nodes, left);
        return length;
    }
    while !left.is_empty() {
        let ends_with_one = left.len() == 3 && last(open).mark.len() == 1 && can_close;
        let width = if ends_with_one { 1 } else { left.len().min(2) };
        mark(open, &left[..width], can_open, can_close);
        left = &left[width..];
    }
    length
}

fn mark(open: &mut Vec<Open>, text: &str, can_open: bool, can_close: bool) {
    let Some((mark, tag)) = MARKS.into_iter().find(|(mark, _)| *mark == text) else {
        return push_text(&mut last(open).nodes, text);
    };
    let begun = open.iter().rposition(|open| open.mark == mark).filter(|_| can_close);
    if let Some(at) = begun.filter(|at| *at > 0 && !open[*at].nodes.is_empty()) {
        flatten(open, at + 1);
        let nodes = open.pop().map(|open| open.nodes).unwrap_or_default();
        last(open).nodes.push(element(tag, "", nodes));
    } else if can_open && open.len() < MAX_OPEN {
        open.push(Open { mark, nodes: Vec::new() });
    } else {
        push_text(&mut last(open).nodes, mark);
    }
}

/// Punctuation after a backslash is text.
fn escaped(rest: &str) -> Option<(Node, usize)> {
    let next = rest[1..].chars().next().filter(char::is_ascii_punctuation)?;
    Some((Node::Text(next.to_string()), 2))
}

/// Code between two runs of as many backticks.
fn code(rest: &str) -> Option<(Node, usize)> {
    let inner = rest.trim_start_matches('`');
    let fence = &rest[..rest.len() - inner.len()];
    let mut from = 0;
    loop {
        let start = from + inner[from..].find(fence)?;
        let end = inner.len() - inner[start..].trim_start_matches('`').len();
        if end - start == fence.len() {
            let code = &inner[..start];
            let is_padded = code.starts_with(' ') && code.ends_with(' ') && !code.trim().is_empty();
            let code = if is_padded { &code[1..code.len() - 1] } else { code };
            let node = element("code", "", vec![Node::Text(code.to_owned())]);
            return Some((node, fence.len() + end));
        }
        from = end;
    }
}
