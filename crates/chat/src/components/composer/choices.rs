//! The list over the field while the user writes the name of an emoji or of a person.

use std::cell::RefCell;
use std::rc::Rc;

use event_driven_kit::Event;
use event_driven_kit::hooks::use_subscription;
use yew::prelude::*;

use super::super::emoji_table::{load, table, tone};
use super::field;
use crate::events::{Person, PersonId, Room, TextMessage};
use crate::language::t;
use crate::letters::is_alphanumeric;
use crate::model::completion::{Kind, begun, people};
use crate::model::emoji::TONES;
use crate::model::text;

/// The most choices that are shown.
const MAX: usize = 6;
/// The most people who are remembered.
const MAX_PEOPLE: usize = 200;

/// The list, which is closed if it is empty.
#[derive(Clone)]
pub struct Choices {
    field: NodeRef,
    update: UseForceUpdateHandle,
    open: Rc<RefCell<Open>>,
    /// The ids and names of the people who have written in the room, the last one first.
    people: Rc<RefCell<Vec<(String, String)>>>,
}

#[derive(Default)]
struct Open {
    /// The length of what a choice replaces, in UTF-16 units.
    length: u32,
    /// What a choice inserts, and its name.
    all: Vec<(String, String)>,
    at: usize,
}

/// The choices for what is written in the field.
#[hook]
pub fn use_choices(room: &Room, me: &Person, field: &NodeRef) -> Choices {
    let update = use_force_update();
    let people = use_mut_ref(Vec::<(String, String)>::new);
    let (known, me) = (people.clone(), me.id.clone());
    use_subscription(room.text_message.as_str(), move |event| {
        if event.is_deleted() || event.deletes().is_some() {
            return Ok(());
        }
        let sender = &event.data::<TextMessage>()?.sender;
        if sender.id != me {
            let (id, mut known) = (person(event), known.borrow_mut());
            known.retain(|(other, _)| *other != id);
            known.insert(0, (id, text::shown_name(&sender.name)));
            known.truncate(MAX_PEOPLE);
        }
        Ok(())
    });
    Choices { field: field.clone(), update, open: use_mut_ref(Open::default), people }
}

/// The id of the person who has sent an event, as the relay attests it.
fn person(event: &Event) -> String {
    let client = event.source().split('/').nth(2).unwrap_or_default();
    PersonId::of_sender(event.account(), client).token().to_owned()
}

impl Choices {
    /// Looks at what is written before the caret.
    pub fn look(&self) {
        let before = field::before_caret(&self.field);
        let open = begun(&before).map(|(kind, query)| Open {
            length: 1 + query.encode_utf16().count() as u32,
            all: self.found(kind, query),
            at: 0,
        });
        self.show(open.unwrap_or_default());
    }

    fn found(&self, kind: Kind, query: &str) -> Vec<(String, String)> {
        if kind == Kind::Person {
            let known = self.people.borrow();
            let found = people(query, &known, |(_, name)| name, MAX);
            return found
                .into_iter()
                .map(|(_, name)| (["@", name].concat(), name.clone()))
                .collect();
        }
        let Some(table) = table() else {
            let this = self.clone();
            load(move |is_loaded| {
                if is_loaded {
                    this.look()
                }
            });
            return Vec::new();
        };
        let toned = |emoji: &crate::model::emoji::Emoji| {
            (emoji.with_tone(TONES[tone()]), [":", emoji.code(), ":"].concat())
        };
        table.search(query, MAX).iter().map(toned).collect()
    }

    fn show(&self, open: Open) {
        let before = self.open.replace(open);
        if !before.all.is_empty() || !self.open.borrow().all.is_empty() {
            self.update.force_update();
        }
    }

    /// Closes the list.
    pub fn close(&self) {
        self.show(Open::default());
    }

    /// Acts on a key while the list is open, and returns whether it has.
    pub fn takes_key(&self, key: &str) -> bool {
        let (count, at) = (self.open.borrow().all.len(), self.open.borrow().at);
        if count == 0 {
            return false;
        }
        let next = match key {
            "ArrowDown" => (at + 1) % count,
            "ArrowUp" => (at + count - 1) % count,
            "Enter" | "Tab" => {
                self.accept(at);
                return true;
            }
            "Escape" => {
                self.close();
                return true;
            }
            _ => return false,
        };
        self.open.borrow_mut().at = next;
        self.update.force_update();
        true
    }

    fn accept(&self, at: usize) {
        let open = self.open.take();
        if let Some((text, _)) = open.all.get(at) {
            field::insert(&self.field, &[text, " "].concat(), open.length);
        }
        self.update.force_update();
    }

    /// The ids of the people whom a text mentions.
    pub fn mentioned(&self, text: &str) -> Vec<String> {
        let known = self.people.borrow();
        let is_mentioned = |name: &str| {
            let mention = ["@", name].concat();
            text.match_indices(&mention)
                .any(|(at, _)| !text[at + mention.len()..].starts_with(is_alphanumeric))
        };
        let mentioned = known.iter().filter(|(_, name)| is_mentioned(name));
        mentioned.map(|(id, _)| id.clone()).take(text::MAX_MENTIONS).collect()
    }

    /// The id of the element with the choice that Enter takes.
    pub fn active(&self) -> Option<&'static str> {
        let open = self.open.borrow();
        (!open.all.is_empty()).then(|| IDS[open.at.min(MAX - 1)])
    }

    /// The list.
    pub fn view(&self, changed: &Callback<()>) -> Html {
        let open = self.open.borrow();
        if open.all.is_empty() {
            return Html::default();
        }
        let choice = |(at, (text, name)): (usize, &(String, String))| {
            let (this, changed) = (self.clone(), changed.clone());
            // The focus stays in the field.
            let onmousedown = Callback::from(move |event: MouseEvent| {
                event.prevent_default();
                this.accept(at);
                changed.emit(());
            });
            html! {
                <li id={IDS[at]} role="option" aria-selected={(at == open.at).to_string()} {onmousedown}>
                    if !text.starts_with('@') {
                        <span class="sample">{ text }</span>
                    }
                    <bdi>{ name }</bdi>
                </li>
            }
        };
        html! {
            <ul id="choices" class="choices" role="listbox" aria-label={t("Suggestions")}>
                { for open.all.iter().enumerate().map(choice) }
            </ul>
        }
    }
}

/// The ids of the choices' elements.
const IDS: [&str; MAX] = ["choice-0", "choice-1", "choice-2", "choice-3", "choice-4", "choice-5"];
