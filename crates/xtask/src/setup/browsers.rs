//! Finds the three browser engines and their WebDriver servers, and names Debian's packages for them.

use anyhow::{Result, bail};
use std::env;
use std::path::{Path, PathBuf};

/// Names the Chromium to use instead of the one on PATH.
const CHROMIUM: &str = "EDK_CHROMIUM";
const EMOJI_PACKAGE: &str = "fonts-noto-color-emoji";
const EMOJI_FONT: &str = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf";

fn first(programs: &[&str]) -> Option<PathBuf> {
    programs.iter().find_map(|name| which::which(name).ok())
}

pub fn chromium() -> Option<PathBuf> {
    env::var_os(CHROMIUM).map(PathBuf::from).or_else(|| {
        first(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])
    })
}

pub fn chromedriver() -> Option<PathBuf> {
    first(&["chromedriver"])
}

pub fn firefox() -> Option<PathBuf> {
    first(&["firefox", "firefox-esr"])
}

/// A WebKit driver, with the display that it needs.
#[derive(Debug)]
pub enum WebKit {
    Safari(PathBuf),
    /// WebKitGTK has no headless mode.
    Gtk {
        driver: PathBuf,
        xvfb_run: PathBuf,
    },
}

pub fn webkit() -> Option<WebKit> {
    if let Some(driver) = first(&["safaridriver"]) {
        return Some(WebKit::Safari(driver));
    }
    Some(WebKit::Gtk { driver: first(&["WebKitWebDriver"])?, xvfb_run: first(&["xvfb-run"])? })
}

pub fn missing_for_chromium() -> Vec<&'static str> {
    let mut packages = Vec::new();
    if chromium().is_none() {
        packages.push("chromium");
    }
    if chromedriver().is_none() {
        packages.push("chromium-driver");
    }
    if cfg!(target_os = "linux") && !Path::new(EMOJI_FONT).exists() {
        packages.push(EMOJI_PACKAGE);
    }
    packages
}

pub fn missing_for_firefox() -> Vec<&'static str> {
    match firefox() {
        Some(_) => Vec::new(),
        None => vec!["firefox-esr"],
    }
}

pub fn missing_for_webkit() -> Vec<&'static str> {
    match webkit() {
        Some(_) => Vec::new(),
        None => vec!["webkit2gtk-driver", "xvfb", "xauth"],
    }
}

pub fn check_chromium() -> Result<()> {
    if chromium().is_none() || chromedriver().is_none() {
        bail!(
            "Chromium and its chromedriver are needed: put both on PATH (Debian: `apt-get install chromium chromium-driver`)"
        );
    }
    Ok(())
}

pub fn check_firefox() -> Result<()> {
    if firefox().is_none() {
        bail!("Firefox is needed: put it on PATH (Debian: `apt-get install firefox-esr`)");
    }
    Ok(())
}

pub fn check_webkit() -> Result<()> {
    if webkit().is_none() {
        bail!(
            "a WebKit is needed: Safari with safaridriver, or WebKitWebDriver and xvfb-run (Debian: `apt-get install webkit2gtk-driver xvfb`)"
        );
    }
    Ok(())
}
