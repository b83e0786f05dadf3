//! The users who are typing. The typing bar folds it from the room's `typing` events.

use std::rc::Rc;

/// How long a `typing` event is valid, in milliseconds: twice the interval of one user's events.
pub const FADE_MS: f64 = 4_000.0;

/// The most users that are remembered. The line names two and counts the rest.
const MAX: usize = 50;

/// The typing users in the order in which they have begun. Times are of a monotonic clock.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Typists {
    entries: Vec<Typist>,
}

#[derive(Debug, Clone, PartialEq)]
struct Typist {
    /// As attested by the relay.
    client: Rc<str>,
    name: String,
    until: f64,
}

impl Typists {
    /// The user of `client` has typed at `now_ms`.
    pub fn typed(&mut self, client: Rc<str>, name: String, now_ms: f64) {
        let known = self.entries.iter().position(|known| known.client == client);
        let typist = Typist { client, name, until: now_ms + FADE_MS };
        match known {
            Some(at) => self.entries[at] = typist,
            None if self.entries.len() < MAX => self.entries.push(typist),
            None => {}
        }
    }

    /// A message of `client` has arrived.
    pub fn said(&mut self, client: &str) {
        self.entries.retain(|typist| &*typist.client != client);
    }

    /// Removes users who have not typed for [`FADE_MS`].
    pub fn fade(&mut self, now_ms: f64) {
        self.entries.retain(|typist| typist.until > now_ms);
    }

    /// The time until the next removal, in milliseconds.
    pub fn next_fade(&self, now_ms: f64) -> Option<f64> {
        let soonest = self.entries.iter().map(|typist| typist.until - now_ms);
        soonest.reduce(f64::min).map(|wait| wait.clamp(0.0, FADE_MS))
    }

    /// The names of the typing users.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.iter().map(|typist| &*typist.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_in(typists: &mut Typists, client: &str, now_ms: f64) {
        typists.typed(client.into(), client.to_uppercase(), now_ms);
    }

    fn names(typists: &Typists) -> Vec<&str> {
        typists.names().collect()
    }

    #[test]
    fn a_user_that_types_on_stays_in_place_and_one_that_stops_fades() {
        let mut typists = Typists::default();
        type_in(&mut typists, "ann", 0.0);
        type_in(&mut typists, "bob", 1_000.0);
        type_in(&mut typists, "ann", 2_000.0);
        assert_eq!(names(&typists), ["ANN", "BOB"]);
        assert_eq!(typists.next_fade(2_000.0), Some(3_000.0));
        typists.fade(5_000.0);
        assert_eq!(names(&typists), ["ANN"]);
        typists.fade(6_000.0);
        assert_eq!(typists.next_fade(6_000.0), None);
    }

    #[test]
    fn a_user_whose_message_came_is_no_longer_typing() {
        let mut typists = Typists::default();
        type_in(&mut typists, "ann", 0.0);
        typists.said("ann");
        assert!(names(&typists).is_empty());
    }

    #[test]
    fn a_flood_of_typists_is_bounded() {
        let mut typists = Typists::default();
        for n in 0..1_000 {
            type_in(&mut typists, &n.to_string(), 0.0);
        }
        assert_eq!(typists.names().len(), MAX);
    }
}
