//! A program that writes messages into a room of the chat, without a browser.

use std::collections::HashMap;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use session::{Ack, Body, FromClient, FromPeer, Hello, Publish, SUBPROTOCOL};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio_tungstenite::tungstenite::Message as Packet;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::{PATIENCE, Relay};

/// How many messages may be unanswered.
const BATCH: u32 = 512;

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// A message in the log.
#[derive(Debug, Clone)]
pub struct Message {
    /// The event's id.
    pub id: String,
    /// The epoch of its position.
    pub epoch: u64,
    /// The offset of its position.
    pub offset: u64,
    /// When it was published.
    pub time_ms: u64,
}

/// A client of the relay that is called Writer, in one room.
#[derive(Debug)]
pub struct Writer {
    room: String,
    outgoing: Sender<Vec<u8>>,
    acks: Receiver<Ack>,
    /// The number of the last durable event.
    published: u64,
    messages: HashMap<u32, Message>,
}

impl Writer {
    /// Connects as a new client. `room` must be a name that is its own token of a topic.
    pub async fn connect(relay: &Relay, room: &str) -> Self {
        let mut request = relay.socket().into_client_request().expect("the relay's URL");
        let subprotocol = SUBPROTOCOL.parse().expect("a header's value");
        request.headers_mut().insert("sec-websocket-protocol", subprotocol);
        let (mut socket, _) = connect_async(request).await.expect("the relay accepts it");
        let client: [u8; 16] = std::array::from_fn(|_| fastrand::u8(..));
        let mut hello = Vec::new();
        FromClient::Hello(Hello::new(client, [7; 32], 1)).encode(&mut hello);
        socket.send(Packet::Binary(hello.into())).await.expect("the hello can be sent");
        loop {
            let packet = tokio::time::timeout(PATIENCE, socket.next()).await;
            let packet =
                packet.expect("a welcome in time").expect("the relay keeps the connection");
            let Packet::Binary(bytes) = packet.expect("a message") else { continue };
            let mut frames = FromPeer::decode(&bytes);
            if frames.any(|frame| matches!(frame, Ok(FromPeer::Welcome(_)))) {
                break;
            }
        }
        let (outgoing, packets) = mpsc::channel(1);
        let (answers, acks) = mpsc::channel(BATCH as usize);
        tokio::spawn(serve(socket, packets, answers));
        Self { room: room.to_owned(), outgoing, acks, published: 0, messages: HashMap::new() }
    }

    /// Writes the messages of these numbers, and waits until they are stored. A message's text begins with its number,
    /// and the rows have different heights.
    pub async fn write(&mut self, numbers: Range<u32>) {
        for start in numbers.clone().step_by(BATCH as usize) {
            let batch: Vec<_> = (start..numbers.end.min(start + BATCH)).collect();
            let mut packet = Vec::new();
            let first = self.published + 1;
            let mut sent = Vec::new();
            for number in &batch {
                let text = format!(
                    "{number} {}",
                    "words and more words ".repeat((number * 7) as usize % 12)
                );
                sent.push(self.add_message(text.trim(), &mut packet));
            }
            self.send(packet).await;
            for _ in &batch {
                let ack = self.ack().await;
                let at = (ack.number - first) as usize;
                let (id, time_ms) = sent[at].clone();
                let (epoch, offset) = (ack.position.epoch, ack.position.offset);
                self.messages.insert(batch[at], Message { id, epoch, offset, time_ms });
            }
        }
    }

    /// Writes messages at a steady rate, each on its own, and waits until they are stored.
    pub async fn write_steadily(&mut self, numbers: Range<u32>, every: Duration) {
        let mut ticks = tokio::time::interval(every);
        let mut unanswered = 0;
        for number in numbers {
            ticks.tick().await;
            self.say(&format!("{number} at a steady rate")).await;
            unanswered += 1;
            while self.acks.try_recv().is_ok() {
                unanswered -= 1;
            }
        }
        for _ in 0..unanswered {
            self.ack().await;
        }
    }

    /// Writes a message, and waits until it is stored.
    pub async fn write_text(&mut self, text: &str) {
        self.say(text).await;
        self.ack().await;
    }

