//! `seeds FOLDER` writes initial inputs, in a folder for each target: arbitrary frames, texts and bodies from the
//! codec's tests, the messages of two tabs and a relay, and rows of the relay's store.

mod attacks;
#[path = "../../../crates/session/tests/codec/frames.rs"]
mod frames;
mod talk;

use std::path::Path;
use std::{env, fs, io};

use fuzzing::push_step;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use session::json;
use topic::Topic;

/// The number of each.
const COUNT: usize = 200;
/// The targets' kind for an arrived message.
const ARRIVED: u8 = 0;

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).ok_or_else(|| io::Error::other("usage: seeds FOLDER"))?;
    let folder = Path::new(&folder);
    let mut any = TestRunner::deterministic();
    let mut up = Vec::new();
    let mut down = Vec::new();
    for _ in 0..COUNT {
        up.push(frames::from_client_encoded(&[one(&mut any, frames::from_client())]));
        down.push(frames::from_peer_encoded(&[one(&mut any, frames::from_peer())]));
    }
    let bodies: Vec<_> = (0..COUNT).map(|_| one(&mut any, frames::body())).collect();

    let encoded = bodies.iter().map(session::Body::encode);
    write(folder, "frames", up.iter().chain(&down).cloned().chain(encoded))?;
    write(folder, "client", scripts(&down, &[1]))?;
    write(folder, "server", scripts(&up, &[]))?;
    let topic = Topic::parse("a.x").map_err(io::Error::other)?;
    let texts = bodies.iter().map(|body| json::event(&topic, body, None).into_bytes());
    let controls = CONTROLS.iter().map(|text| text.as_bytes().to_vec());
    write(folder, "json", texts.chain(controls).chain(attacks::texts()))?;
    write(folder, "frames", attacks::frames())?;
    write(folder, "server", scripts(&attacks::frames(), &[]))?;

    write(folder, "rows", store::fuzzing::seeds())?;

    let talk = talk::record();
    write(folder, "client", [script(&talk.from_peer, &[1])])?;
    write(folder, "server", [script(&talk.to_peer, &[])])?;
    write(folder, "tabs", talk.among_tabs.iter().map(|said| script(said, &[])))
}

/// A control event of each type, and an ephemeral event.
const CONTROLS: [&str; 9] = [
    r#"{"specversion":"1.0","id":"0","source":"s","type":"$link.hello","data":{"guest":"0123456789abcdef0123456789abcdef","token":"t"}}"#,
    r#"{"specversion":"1.0","id":"8","source":"s","type":"$link.refresh","data":{"token":"t"}}"#,
    r#"{"specversion":"1.0","id":"1","source":"s","type":"$link.subscribe","data":{"pattern":"a.>","from":"latest"}}"#,
    r#"{"specversion":"1.0","id":"2","source":"s","type":"$link.subscribe","data":{"pattern":">","from":{"last":3}}}"#,
    r#"{"specversion":"1.0","id":"3","source":"s","type":"$link.subscribe","data":{"pattern":"*.x","from":[{"stream":"main","epoch":"1","offset":"1","id":"e"}]}}"#,
    r#"{"specversion":"1.0","id":"4","source":"s","type":"$link.unsubscribe","data":{"pattern":"a.>"}}"#,
    r#"{"specversion":"1.0","id":"6","source":"s","type":"$link.delete","data":{"stream":"main","epoch":"1","offset":"1"}}"#,
    r#"{"specversion":"1.0","id":"7","source":"s","type":"$link.tally","data":{"topics":[{"topic":"a.x"},{"topic":"a.y","after":{"stream":"main","epoch":"1","offset":"1"}}]}}"#,
    r#"{"specversion":"1.0","id":"5","source":"s","type":"a.x","ephemeral":true,"partitionkey":"k","time":"2026-01-02T03:04:05Z","datacontenttype":"text/plain","data":"text"}"#,
];

fn one<S: Strategy>(any: &mut TestRunner, strategy: S) -> S::Value {
    let tree = strategy.new_tree(any).expect("the strategies reject nothing");
    tree.current()
}

/// Each message alone, and several in a row.
fn scripts(messages: &[Vec<u8>], first: &[u8]) -> Vec<Vec<u8>> {
    let alone = messages.iter().map(|message| script(std::slice::from_ref(message), first));
    alone.chain(messages.chunks(8).map(|several| script(several, first))).collect()
}

fn script(messages: &[Vec<u8>], first: &[u8]) -> Vec<u8> {
    let mut out = first.to_vec();
    for message in messages {
        push_step(&mut out, ARRIVED, message);
    }
    out
}

/// Named by content, so that writing them again changes nothing.
fn write(folder: &Path, target: &str, inputs: impl IntoIterator<Item = Vec<u8>>) -> io::Result<()> {
    let folder = folder.join(target);
    fs::create_dir_all(&folder)?;
    for input in inputs {
        let name = input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        fs::write(folder.join(format!("{name:016x}")), input)?;
    }
    Ok(())
}
