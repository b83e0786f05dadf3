//! What a reader in another language sees in a JSON text, without the parser under test.

/// The names of an object's members in their original form, and the nesting depth.
pub fn members_and_nesting(json: &str) -> (Vec<&str>, usize) {
    let (mut names, mut deepest, mut depth) = (Vec::new(), 0, 0_usize);
    let mut at = 0;
    while let Some(&byte) = json.as_bytes().get(at) {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => {
                let end = at + 1 + string_length(&json[at + 1..]);
                let is_name = json[end..].trim_start_matches('"').trim_start().starts_with(':');
                if depth == 1 && is_name {
                    names.push(&json[at + 1..end]);
                }
                at = end;
            }
            _ => {}
        }
        deepest = deepest.max(depth);
        at += 1;
    }
    (names, deepest)
}

/// Up to the closing quotation mark.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.unwrap_or(text.len())
}
