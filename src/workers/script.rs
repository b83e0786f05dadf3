//! The scripts that workers are started from.

use js_sys::{Array, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{Blob, BlobPropertyBag, Url, Worker, WorkerOptions, WorkerType};

/// A script that a worker can be started from.
#[derive(Debug)]
pub(super) struct Script {
    url: String,
    kind: WorkerType,
    _blob: Option<BlobUrl>,
}

impl Script {
    /// A script that loads the wasm module itself.
    pub(super) fn loader(url: String, kind: WorkerType) -> Self {
        Self { url, kind, _blob: None }
    }

    /// A module of wasm-bindgen, for which a loader is created.
    pub(super) fn loader_of(module: &str) -> Result<Self, JsValue> {
        let location = Reflect::get(&js_sys::global(), &"location".into())?;
        let base = Reflect::get(&location, &"href".into())?.as_string().unwrap_or_default();
        let module = js_sys::JSON::stringify(&Url::new_with_base(module, &base)?.href().into())?;
        // Thrown from a timer, because WebKit does not report a module that rejects.
        let text = format!(
            "import init from {module};\ninit().catch((error) => setTimeout(() => {{ throw error; }}));\n"
        );
        let options = BlobPropertyBag::new();
        options.set_type("text/javascript");
        let parts = Array::of1(&text.into());
        let blob = Blob::new_with_str_sequence_and_options(&parts, &options)?;
        let url = Url::create_object_url_with_blob(&blob)?;
        Ok(Self { url: url.clone(), kind: WorkerType::Module, _blob: Some(BlobUrl(url)) })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Starts a worker from it. The worker's events report whether it loads.
    pub(super) fn start(&self) -> Result<Worker, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(self.kind);
        Worker::new_with_options(&self.url, &options)
    }
}

/// The URL of a blob. Dropping it revokes the URL.
#[derive(Debug)]
struct BlobUrl(String);

impl Drop for BlobUrl {
    fn drop(&mut self) {
        // Fails only for an invalid URL.
        let _ = Url::revoke_object_url(&self.0);
    }
}
