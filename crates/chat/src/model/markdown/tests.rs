//! What Markdown becomes, written as HTML to be compared.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::*;

fn html(nodes: &[Node]) -> String {
    let mut text = String::new();
    for node in nodes {
        match node {
            Node::Text(part) => text.push_str(part),
            Node::Element { tag, value, children } => {
                let value = if value.is_empty() { String::new() } else { format!("={value}") };
                let _ = write!(text, "<{tag}{value}>{}</{tag}>", html(children));
            }
        }
    }
    text
}

#[track_caller]
fn becomes(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(html(&parse(text)), *expected, "{text}");
    }
}

#[track_caller]
fn stays(texts: &[&str]) {
    for text in texts {
        assert_eq!(parse(text), [Node::Text((*text).to_owned())], "{text}");
    }
}

#[test]
fn marks_around_words_are_emphasis() {
    becomes(&[
        ("**bold** and *italic*", "<strong>bold</strong> and <em>italic</em>"),
        ("__bold__ and _italic_", "<strong>bold</strong> and <em>italic</em>"),
        ("~~gone~~", "<del>gone</del>"),
        ("***both***", "<strong><em>both</em></strong>"),
        ("*a **b** c*", "<em>a <strong>b</strong> c</em>"),
        ("**a *b***", "<strong>a <em>b</em></strong>"),
        ("in*side*word", "in<em>side</em>word"),
        ("*a _b* c_", "<em>a _b</em> c_"),
        ("粗**体**字", "粗<strong>体</strong>字"),
        (r"\*not\* *this*", "*not* <em>this</em>"),
    ]);
}

#[test]
fn an_empty_text_has_no_nodes() {
    assert_eq!(parse(""), []);
}

#[test]
fn marks_around_nothing_visible_are_text() {
    stays(&[
        "```",
        "```\n```",
        "```js",
        "~~~",
        "```\n\n```",
        "` `",
        ">",
        "> >",
        "> ```",
        "**\u{200b}**",
        "[\u{200b}](http://example.org)",
    ]);
    becomes(&[("```\n\n```\nx", "<pre><code></code></pre>x")]);
}

#[test]
fn marks_without_a_partner_are_text() {
    stays(&[
        "2 * 3 * 4",
        "a * b",
        "snake_case_name",
        "**",
        "****",
        "* ",
        "*open",
        "close*",
        "~one~",
        "a ** b",
        "C:\\path",
        "1.5",
        "-5 degrees",
        "#1",
        "`open",
        "a\n\n\nb\n",
        ":-) <3 >_<",
    ]);
}

#[test]
fn code_keeps_what_is_in_it() {
    becomes(&[
        ("`a*b*`", "<code>a*b*</code>"),
        ("``a ` b``", "<code>a ` b</code>"),
        ("` a `", "<code>a</code>"),
        ("```\n*a*\n<b>\n```", "<pre><code>*a*\n<b></code></pre>"),
        ("```rust\nfn\n```\nafter", "<pre><code>fn</code></pre>after"),
        ("before\n\n~~~\n```\n~~~", "before<pre><code>```</code></pre>"),
        ("```\nno end", "<pre><code>no end</code></pre>"),
        ("a\n```", "a<pre><code></code></pre>"),
        ("```one line```", "<code>one line</code>"),
    ]);
}

#[test]
fn quotes_and_lists_contain_blocks() {
    becomes(&[
        ("> a\n> b\nc", "<blockquote>a\nb</blockquote>c"),
        (">a\n>> b", "<blockquote>a<blockquote>b</blockquote></blockquote>"),
        ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
        ("* *a*\n+ b", "<ul><li><em>a</em></li><li>b</li></ul>"),
        ("3. a\n4. b", "<ol=3><li>a</li><li>b</li></ol>"),
        ("1) a\n\n2) b\n\nafter", "<ol=1><li>a</li><li>b</li></ol>after"),
        ("- a\n  - b\n  - c\n- d", "<ul><li>a<ul><li>b</li><li>c</li></ul></li><li>d</li></ul>"),
        ("- a\n  more\nafter", "<ul><li>a\nmore</li></ul>after"),
        ("- ```\n  code\n  ```", "<ul><li><pre><code>code</code></pre></li></ul>"),
        ("to buy:\n- tea", "to buy:<ul><li>tea</li></ul>"),
    ]);
}

