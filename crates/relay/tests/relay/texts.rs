//! A client that speaks `cloudevents.json`.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, PATIENCE, Process, connect};

pub struct Texts(pub Client);

impl Texts {
    pub async fn connect(relay: &Process) -> Self {
        Self::connect_with(relay, &[]).await
    }

    /// Connects with these headers too.
    pub async fn connect_with(relay: &Process, headers: &[(&'static str, &str)]) -> Self {
        let protocol = ("sec-websocket-protocol", "cloudevents.json");
        Self(connect(relay, &[&[protocol], headers].concat()).await.unwrap())
    }

    pub async fn send(&mut self, text: impl Into<String>) {
        self.0.socket.send(Message::text(text.into())).await.unwrap();
    }

    /// Sends an event of the relay's own, such as `$link.subscribe`.
    pub async fn ask(&mut self, name: &str, data: Value) {
        let event =
            json!({ "specversion": "1.0", "id": name, "source": "s", "type": name, "data": data });
        self.send(event.to_string()).await;
    }

    pub async fn receive(&mut self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    /// The next text as it is.
    pub async fn text(&mut self) -> String {
        loop {
            let message = timeout(PATIENCE, self.0.socket.next()).await.unwrap().unwrap().unwrap();
            match message {
                Message::Text(text) => return text.as_str().to_owned(),
                Message::Close(frame) => panic!("{frame:?}"),
                _ => {}
            }
        }
    }
}
