//! The only thread that writes: it commits everything that waits at once, and replies after the commit.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use session::server::Opened;
use session::server::ledger::refused;
use session::{Hello, RejectCode};
use store::{Command, Store, StoreError, Write, WriteOutcome, Written};
use tokio::sync::{mpsc, watch};

use super::batch_collector::BatchCollector;
use super::failed::Failed;
use super::new_client_limiter::NewClientLimiter;
use super::tail::Tails;
use super::{Answer, Charge, Job};

pub(super) fn run(
    store: &dyn Store,
    queue: mpsc::Receiver<Job>,
    mut limiter: NewClientLimiter,
    tails: &RwLock<Tails>,
    committed: &watch::Sender<Arc<[u64]>>,
) {
    let mut failed = Failed::default();
    let mut collector = BatchCollector::new(queue);
    // The writes, and the index of each one's job. Their capacity is reused.
    let (mut writes, mut askers) = (Vec::new(), Vec::new());
    while let Some(jobs) = collector.next() {
        writes.extend(failed.holds());
        let holds = writes.len();
        let mut answers: Vec<Replies> = Vec::with_capacity(jobs.len());
        for (asker, Job { writes: asked, from, answer, charge }) in jobs.into_iter().enumerate() {
            let answers_to = Vec::with_capacity(asked.len());
            for write in asked {
                writes.push(write);
                askers.push(asker);
            }
            answers.push(Replies { from, answer, answers: answers_to, charge });
        }
        let began = Instant::now();
        let written = apply(store, &writes);
        let took = began.elapsed();
        let mut admitted = HashSet::new();
        let mut answered = askers.len();
        match written {
            Ok(Written { outcomes, logged, heads }) => {
                // A commit that seemed to fail may have moved a head too.
                if heads[..] != committed.borrow()[..] {
                    let mut tails = tails.write().unwrap_or_else(PoisonError::into_inner);
                    tails.extend(&logged);
                    tails.reach(&heads);
                    drop(tails);
                    committed.send_replace(heads.into());
                }
                let outcomes = outcomes.into_iter().skip(holds);
                for ((write, &asker), outcome) in writes[holds..].iter().zip(&askers).zip(outcomes)
                {
                    let told = &mut answers[asker];
                    let outcome = match (write, outcome) {
                        (Write::Open { hello, subject, .. }, WriteOutcome::NewClient) => {
                            match admit(&mut limiter, &mut admitted, hello, told.from) {
                                Ok(()) => {
                                    answered -= 1;
                                    collector.take(told.again(hello, subject.clone()));
                                    continue;
                                }
                                Err(limited) => WriteOutcome::Opened(limited),
                            }
                        }
                        (_, outcome) => outcome,
                    };
                    told.tell(write, outcome);
                }
                if holds > 0 {
                    failed.clear();
                }
            }
            Err(error) => {
                tracing::error!(%error, writes = writes.len(), "nothing of this commit is acknowledged; clients send it again");
                for (write, &asker) in writes[holds..].iter().zip(&askers) {
                    failed.note(write);
                    answers[asker].tell(write, unavailable(write));
                }
            }
        }
        drop(answers);
        writes.clear();
        askers.clear();
        collector.answered(answered, took);
    }
}

/// Applies the writes as one command. Decisions that depend on this machine are made here.
fn apply(store: &dyn Store, writes: &[Write]) -> Result<Written, StoreError> {
    let has_room = store.has_room(writes.iter().map(Write::bytes).sum())?;
    let command = Command { time: store::now().into(), has_room, writes };
    Ok(store.apply(&[command])?.pop().unwrap_or_default())
}

/// Lets the next commit create a client, and charges its address.
///
/// # Errors
/// The reply to its hello, if the address has created too many clients.
fn admit(
    limiter: &mut NewClientLimiter,
    admitted: &mut HashSet<[u8; 16]>,
    hello: &Hello,
    from: Option<IpAddr>,
) -> Result<(), Opened> {
    // A client that says hello twice is created once.
    if let Some(address) = from.filter(|_| !admitted.contains(&hello.client)) {
        limiter.admit(address).map_err(|wait| {
            let retry = wait.as_millis().saturating_add(1).try_into().unwrap_or(u32::MAX);
            Opened::Limited { retry }
        })?;
    }
    admitted.insert(hello.client);
    Ok(())
}

/// The replies to one job. They are sent together, so that the connection wakes once.
struct Replies {
    from: Option<IpAddr>,
    answer: mpsc::UnboundedSender<Vec<Answer>>,
    answers: Vec<Answer>,
    /// Held until the writes are answered.
    charge: Charge,
}

impl Replies {
    /// A hello that is not answered yet, for the next commit: its client may be new. A hello is alone in its job, so the
    /// job's memory goes with it.
    fn again(&mut self, hello: &Hello, subject: Option<String>) -> Job {
        Job {
            writes: vec![Write::Open { hello: hello.clone(), subject, may_be_new: true }],
            from: self.from,
            answer: self.answer.clone(),
            charge: std::mem::take(&mut self.charge),
        }
    }

    fn tell(&mut self, write: &Write, outcome: WriteOutcome) {
        self.answers.push(match (write, outcome) {
            (Write::Append(record), WriteOutcome::Decided(decided)) => {
                Answer::Decided(record.ticket, decided)
            }
            (_, WriteOutcome::Opened(opened)) => Answer::Opened(opened),
            (Write::Open { .. } | Write::Hold(_), WriteOutcome::Decided(_))
            | (_, WriteOutcome::Held | WriteOutcome::NewClient) => return,
        });
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        if self.answers.is_empty() {
            return;
        }
        // The connection may be gone; its client asks again on the next one.
        let _ = self.answer.send(std::mem::take(&mut self.answers));
    }
}

fn unavailable(write: &Write) -> WriteOutcome {
    match write {
        Write::Open { .. } => WriteOutcome::Opened(Opened::Unavailable),
        Write::Append(_) => {
            WriteOutcome::Decided(refused(RejectCode::Unavailable, "the store cannot take it now"))
        }
        Write::Hold(_) => WriteOutcome::Held,
    }
}
