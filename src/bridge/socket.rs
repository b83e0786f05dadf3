//! One WebSocket of a link: gloo reads it as a stream, and a kept handle does what that cannot: send a
//! view, close with a code, say how much it has buffered.

use std::rc::Weak;

use futures_util::StreamExt;
use gloo_events::EventListener;
use gloo_net::websocket::{Message, WebSocketError, futures::WebSocket};
use session::{CloseCode, SUBPROTOCOL};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::BridgeOptions;
use super::link::Link;

/// Dropping it closes the socket. What it still brings has a number that the link ignores.
pub(super) struct Socket {
    handle: web_sys::WebSocket,
    _opened: EventListener,
}

impl Socket {
    /// Opens a socket whose events go to `link` under `number`.
    pub(super) fn open(
        options: &BridgeOptions,
        link: Weak<Link>,
        number: u64,
    ) -> Result<Self, JsValue> {
        let asked = options.subprotocol;
        let handle = if asked {
            web_sys::WebSocket::new_with_str(&options.url, SUBPROTOCOL)?
        } else {
            web_sys::WebSocket::new(&options.url)?
        };
        let stream = WebSocket::try_from(handle.clone())
            .map_err(|error| JsValue::from(js_sys::Error::new(&error.message)))?;
        let opened = EventListener::once(&handle, "open", {
            let (link, handle) = (link.clone(), handle.clone());
            move |_| {
                let Some(link) = link.upgrade() else { return };
                // A peer that ignores what was asked for is not refused by every browser.
                if !asked || handle.protocol() == SUBPROTOCOL {
                    link.opened(number);
                } else {
                    let code = CloseCode::UnsupportedSubprotocol.code();
                    link.closed(number, code, "the peer does not speak event-driven-kit.v1");
                }
            }
        });
        spawn_local(read(stream, link, number));
        Ok(Self { handle, _opened: opened })
    }

    /// Sends a message. A socket that is closing throws it away, and its close event is on the way.
    pub(super) fn send(&self, message: &[u8]) {
        let _not_open_yet = self.handle.send_with_u8_array(message);
    }

    /// How many bytes wait to be sent.
    pub(super) fn buffered(&self) -> u32 {
        self.handle.buffered_amount()
    }

    /// Closes with a code of the application's range.
    pub(super) fn close(self, code: CloseCode) {
        let _closed_already = self.handle.close_with_code(code.code());
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _closed_already = self.handle.close();
    }
}

async fn read(mut stream: WebSocket, link: Weak<Link>, number: u64) {
    while let Some(message) = stream.next().await {
        let Some(link) = link.upgrade() else { return };
        match message {
            Ok(Message::Bytes(bytes)) => link.received(number, &bytes),
            Err(WebSocketError::ConnectionClose(close)) => {
                link.closed(number, close.code, &close.reason);
            }
            // Frames are binary. An error is followed by its close.
            Ok(Message::Text(_)) | Err(_) => {}
        }
    }
}
