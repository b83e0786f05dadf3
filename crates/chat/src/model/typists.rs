//! Who is typing just now. Folded from the room's `typing` events by the typing bar.

use crate::events::Person;

/// How long a `typing` event speaks for, in milliseconds: twice the pause between two of one writer.
pub const FADE_MS: f64 = 4_000.0;

/// More are not remembered: the line names two and counts the rest.
const MOST: usize = 50;

/// The people who type, the first to begin first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Typists {
    entries: Vec<(Person, f64)>,
}

impl Typists {
    /// `person` typed at `now_ms`.
    pub fn typed(&mut self, person: Person, now_ms: f64) {
        let until = now_ms + FADE_MS;
        let known = self.entries.iter().position(|(known, _)| known.id == person.id);
        match known {
            Some(at) => self.entries[at] = (person, until),
            None if self.entries.len() < MOST => self.entries.push((person, until)),
            None => {}
        }
    }

    /// The person of that id has said it.
    pub fn said(&mut self, id: &str) {
        self.entries.retain(|(person, _)| person.id != id);
    }

    /// Forgets those who have not typed for [`FADE_MS`].
    pub fn fade(&mut self, now_ms: f64) {
        self.entries.retain(|(_, until)| *until > now_ms);
    }

    /// How long until the next one fades, in milliseconds.
    pub fn next_fade(&self, now_ms: f64) -> Option<f64> {
        let soonest = self.entries.iter().map(|(_, until)| until - now_ms);
        soonest.reduce(f64::min).map(|wait| wait.clamp(0.0, FADE_MS))
    }

    /// Those who type.
    pub fn people(&self) -> impl ExactSizeIterator<Item = &Person> {
        self.entries.iter().map(|(person, _)| person)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str) -> Person {
        Person { id: id.into(), name: id.to_uppercase() }
    }

    fn ids(typists: &Typists) -> Vec<&str> {
        typists.people().map(|person| person.id.as_str()).collect()
    }

    #[test]
    fn one_who_types_on_stays_in_place_and_one_who_stops_fades() {
        let mut typists = Typists::default();
        typists.typed(person("ann"), 0.0);
        typists.typed(person("bob"), 1_000.0);
        typists.typed(person("ann"), 2_000.0);
        assert_eq!(ids(&typists), ["ann", "bob"]);
        assert_eq!(typists.next_fade(2_000.0), Some(3_000.0));
        typists.fade(5_000.0);
        assert_eq!(ids(&typists), ["ann"]);
        typists.fade(6_000.0);
        assert_eq!(typists.next_fade(6_000.0), None);
    }

    #[test]
    fn one_whose_message_came_types_no_more() {
        let mut typists = Typists::default();
        typists.typed(person("ann"), 0.0);
        typists.said("ann");
        assert!(ids(&typists).is_empty());
    }

    #[test]
    fn a_flood_of_typists_is_bounded() {
        let mut typists = Typists::default();
        for n in 0..1_000 {
            typists.typed(person(&n.to_string()), 0.0);
        }
        assert_eq!(typists.people().len(), MOST);
    }
}
