//! The only thread that writes: it commits everything that waits at once, and replies after the commit.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use session::RejectCode;
use session::server::Opened;
use session::server::ledger::refused;
use store::{Command, Store, StoreError, Write, WriteOutcome, Written};
use tokio::sync::{mpsc, watch};

use super::batch_collector::BatchCollector;
use super::failed::Failed;
use super::new_client_limiter::NewClientLimiter;
use super::tail::Tails;
use super::{Answer, Charge, Job};
use crate::metrics::{Metrics, Outcomes, gauged};

pub(super) fn run(
    store: &dyn Store,
    queue: mpsc::Receiver<Job>,
    mut limiter: NewClientLimiter,
    tails: &RwLock<Tails>,
    committed: &watch::Sender<Arc<[u64]>>,
    metrics: &Metrics,
) {
    let mut failed = Failed::default();
    let mut collector = BatchCollector::new(queue);
    // The writes, and the index of each one's job. Their capacity is reused.
    let (mut writes, mut askers) = (Vec::new(), Vec::new());
    while let Some(mut jobs) = collector.next() {
        writes.extend(failed.holds());
        let holds = writes.len();
        let began = Instant::now();
        let limited = limiter.decide(store, &mut jobs);
        let mut answers: Vec<Replies> = Vec::with_capacity(jobs.len());
        for (asker, Job { writes: asked, answer, charge, .. }) in jobs.into_iter().enumerate() {
            let answers_to = Vec::with_capacity(asked.len());
            for write in asked {
                writes.push(write);
                askers.push(asker);
            }
            answers.push(Replies { answer, answers: answers_to, _charge: charge });
        }
        let written = limited.and_then(|limited| Ok((limited, apply(store, &writes)?)));
        let took = began.elapsed();
        let mut decided = Outcomes::default();
        match written {
            Ok((limited, Written { outcomes, logged, emptied, superseded, heads })) => {
                // A commit that seemed to fail may have moved a head too.
                if heads[..] != committed.borrow()[..] {
                    let mut tails = tails.write().unwrap_or_else(PoisonError::into_inner);
                    tails.extend(&logged);
                    tails.supersede(&superseded);
                    tails.reach(&heads);
                    tails.replace(&emptied);
                    drop(tails);
                    committed.send_replace(heads.into());
                }
                let outcomes = outcomes.into_iter().skip(holds);
                for ((write, &asker), outcome) in writes[holds..].iter().zip(&askers).zip(outcomes)
                {
                    let outcome = match (write, outcome) {
                        (Write::Open { hello, .. }, WriteOutcome::NewClient) => {
                            WriteOutcome::Opened(limit_reached(limited.get(&hello.client)))
                        }
                        (_, outcome) => outcome,
                    };
                    decided.add(&outcome);
                    answers[asker].tell(write, outcome);
                }
                metrics.events.committed(took, logged.len(), superseded.len(), &decided);
                if holds > 0 {
                    failed.clear();
                }
            }
            Err(error) => {
                tracing::error!(%error, writes = writes.len(), "nothing of this commit is acknowledged; clients send it again");
                for (write, &asker) in writes[holds..].iter().zip(&askers) {
                    failed.note(write);
                    let outcome = unavailable(write);
                    decided.add(&outcome);
                    answers[asker].tell(write, outcome);
                }
                metrics.events.failed(&decided);
            }
        }
        metrics.events.queued.dec_by(gauged(writes.iter().map(Write::bytes).sum()));
        drop(answers);
        let answered = askers.len();
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

/// The reply to a hello whose client may not be created before this time is over.
fn limit_reached(wait: Option<&Duration>) -> Opened {
    let wait = wait.map_or(0, Duration::as_millis);
    Opened::Limited { retry: wait.saturating_add(1).try_into().unwrap_or(u32::MAX) }
}

/// The replies to one job. They are sent together, so that the connection wakes once.
struct Replies {
    answer: mpsc::UnboundedSender<Vec<Answer>>,
    answers: Vec<Answer>,
    /// Held until the writes are answered.
    _charge: Charge,
}

impl Replies {
    fn tell(&mut self, write: &Write, outcome: WriteOutcome) {
        self.answers.push(match (write, outcome) {
            (Write::Append(record), WriteOutcome::Decided(decided)) => {
                Answer::Decided(record.ticket, decided)
            }
            (Write::Delete(deletion), WriteOutcome::Decided(decided)) => {
                Answer::Deleted(deletion.ticket, decided)
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
        Write::Append(_) | Write::Delete(_) => {
            WriteOutcome::Decided(refused(RejectCode::Unavailable, "the store cannot take it now"))
        }
        Write::Hold(_) => WriteOutcome::Held,
    }
}
