//! The effects of a tab's client, and what the other tabs learn of them.

use super::receiving::is_uncertain;
use super::{AWAY, Effect, Tab, TabMessage};
use crate::CloseCode;
use crate::client::{self, ConnectionState};

impl Tab {
    /// Passes an effect of the client to the owner, and tells the other tabs what concerns them.
    pub(super) fn broadcast(&mut self, effect: client::Effect) {
        match &effect {
            client::Effect::Send(frames) if !self.leads() => {
                if self.base != 0
                    && let Some(leader) = self.leader
                {
                    let frames = frames.clone();
                    self.post(TabMessage::ToPeer { term: self.term, leader, frames });
                }
                return;
            }
            client::Effect::Open
            | client::Effect::FetchCredential
            | client::Effect::Prove(_)
            | client::Effect::Sign { .. }
                if !self.leads() =>
            {
                return;
            }
            client::Effect::Close(_) if self.base != 0 => {
                self.base = 0;
                self.join_at = Some(self.now + AWAY);
            }
            client::Effect::Store(_) => self.asked_store += 1,
            client::Effect::Kept(id) => {
                let row = self.client.outbox().find(|row| row.id == *id).cloned();
                self.post(match row {
                    Some(row) => TabMessage::Kept { client: self.client.id(), row },
                    // Its number belongs to a client that this tab has not loaded yet.
                    None => TabMessage::Renewed,
                });
            }
            client::Effect::Settled { id, outcome, .. } => {
                match self.reported.iter().position(|reported| reported == id) {
                    Some(at) => _ = self.reported.swap_remove(at),
                    // A former leader passes on what it learned while it led.
                    None if self.leads() || !is_uncertain(outcome) => {
                        let (id, outcome) = (id.clone(), outcome.clone());
                        self.post(TabMessage::Settled { id, outcome });
                    }
                    None => {}
                }
            }
            client::Effect::Link(link) if self.leads() => {
                let fenced = matches!(link, ConnectionState::Stopped { code, .. } if *code == CloseCode::Fenced.code());
                self.link_changed(link.clone());
                if fenced {
                    self.effects.push_back(Effect::Client(effect));
                    return self.step_down(self.now + AWAY + self.patience());
                }
            }
            _ => {}
        }
        self.effects.push_back(Effect::Client(effect));
    }
}