    /// The message with this number.
    pub fn message(&self, number: u32) -> &Message {
        self.messages.get(&number).unwrap_or_else(|| panic!("message {number} is not written"))
    }

    /// Changes the text of a message, and waits until that is stored.
    pub async fn edit(&mut self, message: &Message, text: &str) {
        let Message { id, epoch, offset, time_ms } = message;
        let about = json!({ "id": id, "epoch": epoch.to_string(), "offset": offset.to_string() });
        let kind = format!("on.{}.EDITED", utc_day(*time_ms));
        let mut packet = Vec::new();
        self.add(&kind, &json!({ "about": about, "text": text }), &mut packet);
        self.send(packet).await;
        self.ack().await;
    }

    async fn say(&mut self, text: &str) {
        let mut packet = Vec::new();
        self.add_message(text, &mut packet);
        self.send(packet).await;
    }

    fn add_message(&mut self, text: &str, packet: &mut Vec<u8>) -> (String, u64) {
        let sender = json!({ "id": "writer", "name": "Writer" });
        self.add("TEXT_MESSAGE", &json!({ "sender": sender, "text": text }), packet)
    }

    /// Appends a durable event to a packet. Returns its id and time.
    fn add(&mut self, kind: &str, data: &Value, packet: &mut Vec<u8>) -> (String, u64) {
        self.published += 1;
        let id = format!("{:032x}", fastrand::u128(..));
        let time_ms = now_ms();
        let data = data.to_string().into_bytes();
        let body = Body { id: id.clone(), time: Some(time_ms), data, ..Body::default() };
        FromClient::Publish(Publish {
            number: Some(self.published),
            topic: 0,
            name: Some(format!("chat.{}.{kind}", self.room)),
            body: body.encode(),
            // Lets the relay forget answers that have arrived.
            lowest: Some(self.published.saturating_sub(u64::from(BATCH)).max(1)),
        })
        .encode(packet);
        (id, time_ms)
    }

    async fn send(&self, packet: Vec<u8>) {
        self.outgoing.send(packet).await.expect("the relay keeps the connection");
    }

    async fn ack(&mut self) -> Ack {
        let ack = tokio::time::timeout(PATIENCE, self.acks.recv()).await;
        ack.expect("an ack in time").expect("the relay keeps the connection")
    }
}

/// Sends packets, passes acks on, and answers pings, until the writer is dropped.
async fn serve(mut socket: Socket, mut packets: Receiver<Vec<u8>>, acks: Sender<Ack>) {
    loop {
        tokio::select! {
            packet = packets.recv() => {
                let Some(packet) = packet else { return };
                socket.send(Packet::Binary(packet.into())).await.expect("the relay reads");
            }
            packet = socket.next() => {
                let Some(Ok(packet)) = packet else { return };
                let Packet::Binary(bytes) = packet else { continue };
                for frame in FromPeer::decode(&bytes) {
                    match frame.expect("the relay sends frames") {
                        FromPeer::Ack(ack) => {
                            // Without a reader nothing more is to be done.
                            let _ = acks.send(ack).await;
                        }
                        FromPeer::Ping(ping) => {
                            let mut pong = Vec::new();
                            FromClient::Pong(ping).encode(&mut pong);
                            socket.send(Packet::Binary(pong.into())).await.expect("the relay reads");
                        }
                        FromPeer::Welcome(_) | FromPeer::Pong(_) => {}
                        other => panic!("the relay sent {other:?}"),
                    }
                }
            }
        }
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    u64::try_from(since.as_millis()).expect("it is earlier than the year 500,000,000")
}

/// The UTC date as a token of a topic, such as `20261129`.
fn utc_day(time_ms: u64) -> String {
    // Days since 0000-03-01, so that a leap day ends its year (Howard Hinnant's `civil_from_days`).
    let days = time_ms / 86_400_000 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}")
}

#[cfg(test)]
mod tests {
    use super::utc_day;

    #[test]
    fn days_are_those_of_the_calendar_in_utc() {
        assert_eq!(utc_day(0), "19700101");
        assert_eq!(utc_day(951_782_400_000), "20000229");
        assert_eq!(utc_day(1_796_083_199_999), "20261130");
        assert_eq!(utc_day(1_796_083_200_000), "20261201");
    }
}
