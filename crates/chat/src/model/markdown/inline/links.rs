//! Links: with a label, in angle brackets, and addresses in the text as GitHub recognizes them. Only `http:`, `https:`
//! and `mailto:` become links.

use super::super::{Node, element};
use super::inline;
use crate::letters::is_alphanumeric;

/// The most bytes of a label or an address.
const MAX: usize = 2_000;

fn link(address: &str, children: Vec<Node>) -> Node {
    element("a", address, children)
}

fn has_prefix(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// The length of the scheme of an address that may be a link.
fn scheme(address: &str) -> Option<usize> {
    let known = ["https://", "http://", "mailto:"].into_iter();
    let mut known = known.filter(|prefix| has_prefix(address, prefix));
    known.next().map(str::len).filter(|length| address.len() > *length)
}

/// `[label](address)`.
pub fn labelled(rest: &str) -> Option<(Node, usize)> {
    let near = &rest[..rest.floor_char_boundary(MAX)];
    let end = near.find(']')?;
    let (label, target) = (&near[1..end], near[end + 1..].strip_prefix('(')?);
    scheme(target)?;
    let mut depth = 0;
    let length = target.find(|character: char| {
        depth += i32::from(character == '(') - i32::from(character == ')');
        depth < 0 || character.is_whitespace()
    })?;
    let address = &target[..length];
    let is_link = target[length..].starts_with(')') && !label.trim().is_empty();
    if !is_link {
        return None;
    }
    Some((link(address, inline(label, false)), end + 2 + length + 1))
}

/// `<address>`.
pub fn bracketed(rest: &str) -> Option<(Node, usize)> {
    let near = &rest[1..rest.floor_char_boundary(MAX)];
    scheme(near)?;
    let address =
        &near[..near.find(|character: char| character == '>' || character.is_whitespace())?];
    if !near[address.len()..].starts_with('>') || scheme(address).is_none() {
        return None;
    }
    Some((link(address, vec![Node::Text(address.to_owned())]), address.len() + 2))
}

/// An address that begins with its scheme or with `www.`.
pub fn plain(rest: &str) -> Option<(Node, usize)> {
    let is_www = has_prefix(rest, "www.");
    let start = if is_www { 4 } else { scheme(rest).filter(|_| !has_prefix(rest, "mailto:"))? };
    let ends = |character: char| character.is_whitespace() || character == '<';
    let near = &rest[..rest.floor_char_boundary(MAX)];
    let end = near.find(ends).or((near.len() == rest.len()).then_some(near.len()))?;
    let address = trimmed(&near[..end]);
    let host = address.get(start..)?.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let is_host = host.starts_with(is_alphanumeric) && (!is_www || is_domain(host));
    if !is_host {
        return None;
    }
    let target = if is_www { ["http://", address].concat() } else { address.to_owned() };
    Some((link(&target, vec![Node::Text(address.to_owned())]), address.len()))
}

/// Without the punctuation after it. A closing parenthesis belongs to it only if it has the opening one.
fn trimmed(address: &str) -> &str {
    let count = |mark: u8| address.bytes().filter(|byte| *byte == mark).count() as i32;
    let mut unopened = count(b')') - count(b'(');
    let mut end = address.len();
    while let Some(last) = address[..end].chars().next_back() {
        let is_part = match last {
            '?' | '!' | '.' | ',' | ':' | ';' | '*' | '_' | '~' | '\'' | '"' => false,
            ')' => unopened <= 0,
            _ => true,
        };
        if is_part {
            break;
        }
        unopened -= i32::from(last == ')');
        end -= last.len_utf8();
    }
    &address[..end]
}

/// An address of mail, whose `@` is at the beginning of `rest`. What is before it is taken from the text before.
pub fn mail(before: Option<&mut Node>, rest: &str) -> Option<(Node, usize)> {
    let Some(Node::Text(text)) = before else { return None };
    let is_local = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_' | '+')
    };
    let start = text.trim_end_matches(is_local).len();
    let domain = &rest[1..];
    let is_of_domain =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '.');
    let end = domain.find(|character| !is_of_domain(character)).unwrap_or(domain.len());
    let domain = domain[..end].trim_end_matches(['.', '-']);
    if start == text.len() || !is_domain(domain) {
        return None;
    }
    let local = text.split_off(start);
    let address = [&*local, "@", domain].concat();
    Some((link(&["mailto:", &address].concat(), vec![Node::Text(address)]), 1 + domain.len()))
}

/// Whether it has a dot between two names.
fn is_domain(domain: &str) -> bool {
    let mut names = domain.split('.');
    domain.contains('.') && names.all(|name| name.starts_with(is_alphanumeric))
}
