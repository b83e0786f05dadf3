//! Compresses files once, when they are built. The relay sends the `FILE.br` or `FILE.gz` beside a file.

use crate::{progress, stamp};
use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// The extensions of compressed files.
pub const ENDINGS: [&str; 2] = ["br", "gz"];

/// The extensions of files that a browser loads.
const COMPRESSED: [&str; 6] = ["css", "html", "js", "json", "svg", "wasm"];

/// Compresses all files in the folder that a browser loads, on all cores.
pub fn all(folder: &Path) -> Result<()> {
    let mut files = stamp::files(folder)?;
    files.retain(|file| has(file, &COMPRESSED));
    if let Some(task) = progress::current() {
        task.doing(&format!("compressing {} files", files.len()));
    }
    let files = Mutex::new(files.into_iter());
    let next = || files.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || -> Result<()> {
        while let Some(file) = next() {
            one(&file)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let others: Vec<_> = (1..cores).map(|_| scope.spawn(work)).collect();
        let mut result = work();
        for other in others {
            result =
                result.and(other.join().unwrap_or_else(|_| bail!("a compressing thread panicked")));
        }
        result
    })
}

fn has(file: &Path, extensions: &[&str]) -> bool {
    file.extension().is_some_and(|extension| extensions.iter().any(|known| extension == *known))
}

fn one(file: &Path) -> Result<()> {
    let bytes = fs::read(file).with_context(|| format!("{} could not be read", file.display()))?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&bytes)?;
    for (ending, compressed) in [("br", brotli(&bytes)?), ("gz", gzip.finish()?)] {
        let path = beside(file, ending);
        if compressed.len() < bytes.len() {
            fs::write(&path, compressed)
                .with_context(|| format!("{} could not be written", path.display()))?;
        } else {
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

/// `FILE.ending`.
pub fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".");
    name.push(ending);
    name.into()
}

pub fn is_compressed(file: &Path) -> bool {
    has(file, &ENDINGS)
}

/// Compresses with the best quality.
pub fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let params = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        lgblock: 16, // smaller blocks suit code: 0.1 % off the wasm
        size_hint: bytes.len(),
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &bytes[..], &mut compressed, &params)?;
    Ok(compressed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn each_file_that_gets_smaller_is_compressed_in_both_forms() {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("index.html");
        let text = "<p>again and again</p>".repeat(50);
        fs::write(&page, &text).unwrap();
        fs::write(folder.path().join("tiny.js"), "1").unwrap();
        fs::write(folder.path().join("types.d.ts"), &text).unwrap();
        all(folder.path()).unwrap();
        all(folder.path()).unwrap();
        let names: Vec<String> = stamp::files(folder.path())
            .unwrap()
            .iter()
            .map(|file| file.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(
            names,
            ["index.html", "index.html.br", "index.html.gz", "tiny.js", "types.d.ts"]
        );

        let mut plain = Vec::new();
        brotli::BrotliDecompress(&mut &fs::read(beside(&page, "br")).unwrap()[..], &mut plain)
            .unwrap();
        assert_eq!(plain, text.as_bytes());
        let mut plain = String::new();
        let file = fs::File::open(beside(&page, "gz")).unwrap();
        flate2::read::GzDecoder::new(file).read_to_string(&mut plain).unwrap();
        assert_eq!(plain, text);
    }

    #[test]
    fn repetition_compresses() {
        let size = brotli(&[b'a'; 10_000]).unwrap().len();
        assert!((1..100).contains(&size), "{size}");
    }
}
