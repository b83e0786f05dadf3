//! A Web Worker on the page's side.

use std::rc::Rc;

use bus::{Reports, Task};
use gloo_events::{EventListener, EventListenerOptions};
use gloo_worker::{Spawnable, WorkerBridge};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{ErrorEvent, Worker};

use super::lend::lend;
use super::script::Script;
use super::serve::Server;
use super::wire::{Handed, Objects, Said, postable};
use crate::{Bus, Cause, Delivery, Event, Payload, Topic};

/// Dropping it terminates the worker, even while it handles an event.
pub(super) struct Thread {
    worker: Worker,
    bridge: WorkerBridge<Server>,
    _listeners: [EventListener; 2],
}

/// The receiver of a worker's messages.
#[derive(Clone)]
struct Ears {
    bus: Bus,
    label: Rc<str>,
    reports: Reports<Event>,
}

impl Thread {
    pub(super) fn start(
        script: &Script,
        bus: &Bus,
        label: &Rc<str>,
        reports: Reports<Event>,
    ) -> Result<Self, JsValue> {
        let ears = Ears { bus: bus.clone(), label: label.clone(), reports };
        let worker = script.start()?;
        let listeners = ["error", "messageerror"].map(|kind| {
            let ears = ears.clone();
            // The bus reports the error, so the window need not report it again.
            let options = EventListenerOptions::enable_prevent_default();
            EventListener::new_with_options(&worker, kind, options, move |event| {
                event.prevent_default();
                ears.failed(event);
            })
        });
        let bridge = lend(&worker, || {
            let mut spawner = Server::spawner().encoding::<Objects>();
            // With a loader, gloo creates no blob of its own.
            spawner.with_loader(true).callback(move |said| ears.hear(said)).spawn(script.url())
        })?;
        Ok(Self { worker, bridge, _listeners: listeners })
    }
}

impl bus::Worker<Event> for Thread {
    fn hand(&self, task: &Task<'_, Event>) -> Result<(), Cause> {
        let event = task.payload;
        self.bridge.send(Handed {
            ticket: task.ticket,
            topic: event.topic().to_string(),
            id: event.id().to_owned(),
            redelivered: task.redelivered,
            payload: postable(event.payload())?,
        });
        Ok(())
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.worker.terminate();
        // gloo leaves its handler to the garbage collector.
        self.worker.set_onmessage(None);
    }
}

impl Ears {
    /// Handles a message after the call that has delivered it, during which gloo holds a borrow.
    fn hear(&self, said: Said) {
        let ears = self.clone();
        spawn_local(async move { ears.act(said) });
    }

    fn act(&self, said: Said) {
        match said {
            Said::Ready => self.reports.ready(),
            Said::Publish { topic, payload } => self.publish(&topic, payload),
            Said::Reply { ticket, topic, payload } => {
                let Ok(topic) = Topic::parse(&topic) else { return };
                let reply = Event::new(topic, Payload::from_js(payload), Delivery::Local);
                self.reports.reply(ticket, reply);
            }
            Said::Done { ticket, failed } => {
                self.reports.done(ticket, failed.map_or(Ok(()), |text| Err(Cause::from(text))));
            }
        }
    }

    fn publish(&self, topic: &str, payload: JsValue) {
        let Ok(topic) = Topic::parse(topic) else { return };
        if let Err(error) = self.bus.publish_payload(topic.clone(), Payload::from_js(payload)) {
            self.bus.fail(topic, &self.label, error);
        }
    }

    fn failed(&self, event: &web_sys::Event) {
        let reported = event.dyn_ref::<ErrorEvent>().map(ErrorEvent::message);
        let reported = reported.filter(|text| !text.is_empty()).unwrap_or_else(|| match &*event.type_() {
            "messageerror" => "what it said could not be read".to_owned(),
            _ => "its script could not be loaded or run: is the URL right, and allowed by the content \
                  security policy?"
                .to_owned(),
        });
        let reports = self.reports.clone();
        spawn_local(async move { reports.died(Cause::from(reported)) });
    }
}
