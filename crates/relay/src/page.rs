//! The built page: its files with a strict Content-Security-Policy.
//!
//! Nothing is compressed here. If a file has a `.br` or `.gz` beside it, that is sent to clients that accept it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use tower_http::services::ServeDir;

/// A larger HTML file may not have inline scripts and styles.
const MAX_HTML: u64 = 1 << 20;
/// The number of HTML files in the page's directory that may have inline scripts and styles.
const MAX_PAGES: usize = 64;

/// Serves the files of `directory`.
pub(crate) fn router(directory: &Path) -> Router {
    let policies = Arc::new(Policies::new(directory));
    Router::new()
        .fallback_service(ServeDir::new(directory).precompressed_br().precompressed_gzip())
        .layer(middleware::from_fn_with_state(policies, guard))
}

/// Sets the headers of each response.
async fn guard(State(policies): State<Arc<Policies>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let is_found = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let cache = if is_found && is_hashed(&path) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    // A response without a body has no type.
    let is_html = path.ends_with('/')
        || path.ends_with(".html")
        || response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/html");
    let policy = if is_html && is_found {
        tokio::task::spawn_blocking(move || policies.current()).await.ok()
    } else {
        None
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers
        .insert(header::CONTENT_SECURITY_POLICY, policy.unwrap_or_else(|| policy_with(&[], &[])));
    response
}

/// The policy of the HTML files. It allows their inline scripts and styles by hash.
struct Policies {
    directory: PathBuf,
    kept: Mutex<Kept>,
}

struct Kept {
    /// The files when the policy was made.
    files: Vec<Stamp>,
    policy: HeaderValue,
}

#[derive(PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    modified: Option<SystemTime>,
    bytes: u64,
}

impl Policies {
    fn new(directory: &Path) -> Self {
        let kept = Mutex::new(Kept { files: Vec::new(), policy: policy_with(&[], &[]) });
        let policies = Self { directory: directory.to_owned(), kept };
        policies.current();
        policies
    }

    /// The current policy. If a file has changed since the last call, hashes the scripts and styles again: the page may
    /// have been rebuilt.
    fn current(&self) -> HeaderValue {
        let files = html_files(&self.directory);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.files != files {
            let (mut scripts, mut styles) = (Vec::new(), Vec::new());
            for file in &files {
                let html = fs::read(&file.path).unwrap_or_default();
                let html = String::from_utf8_lossy(&html);
                scripts.extend(inline(&html, "script").into_iter().map(hash));
                styles.extend(inline(&html, "style").into_iter().map(hash));
            }
            *kept = Kept { files, policy: policy_with(&scripts, &styles) };
        }
        kept.policy.clone()
    }
}

/// The HTML files of a directory, without its subdirectories.
fn html_files(directory: &Path) -> Vec<Stamp> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let stamp = |path: PathBuf| {
        let metadata = fs::metadata(&path).ok().filter(|file| file.is_file())?;
        Some(Stamp { path, modified: metadata.modified().ok(), bytes: metadata.len() })
    };
    let mut files: Vec<Stamp> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "html"))
        .filter_map(stamp)
        .filter(|file| file.bytes <= MAX_HTML)
        .collect();
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    files.truncate(MAX_PAGES);
    files
}

/// The texts of the inline elements of this name: `script` or `style`.
fn inline<'html>(html: &'html str, element: &str) -> Vec<&'html str> {
    // Non-ASCII letters stay as they are, so positions do not change.
    let lower = html.to_ascii_lowercase();
    let (begin, close) = (format!("<{element}"), format!("</{element}"));
    let mut texts = Vec::new();
    let mut at = 0;
    while let Some(tag) = lower[at..].find(&begin).map(|found| at + found) {
        let Some(text) = lower[tag..].find('>').map(|found| tag + found + 1) else {
            break;
        };
        let Some(end) = lower[text..].find(&close).map(|found| text + found) else {
            break;
        };
        if !lower[tag..text].split_ascii_whitespace().any(|word| word.starts_with("src=")) {
            texts.push(&html[text..end]);
        }
        at = end;
    }
    texts
}

/// The source expression that allows a script or a style.
fn hash(text: &str) -> String {
    // A browser hashes the parsed text, which has one kind of line ending.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

fn policy_with(scripts: &[String], styles: &[String]) -> HeaderValue {
    let mut policy = String::from("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'");
    let add = |policy: &mut String, hashes: &[String]| {
        for hash in hashes {
            policy.push(' ');
            policy.push_str(hash);
        }
    };
    add(&mut policy, scripts);
    policy.push_str("; style-src 'self'");
    add(&mut policy, styles);
    policy.push_str(
        "; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    // It is all ASCII. Without a policy, a browser would allow everything.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// Whether a file's name contains the hash of its content, as in `chat-1f2e3d4c5b6a7980_bg.wasm`.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.strip_suffix("_bg").unwrap_or(stem);
    let hash = stem.rsplit_once('-').map_or("", |(_, hash)| hash);
    hash.len() >= 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_with_a_hash_is_cached_for_long() {
        for path in ["/chat-1f2e3d4c5b6a7980.js", "/a/chat-1f2e3d4c5b6a7980_bg.wasm"] {
            assert!(is_hashed(path), "{path}");
        }
        for path in ["/", "/index.html", "/embed.js", "/a-b.js", "/npm/event-driven.wasm"] {
            assert!(!is_hashed(path), "{path}");
        }
    }

    #[test]
    fn scripts_without_a_source_are_inline() {
        let html = "<SCRIPT type=module>one()</SCRIPT>ä<script src=\"a.js\"></script>\
                    <script\n src=b.js></script><script>\n two() </script ><script>three()";
        assert_eq!(inline(html, "script"), ["one()", "\n two() "]);
    }

    #[test]
    fn styles_are_allowed_by_their_hash_and_only_as_styles() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("index.html"), "<style>p{}</style><script>one()</script>")
            .unwrap();
        let policy = Policies::new(folder.path()).current();
        let policy = policy.to_str().unwrap();
        let sources = |name: &str| {
            policy.split("; ").find_map(|directive| directive.strip_prefix(name)).unwrap()
        };
        assert_eq!(sources("style-src "), format!("'self' {}", hash("p{}")));
        let scripts = format!("'self' 'wasm-unsafe-eval' {}", hash("one()"));
        assert_eq!(sources("script-src "), scripts);
    }

    #[test]
    fn a_script_is_hashed_as_a_browser_parses_it() {
        // The example from the Content Security Policy specification.
        let hashed = hash("alert('Hello, world.');");
        assert_eq!(hashed, "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='");
        assert_eq!(hash("a\r\nb\rc\n"), hash("a\nb\nc\n"));
    }

    #[test]
    fn a_page_that_is_built_again_gets_a_new_policy() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("index.html");
        fs::write(&file, "<script>one()</script>").unwrap();
        let policies = Policies::new(folder.path());
        let before = policies.current();
        assert!(before.to_str().unwrap().contains(&hash("one()")));
        fs::write(&file, "<script>another()</script>").unwrap();
        let after = policies.current();
        assert!(after.to_str().unwrap().contains(&hash("another()")));
        assert!(!after.to_str().unwrap().contains(&hash("one()")));
    }
}
