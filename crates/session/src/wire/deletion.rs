//! Deleted events, and the events that report their deletion.

use super::body::{Body, Extension, Position};

/// The extension of a deletion event: the offset of the deleted event in the same stream.
const DELETES: &str = "deletes";
/// The extension of a deleted event: the offset of the deletion event.
const DELETED: &str = "deleted";
/// The beginning of the source of a peer's own events. The sources of clients begin differently.
const PEERS: &str = "/relays/";

impl Body {
    /// The event with which a peer reports a deletion. It has the same id whenever the same event is deleted. `authid`
    /// is the account that deletes.
    pub fn deletion(
        peer: &str,
        target: &Position,
        authid: Option<&str>,
        time: Option<u64>,
    ) -> Self {
        Self {
            id: format!("delete:{target}"),
            source: format!("{PEERS}{peer}"),
            time,
            extensions: vec![(DELETES.to_owned(), Extension::Text(target.offset.to_string()))],
            path: vec![peer.to_owned()],
            authid: authid.map(str::to_owned),
            ..Self::default()
        }
    }

    /// What is left of this event once it is deleted by the deletion event at this offset: its publisher, its time, and
    /// its id, so that a repeat of it is recognised.
    #[must_use]
    pub fn emptied(&self, deletion: u64) -> Self {
        Self {
            id: self.id.clone(),
            source: self.source.clone(),
            time: self.time,
            nanoseconds: self.nanoseconds,
            extensions: vec![(DELETED.to_owned(), Extension::Text(deletion.to_string()))],
            path: self.path.clone(),
            authid: self.authid.clone(),
            ..Self::default()
        }
    }

    /// If this is a deletion event: the offset of the deleted event in the same stream.
    pub fn deletes(&self) -> Option<u64> {
        self.offset_in(DELETES).filter(|_| self.is_from_peer())
    }

    /// If this event was deleted: the offset of the deletion event in the same stream.
    pub fn deleted(&self) -> Option<u64> {
        self.offset_in(DELETED).filter(|_| self.data.is_empty())
    }

    /// Whether a peer itself published the event.
    pub fn is_from_peer(&self) -> bool {
        self.source.starts_with(PEERS)
    }

    fn offset_in(&self, extension: &str) -> Option<u64> {
        let (_, value) = self.extensions.iter().find(|(name, _)| name == extension)?;
        match value {
            Extension::Text(offset) => offset.parse().ok(),
            _ => None,
        }
    }
}

/// Whether only peers may set this extension.
#[cfg(feature = "json")]
pub(crate) fn is_of_peers(name: &str) -> bool {
    matches!(name, DELETES | DELETED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_names_its_target_and_an_emptied_event_keeps_its_publisher_and_time() {
        let target = Position { offset: 7, ..Position::start_of(0xab) };
        let deletion = Body::deletion("p", &target, Some("ann"), Some(5));
        assert_eq!((deletion.deletes(), deletion.deleted()), (Some(7), None));
        assert_eq!(deletion.id, "delete:7@ab");
        assert_eq!(deletion.check(), Ok(()));
        let event = Body {
            id: "e".to_owned(),
            source: "/clients/1".to_owned(),
            time: Some(1),
            nanoseconds: 2,
            content_type: Some("text/plain".to_owned()),
            schema: Some("s".to_owned()),
            data: b"secret".to_vec(),
            extensions: vec![("partitionkey".to_owned(), Extension::Text("secret".to_owned()))],
            path: vec!["p".to_owned()],
            authid: Some("bob".to_owned()),
            ..Body::default()
        };
        let emptied = event.emptied(9);
        assert_eq!((emptied.deletes(), emptied.deleted()), (None, Some(9)));
        let kept = Body {
            content_type: None,
            schema: None,
            data: Vec::new(),
            extensions: emptied.extensions.clone(),
            ..event
        };
        assert_eq!(emptied, kept);
    }

    #[test]
    fn what_a_client_claims_is_no_deletion() {
        let target = Position { offset: 7, ..Position::start_of(1) };
        let source = "/clients/00/relays/p".to_owned();
        let claimed = Body { source, ..Body::deletion("p", &target, None, None) };
        assert_eq!(claimed.deletes(), None);
        let with_data = Body { data: b"1".to_vec(), ..claimed.emptied(3) };
        assert_eq!(with_data.deleted(), None);
    }
}
