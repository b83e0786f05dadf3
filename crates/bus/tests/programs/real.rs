//! The same programs on the real bus.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bus::{Balance, Bus, Failure, Pattern, Payload, Subscription, Topic};

use crate::generate::{Command, EVENTS, SUBSCRIPTIONS};

struct Number(usize);

/// The subscription that failed, and the event it failed on.
struct Cause(usize, usize);

impl std::fmt::Display for Cause {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} failed", self.0)
    }
}

impl Payload for Number {
    type Cause = Cause;
    fn failure(failure: Failure<Cause>) -> Self {
        Self(failure.cause.1)
    }
}

#[derive(Clone)]
struct Stage {
    bus: Bus<Number>,
    log: Rc<RefCell<Vec<String>>>,
    subscriptions: Rc<RefCell<Vec<Option<Subscription>>>>,
    published: Rc<Cell<usize>>,
}

pub fn run(program: &[Command]) -> Vec<String> {
    let log = Rc::new(RefCell::new(Vec::new()));
    let console = log.clone();
    let bus = Bus::new(move |failure: &Failure<Cause>| {
        console.borrow_mut().push(failure.cause.to_string())
    });
    let stage = Stage { bus, log, subscriptions: Rc::default(), published: Rc::default() };
    program.iter().for_each(|command| stage.execute(command));
    // Handlers own the stage, which owns their subscriptions.
    let all = stage.subscriptions.take();
    drop(all);
    stage.log.take()
}

impl Stage {
    fn execute(&self, command: &Command) {
        match command {
            Command::Subscribe { .. } if self.subscriptions.borrow().len() == SUBSCRIPTIONS => {}
            Command::Subscribe { pattern, priority, group, fails, script } => {
                let id = self.subscriptions.borrow().len();
                let pattern = Pattern::parse(pattern).expect("a pattern");
                let mut subscriber = self.bus.subscriber(pattern).priority(*priority);
                if let Some(group) = group {
                    subscriber = subscriber.group(group, Balance::round_robin());
                }
                let (stage, script, fails) = (self.clone(), script.clone(), *fails);
                let subscription = subscriber.handle(move |event| {
                    let (topic, number) = (event.topic, event.payload.0);
                    stage.log.borrow_mut().push(format!("{id} {topic} {number}"));
                    script.iter().for_each(|command| stage.execute(command));
                    if fails { Err(Cause(id, number)) } else { Ok(()) }
                });
                self.subscriptions.borrow_mut().push(Some(subscription));
            }
            Command::End(id) => {
                let ended = self.subscriptions.borrow_mut().get_mut(*id).and_then(Option::take);
                drop(ended);
            }
            Command::Publish(topic) => {
                let number = self.published.get();
                if number < EVENTS {
                    self.published.set(number + 1);
                    let topic = Topic::parse(topic).expect("a topic");
                    // Alternates between a handle and a topic, which must behave the same.
                    let published = match number % 2 {
                        0 => self.bus.publish(topic, Number(number)),
                        _ => self
                            .bus
                            .topic(&topic)
                            .expect("no topic of the runtime")
                            .publish(Number(number)),
                    };
                    assert!(published.is_ok(), "the queue is long enough");
                }
            }
        }
    }
}
