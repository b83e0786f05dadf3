//! Carries out the effects of tabs: what they ask of the lock, the channel, the store and their sockets.

use session::client;
use session::tabs::{Effect, Lane};

use super::Browser;
use crate::socket::Socket;

impl Browser {
    pub(super) fn release(&mut self, tab: usize) {
        self.waiting.retain(|other| *other != tab);
        self.tabs[tab].lock_events.clear();
        if self.holder == Some(tab) {
            self.holder = None;
            if let Some(next) = self.waiting.pop_front() {
                self.grant(next);
            }
        }
    }

    fn grant(&mut self, tab: usize) {
        self.holder = Some(tab);
        self.tabs[tab].lock_events.push_back(true);
    }

    /// Carries out some effects of a tab.
    pub(super) fn carry(&mut self, tab: usize, times: usize) -> bool {
        for time in 0..times {
            let Some(effect) = self.tabs[tab].tab.poll() else { return time > 0 };
            match effect {
                Effect::RequestLock => match self.holder {
                    None => self.grant(tab),
                    Some(_) => self.waiting.push_back(tab),
                },
                Effect::StealLock => {
                    self.waiting.retain(|other| *other != tab);
                    if let Some(holder) = self.holder.replace(tab) {
                        let events = &mut self.tabs[holder].lock_events;
                        // A tab that does not know yet that it was granted the lock learns both.
                        events.push_back(false);
                    }
                    self.tabs[tab].lock_events.push_back(true);
                }
                Effect::ReleaseLock => self.release(tab),
                Effect::Post(message) => {
                    for other in 0..self.tabs.len() {
                        let page = &mut self.tabs[other];
                        if other != tab && page.alive && !page.left {
                            page.inbox[tab].push_back(message.clone());
                        }
                    }
                }
                Effect::FromTab { body, .. } => self.tabs[tab].shared.push(body.id),
                Effect::Client(effect) => self.carry_client(tab, effect),
                Effect::Fallback(effect) => self.carry_fallback(tab, effect),
            }
        }
        true
    }

    fn carry_client(&mut self, tab: usize, effect: client::Effect) {
        let page = &mut self.tabs[tab];
        match effect {
            client::Effect::Open => {
                page.socket = Some(Socket::new(&mut self.peer, self.now));
                page.tab.client_on(Lane::Shared, self.now).unwrap().opened(self.now);
            }
            client::Effect::Prove(request) => {
                if let Some(client) = page.tab.client_on(Lane::Shared, self.now) {
                    client.proved(request.fence, [4; 65], [5; 64]);
                }
            }
            client::Effect::Sign { id, .. } => page.to_sign.push_back((Lane::Shared, id)),
            client::Effect::Store(asked) => page.asked.push_back(asked),
            client::Effect::Send(message) => {
                assert!(page.tab.leads(), "a follower sends");
                if let Some(socket) = &mut page.socket {
                    socket.send(message);
                }
            }
            client::Effect::Close(_) => page.socket = None,
            client::Effect::Deliver(delivery) => {
                page.tab.client().taken(&delivery.subscriptions, delivery.bytes);
                let position = delivery.position.unwrap();
                assert_eq!(position.epoch, self.peer.store.heads()[0].epoch);
                page.delivered.push((position.offset, delivery.body.id));
            }
            client::Effect::Settled { id, outcome, .. } => {
                page.settled.push((id.clone(), outcome));
                for other in self.tabs.iter_mut().filter(|page| page.left) {
                    other.missed.insert(id.clone());
                }
            }
            client::Effect::Pending { body, .. } => page.pending.push(body.id),
            client::Effect::Kept(id) => {
                if page.tab.is_in_memory(&id) {
                    page.in_memory.insert(id.clone());
                }
                page.kept.push(id);
            }
            client::Effect::StoreFailed(_) => page.failures += 1,
            client::Effect::Deleted(id, outcome) => page.deletions.push((id, outcome)),
            _ => {}
        }
    }

    fn carry_fallback(&mut self, tab: usize, effect: client::Effect) {
        let page = &mut self.tabs[tab];
        match effect {
            client::Effect::Open => {
                page.fallback = Some(Socket::new(&mut self.peer, self.now));
                page.tab.fallback().unwrap().opened(self.now);
            }
            client::Effect::Send(message) => {
                if let Some(socket) = &mut page.fallback {
                    socket.send(message);
                }
            }
            client::Effect::Prove(request) => {
                page.tab.fallback().unwrap().proved(request.fence, [4; 65], [5; 64]);
            }
            client::Effect::Sign { id, .. } => page.to_sign.push_back((Lane::Fallback, id)),
            client::Effect::Close(_) => page.fallback = None,
            client::Effect::Store(_) => panic!("it asks the store of all tabs"),
            effect => self.carry_client(tab, effect),
        }
    }
}
