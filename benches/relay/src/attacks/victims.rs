//! The clients that use the relay while it is attacked.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use session::{FromPeer, Start};

use crate::socket::{Client, publish, subscribe};

/// The number of clients that publish durable events.
const DURABLE: u8 = 4;
/// The number of pairs that exchange ephemeral events. Each client has its own address.
const EPHEMERAL: u8 = 2;
/// The pause between two events.
const PAUSE: Duration = Duration::from_millis(10);

/// What the clients measured, in ascending milliseconds.
#[derive(Debug, Default)]
pub struct Seen {
    pub durable: Vec<f64>,
    pub ephemeral: Vec<f64>,
    /// Durable events that were refused, or lost with their connection.
    pub refused: usize,
}

/// Clients that are connected and subscribed.
pub struct Victims {
    durable: Vec<(Client, u64)>,
    ephemeral: Vec<(Client, Client)>,
}

impl Victims {
    pub fn connect(relay: SocketAddr) -> Result<Self> {
        let durable = (0..DURABLE)
            .map(|at| Ok((Client::welcomed(relay, 10 + at, at.into())?, 0)))
            .collect::<Result<_>>()?;
        let ephemeral = (0..EPHEMERAL).map(|at| {
            let (host, id) = (20 + at, 100 + 2 * u64::from(at));
            let publisher = Client::welcomed(relay, host, id)?;
            let mut reader = Client::welcomed(relay, host, id + 1)?;
            reader.say(&[subscribe(1, &format!("victim.{at}"), Start::Latest)])?;
            while !matches!(reader.frame()?, FromPeer::CaughtUp(_)) {}
            Ok((publisher, reader))
        });
        Ok(Self { durable, ephemeral: ephemeral.collect::<Result<_>>()? })
    }

    /// Exchanges events for this time.
    pub fn run(&mut self, time: Duration) -> Seen {
        let until = Instant::now() + time;
        let mut seen = Seen::default();
        thread::scope(|scope| {
            let durable: Vec<_> = self
                .durable
                .iter_mut()
                .map(|(client, number)| {
                    scope.spawn(move || {
                        rounds(until, || {
                            *number += 1;
                            client.say(&[publish(Some(*number), "victims", 128)])?;
                            match client.frame()? {
                                FromPeer::Ack(_) => Ok(()),
                                other => bail!("expected an ack, got {other:?}"),
                            }
                        })
                    })
                })
                .collect();
            let ephemeral: Vec<_> = (0..)
                .zip(&mut self.ephemeral)
                .map(|(at, (publisher, reader))| {
                    scope.spawn(move || {
                        let topic = format!("victim.{at}");
                        rounds(until, || {
                            publisher.say(&[publish(None, &topic, 128)])?;
                            while !matches!(reader.frame()?, FromPeer::Event(_)) {}
                            Ok(())
                        })
                    })
                })
                .collect();
            for thread in durable {
                let (times, failed) = thread.join().unwrap_or_default();
                seen.durable.extend(times);
                seen.refused += usize::from(failed);
            }
            for thread in ephemeral {
                let (times, failed) = thread.join().unwrap_or_default();
                seen.ephemeral.extend(times);
                seen.refused += usize::from(failed);
            }
        });
        seen.durable.sort_by(f64::total_cmp);
        seen.ephemeral.sort_by(f64::total_cmp);
        seen
    }
}

/// Runs rounds until the time is up or one fails. Returns the milliseconds of each, and whether the last one failed.
fn rounds(until: Instant, mut round: impl FnMut() -> Result<()>) -> (Vec<f64>, bool) {
    let mut times = Vec::new();
    while Instant::now() < until {
        let began = Instant::now();
        if let Err(error) = round() {
            eprintln!("{error:#}");
            return (times, true);
        }
        times.push(began.elapsed().as_secs_f64() * 1e3);
        thread::sleep(PAUSE);
    }
    (times, false)
}
