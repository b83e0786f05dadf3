//! The one thread that writes: all that waits in one commit, and nothing told before it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use session::RejectCode;
use session::server::Opened;
use session::server::ledger::refused;
use tokio::sync::{mpsc, watch};

use super::batch_collector::BatchCollector;
use super::failed::Failed;
use super::tail::Tails;
use super::{Answer, Charge, Job};
use crate::store::{self, Command, Store, StoreError, Write, WriteOutcome, Written};

pub(super) fn run(
    store: &dyn Store,
    queue: mpsc::Receiver<Job>,
    tails: &RwLock<Tails>,
    committed: &watch::Sender<Arc<[u64]>>,
) {
    let mut failed = Failed::default();
    let mut collector = BatchCollector::new(queue);
    // What is to be written, and the place of its job: their room is used again.
    let (mut writes, mut askers) = (Vec::new(), Vec::new());
    while let Some(jobs) = collector.next() {
        writes.extend(failed.holds());
        let holds = writes.len();
        let mut answers: Vec<Replies> = Vec::with_capacity(jobs.len());
        for (asker, Job { writes: asked, answer, charge }) in jobs.into_iter().enumerate() {
            let answers_to = Vec::with_capacity(asked.len());
            for write in asked {
                writes.push(write);
                askers.push(asker);
            }
            answers.push(Replies { answer, answers: answers_to, _charge: charge });
        }
        let began = Instant::now();
        let written = apply(store, &writes);
        let took = began.elapsed();
        match written {
            Ok(Written { outcomes, logged, heads }) => {
                // A head moves also by a commit whose success was not told.
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
                    answers[asker].tell(write, outcome);
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
        let answered = askers.len();
        writes.clear();
        askers.clear();
        collector.answered(answered, took);
    }
}

/// Applies the writes as one command. What depends on this machine is decided here.
fn apply(store: &dyn Store, writes: &[Write]) -> Result<Written, StoreError> {
    let has_room = store.has_room(writes.iter().map(Write::bytes).sum())?;
    let command = Command { time: store::now().into(), has_room, writes };
    Ok(store.apply(&[command])?.pop().unwrap_or_default())
}

/// The answers to one job, which go out together: its connection is woken once.
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
            (_, WriteOutcome::Opened(opened)) => Answer::Opened(opened),
            (Write::Open(..) | Write::Hold(_), WriteOutcome::Decided(_))
            | (_, WriteOutcome::Held) => return,
        });
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        // The connection may have ended meanwhile; its client asks again on the next one.
        let _ = self.answer.send(std::mem::take(&mut self.answers));
    }
}

fn unavailable(write: &Write) -> WriteOutcome {
    match write {
        Write::Open(..) => WriteOutcome::Opened(Opened::Unavailable),
        Write::Append(_) => {
            WriteOutcome::Decided(refused(RejectCode::Unavailable, "the store cannot take it now"))
        }
        Write::Hold(_) => WriteOutcome::Held,
    }
}