#[test]
fn addresses_are_links_as_github_recognizes_them() {
    becomes(&[
        (
            "(https://en.wikipedia.org/wiki/A_(b))",
            "(<a=https://en.wikipedia.org/wiki/A_(b)>https://en.wikipedia.org/wiki/A_(b)</a>)",
        ),
        ("https://x.org/a_b_", "<a=https://x.org/a_b>https://x.org/a_b</a>_"),
        ("see HTTP://x.org/?q=*a*.", "see <a=HTTP://x.org/?q=*a>HTTP://x.org/?q=*a</a>*."),
        ("**https://x.org**", "<strong><a=https://x.org>https://x.org</a></strong>"),
        ("www.x.org, yes", "<a=http://www.x.org>www.x.org</a>, yes"),
        ("ann.b@x.org!", "<a=mailto:ann.b@x.org>ann.b@x.org</a>!"),
        ("[a *b*](https://x.org/(c))", "<a=https://x.org/(c)>a <em>b</em></a>"),
        ("[mail](mailto:a@x.org)", "<a=mailto:a@x.org>mail</a>"),
        ("<https://x.org/a b>", "<<a=https://x.org/a>https://x.org/a</a> b>"),
        ("[a](https://x.org b)", "[a](<a=https://x.org>https://x.org</a> b)"),
        ("<https://x.org>", "<a=https://x.org>https://x.org</a>"),
        ("`https://x.org`", "<code>https://x.org</code>"),
        ("http://localhost:8080/#a", "<a=http://localhost:8080/#a>http://localhost:8080/#a</a>"),
    ]);
    stays(&[
        "x.org!",
        "http://",
        "https:// x",
        "www.",
        "www.!",
        "xhttp://a",
        "@ann",
        "a@b",
        "a @x.org",
        "ann@",
    ]);
}

#[test]
fn other_schemes_and_html_are_text() {
    stays(&[
        "javascript:alert(1)",
        "[a](javascript:alert(1))",
        "[a](data:text/html,b)",
        "[a](vbscript:b)",
        "[a](/b)",
        "[](https:",
        "<javascript:alert(1)>",
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "<a href=\"javascript:b\">c</a>",
        "&lt;b&gt; &amp; &#106;",
    ]);
}

/// A message has fewer characters. Each of these takes more than a second if its time grows with the square of its
/// length.
#[test]
fn no_text_takes_long() {
    for part in [
        ">",
        "> ",
        "- ",
        "1. ",
        "  - ",
        "*",
        "**",
        "*a",
        "_a ",
        "a_",
        "`",
        "``a`",
        "[",
        "[a](",
        "(",
        ")",
        "<",
        "<a",
        "https://x.org/(",
        "http://",
        "www.",
        "@",
        "a@b.",
        "\\",
        "\n",
        ">\n",
        "- a\n",
        "- a\n\n",
        "```\n",
        "~~a",
        "***a",
        "**a *b ",
        "http:///",
        "www.a/",
        "[a](https://x.org/",
        "https://x.org/)",
    ] {
        let text: String = part.chars().cycle().take(10_000).collect();
        // In a build without optimization. A busy machine may stop one of the attempts for a while.
        let took = (0..3).map(|_| {
            let begun = Instant::now();
            let _nodes = parse(&text);
            begun.elapsed()
        });
        let took = took.min().unwrap_or_default();
        assert!(took < Duration::from_secs(1), "{part:?}: {took:?}");
    }
}
