//! The Markdown of messages: bold, italic, strike, code, fences, quotes, lists, links, and addresses that become links.
//! HTML is text. Line breaks stay as they are written.
//!
//! A text takes time in proportion to its length, whatever is in it.

mod inline;

use super::text::is_visible;
use inline::inline;

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Text.
    Text(String),
    /// An element with this tag.
    Element {
        /// One of `a`, `blockquote`, `code`, `del`, `em`, `li`, `ol`, `pre`, `strong` and `ul`.
        tag: &'static str,
        /// The address of a link, or the first number of a list.
        value: String,
        /// What it contains.
        children: Vec<Node>,
    },
}

/// How deep quotes and lists may be in each other. What is deeper is text.
const MAX_DEPTH: usize = 6;

/// The parts of a message. If they would show nothing, because the text is nothing but marks, the text is shown as it is.
pub fn parse(text: &str) -> Vec<Node> {
    let mut nodes = blocks(text, 0);
    if !nodes.iter().any(shows) {
        nodes.clear();
        push_text(&mut nodes, text);
    }
    nodes
}

/// Whether anything of a part is visible.
fn shows(node: &Node) -> bool {
    match node {
        Node::Text(text) => is_visible(text),
        Node::Element { children, .. } => children.iter().any(shows),
    }
}

fn element(tag: &'static str, value: &str, children: Vec<Node>) -> Node {
    Node::Element { tag, value: value.to_owned(), children }
}

fn push_text(nodes: &mut Vec<Node>, text: &str) {
    match nodes.last_mut() {
        Some(Node::Text(last)) => last.push_str(text),
        _ if text.is_empty() => {}
        _ => nodes.push(Node::Text(text.to_owned())),
    }
}

fn blocks(text: &str, depth: usize) -> Vec<Node> {
    let lines: Vec<&str> = text.split('\n').collect();
    let (mut nodes, mut plain, mut at) = (Vec::new(), 0, 0);
    while at < lines.len() {
        let found = fenced(&lines[at..]).or_else(|| {
            let is_deep = depth >= MAX_DEPTH;
            if is_deep {
                None
            } else {
                quoted(&lines[at..], depth).or_else(|| listed(&lines[at..], depth))
            }
        });
        let Some((block, length)) = found else {
            at += 1;
            continue;
        };
        push_lines(&mut nodes, &lines[plain..at], true);
        nodes.push(block);
        at += length;
        plain = at;
    }
    push_lines(&mut nodes, &lines[plain..], false);
    nodes
}

/// Adds lines without a block. Blank lines beside blocks are left out.
fn push_lines(nodes: &mut Vec<Node>, lines: &[&str], is_before_block: bool) {
    let text = lines.join("\n");
    let text = if nodes.is_empty() { &*text } else { text.trim_start_matches('\n') };
    let text = if is_before_block { text.trim_end_matches('\n') } else { text };
    nodes.extend(inline(text, true));
}

/// The width of the spaces at the beginning of a line.
fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Code between fences, or from a fence to the end.
fn fenced(lines: &[&str]) -> Option<(Node, usize)> {
    let open = lines[0].trim_start_matches(' ');
    let mark = open.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let info = open.trim_start_matches(mark);
    let width = open.len() - info.len();
    if width < 3 || indent(lines[0]) > 3 || info.contains('`') {
        return None;
    }
    let closes = |line: &&str| {
        let line = line.trim();
        line.len() >= width && line.chars().all(|character| character == mark)
    };
    let length = lines[1..].iter().position(closes).unwrap_or(lines.len() - 1);
    let code = vec![Node::Text(lines[1..=length].join("\n"))];
    Some((element("pre", "", vec![element("code", "", code)]), (length + 2).min(lines.len())))
}

fn quoted(lines: &[&str], depth: usize) -> Option<(Node, usize)> {
    let content = |line: &&str| {
        let rest = line.trim_start_matches(' ').strip_prefix('>').filter(|_| indent(line) < 4)?;
        Some(rest.strip_prefix(' ').unwrap_or(rest).to_owned())
    };
    let inner: Vec<String> = lines.iter().map_while(content).collect();
    if inner.is_empty() {
        return None;
    }
    Some((element("blockquote", "", blocks(&inner.join("\n"), depth + 1)), inner.len()))
}

/// The beginning of an item: its number, if it has one, and where its text begins.
fn marker(line: &str) -> Option<(Option<&str>, usize)> {
    let item = line.trim_start_matches(' ');
    let digits = item.len() - item.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
    let number = (1..=9).contains(&digits).then(|| &item[..digits]);
    let rest = match number {
        Some(_) => item[digits..].strip_prefix(['.', ')'])?,
        None => item.strip_prefix(['-', '*', '+'])?,
    };
    let text = rest.trim_start_matches(' ');
    let is_item = rest.starts_with(' ') && !text.is_empty();
    is_item.then(|| (number, line.len() - rest.len() + 1))
}

fn listed(lines: &[&str], depth: usize) -> Option<(Node, usize)> {
    let (first, width) = marker(lines[0])?;
    let mut items: Vec<String> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        // Blank lines belong to the list if it goes on after them.
        let next = at + lines[at..].iter().take_while(|line| line.trim().is_empty()).count();
        let Some(line) = lines.get(next) else { break };
        let begins = marker(line).filter(|(number, _)| number.is_some() == first.is_some());
        if let Some((_, start)) = begins.filter(|_| indent(line) < width) {
            items.push(line[start..].to_owned());
        } else if indent(line) >= 2.min(width)
            && let Some(item) = items.last_mut()
        {
            (at..=next).for_each(|_| item.push('\n'));
            item.push_str(&line[indent(line).min(width)..]);
        } else {
            break;
        }
        at = next + 1;
    }
    let item = |item: &String| element("li", "", blocks(item.trim_start_matches(' '), depth + 1));
    let children = items.iter().map(item).collect();
    let (tag, start) = first.map_or(("ul", ""), |number| ("ol", number));
    Some((element(tag, start, children), at))
}

#[cfg(test)]
mod tests;
