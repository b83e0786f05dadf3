//! The people in a room, from its occupants. A person with several browsers is listed once.

use std::rc::Rc;

use super::text;
use crate::events::{Here, PersonId};
use crate::letters::lower;

/// The most people who are listed.
const MAX: usize = 200;

/// A person in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub id: PersonId,
    /// The name, by the person's own claim.
    pub name: Rc<str>,
    /// Whether all pages of the person are hidden.
    pub is_away: bool,
    /// Whether it is the user.
    pub is_me: bool,
}

/// The people in a room in the order of their names, the user first.
pub fn members(
    occupants: impl IntoIterator<Item = (PersonId, Here)>,
    me: Option<&PersonId>,
) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    for (id, Here { name, is_away }) in occupants {
        if let Some(known) = members.iter_mut().find(|member| member.id == id) {
            known.is_away &= is_away;
        } else if members.len() < MAX {
            let is_me = Some(&id) == me;
            members.push(Member { id, name: text::shown_name(&name).into(), is_away, is_me });
        }
    }
    members.sort_by_cached_key(|member| (!member.is_me, lower(&member.name)));
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(id: &str, name: &str, is_away: bool) -> (PersonId, Here) {
        (PersonId::of_token(id), Here { name: name.into(), is_away })
    }

    #[test]
    fn a_person_with_two_browsers_is_one_and_is_away_only_in_both() {
        let all = [here("b", "bob", true), here("a", "Zoe", false), here("b", "bob", false)];
        let members = members(all, Some(&PersonId::of_token("a")));
        let seen: Vec<_> =
            members.iter().map(|member| (&*member.name, member.is_away, member.is_me)).collect();
        assert_eq!(seen, [("Zoe", false, true), ("bob", false, false)]);
    }

    #[test]
    fn a_name_is_held_to_the_bounds_of_names() {
        let names = ["\u{3164}", "Bob\u{2069}\u{202e}", &"ﷺ".repeat(80_000)];
        let members = names.map(|name| members([here("a", name, false)], None));
        let names = members.map(|members| members[0].name.to_string());
        assert_eq!(names[..2], ["(no name)", "Bob"]);
        assert_eq!(names[2].chars().count(), text::MAX_NAME_CHARACTERS);
    }

    #[test]
    fn a_crowd_is_bounded_and_in_the_order_of_names() {
        let crowd = (0..1_000).map(|number| here(&number.to_string(), "x", false));
        assert_eq!(members(crowd, None).len(), MAX);
        let names = [here("1", "cho", false), here("2", "Ann", true), here("3", "bob", false)];
        let names: Vec<_> =
            members(names, None).into_iter().map(|member| member.name.to_string()).collect();
        assert_eq!(names, ["Ann", "bob", "cho"]);
    }
}
