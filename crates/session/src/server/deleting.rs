//! Requests to delete an event. The deletion event and the emptied one are in one commit.

use super::publishing::Waiting;
use super::{Decided, Deletion, Effect, Server, Ticket};
use crate::signed::Thumbprint;
use crate::wire::frame::{Deleted, FromPeer};
use crate::{Body, Position, RejectCode};

impl Server {
    pub(super) fn delete(&mut self, waiting: Waiting, target: Position) {
        let Some(ticket) = self.await_outcome(waiting) else { return };
        if self.is_unknown() {
            self.denials += 1;
            return self.rejected(
                ticket,
                RejectCode::NotAllowed,
                "no right to delete: sign in first",
            );
        }
        let stream = self.options.streams.iter().position(|stream| *stream == target.stream);
        let Some(stream) = stream else {
            self.deletes_not_found += 1;
            return self.rejected(ticket, RejectCode::NotFound, "there is no such stream");
        };
        let key = self.key().map(|key| Thumbprint::of(key).source());
        let sources = std::iter::once(self.source.clone()).chain(key).collect();
        let account = self.credential.account();
        let time = self.wall_is_ahead.map(|ahead| self.heard.saturating_add_signed(ahead));
        let deletion = Deletion {
            ticket,
            stream,
            event: Body::deletion(&self.options.peer, &target, account, time),
            target,
            sources,
            account: account.map(str::to_owned),
            rights: self.credential.rights.clone(),
        };
        self.emit(Effect::Delete(deletion));
    }

    fn rejected(&mut self, ticket: Ticket, code: RejectCode, message: &str) {
        let message = message.to_owned();
        self.decided(ticket, Decided::Rejected { code, message, retry: None });
    }

    /// The answer to a request to delete.
    pub(super) fn answer_delete(&mut self, request: u32, decided: Decided) {
        let (outcome, retry) = match decided {
            Decided::Stored(position, _) => (Ok(position), None),
            Decided::Rejected { code, retry, .. } => (Err(code), retry),
            Decided::Fenced => return self.fenced(),
        };
        self.send(&FromPeer::Deleted(Deleted { request, outcome, retry }));
    }
}
