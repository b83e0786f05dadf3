//! The paths of the repository, of cargo's target directory, and of the user's cache of tools.

use anyhow::{Context, Result};
use std::env;
use std::path::{Path, PathBuf};

/// The paths that every task works with.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The repository.
    pub root: PathBuf,
    /// Cargo's target directory, as the user has set it.
    pub target: PathBuf,
    /// Tools are installed outside the repository, so that a fresh clone finds them.
    pub cache: PathBuf,
}

impl Workspace {
    pub fn locate() -> Result<Self> {
        // xtask is only ever run from the sources that it was built from.
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .context("xtask is not in crates/xtask of the repository")?
            .to_path_buf();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => env::current_dir()?.join(dir),
            None => root.join("target"),
        };
        Ok(Self { root, target, cache: cache_root()?.join("event-driven-kit") })
    }

    /// A workspace whose paths are all in this folder.
    #[cfg(test)]
    pub fn at(root: &Path) -> Self {
        let (target, cache) = (root.join("target"), root.join("cache"));
        Self { root: root.to_owned(), target, cache }
    }

    /// The built page, as the relay serves it.
    pub fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// The target folder of this clone, even if CARGO_TARGET_DIR is shared with others.
    pub fn own_target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// The built npm package.
    pub fn npm_package(&self) -> PathBuf {
        self.own_target().join("npm/event-driven-kit")
    }

    /// The relay that `cargo build --profile native` builds.
    pub fn relay(&self) -> PathBuf {
        self.built("native", "event-relay")
    }

    /// A program that cargo builds with a profile.
    pub fn built(&self, folder: &str, program: &str) -> PathBuf {
        self.target.join(folder).join(format!("{program}{}", env::consts::EXE_SUFFIX))
    }

    /// The `--root` of `cargo install`.
    pub fn tools(&self) -> PathBuf {
        self.cache.join("tools")
    }

    /// Where npm installs tools.
    pub fn npm_tools(&self) -> PathBuf {
        self.cache.join("npm")
    }

    /// The binary of a release of Node, from npm. It is not with the other tools, so that it is not found as `node`.
    pub fn node(&self, version: &str) -> PathBuf {
        self.node_folder(version).join("node_modules/node/bin/node")
    }

    /// Where npm installs that release.
    pub fn node_folder(&self, version: &str) -> PathBuf {
        self.cache.join("node").join(version)
    }

    /// The WebSocket conformance suite, which is written in Python 2.
    pub fn autobahn(&self) -> PathBuf {
        self.cache.join("autobahn")
    }

    /// The virtual environment with WSE's server.
    pub fn wse(&self) -> PathBuf {
        self.cache.join("wse")
    }

    /// The virtual environment with the packages of the Python client's test.
    pub fn python(&self) -> PathBuf {
        self.cache.join("python")
    }
}

fn cache_root() -> Result<PathBuf> {
    if let Some(dir) = env::var_os("XDG_CACHE_HOME").filter(|dir| Path::new(dir).is_absolute()) {
        return Ok(dir.into());
    }
    env::home_dir()
        .map(|home| home.join(".cache"))
        .context("there is no home directory for the tools: set XDG_CACHE_HOME to a folder")
}
