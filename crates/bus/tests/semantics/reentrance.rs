//! User code may subscribe, end subscriptions and publish wherever it runs, because no borrow is held then.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bus::{Balance, Bus, Overflow, Subscription, VirtualTime, Window};

use crate::stage::{Stage, Text, n, pattern, poll, topic};

/// Calls every function of a bus, up to `left` times in total.
#[derive(Clone)]
struct Meddler {
    bus: Bus<Text>,
    left: Rc<Cell<usize>>,
    /// How many calls are nested: drops of user values are.
    depth: Rc<Cell<usize>>,
    kept: Rc<RefCell<Vec<Subscription>>>,
}

impl Meddler {
    fn meddle(&self) {
        let Some(left) = self.left.get().checked_sub(1) else { return };
        if self.depth.get() == 3 {
            return;
        }
        self.left.set(left);
        self.depth.set(self.depth.get() + 1);
        self.subscribe_publish_and_end(left as i32 % 3);
        self.depth.set(self.depth.get() - 1);
    }

    fn subscribe_publish_and_end(&self, priority: i32) {
        for at in ["a", "a.*", ">", "$bus.>"] {
            let ends = self.bus.subscribe(pattern(at), |_| Ok(()));
            let (stays, meddler) = (self.bus.subscriber(pattern(at)), self.clone());
            let stays = stays.priority(priority).handle(move |_| {
                meddler.meddle();
                Ok(())
            });
            let ended = self.kept.replace(vec![stays]);
            drop((ends, ended));
        }
        let handle = self.bus.topic(&topic("a.b")).unwrap();
        handle.publish(Text("by handle".into())).ok();
        self.bus.publish(topic("a"), Text("plain".into())).ok();
        self.bus.announce(topic("$bus.link"), Text("link".into()));
        let wait = self.bus.subscriber(pattern("a")).queue(n(1), Overflow::wait());
        self.bus.publish(topic("a"), Text("queued".into())).ok();
        drop(wait);
    }
}

/// A value that meddles when it is dropped.
struct Touchy(Meddler);

impl Drop for Touchy {
    fn drop(&mut self) {
        self.0.meddle();
    }
}

#[test]
fn every_kind_of_user_code_may_subscribe_end_and_publish() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let bus = stage.bus.clone();
    let meddler = Meddler {
        bus: bus.clone(),
        left: Rc::new(Cell::new(2_000)),
        depth: Rc::default(),
        kept: Rc::default(),
    };
    let meddle = || {
        let touchy = Touchy(meddler.clone());
        move || touchy.0.meddle()
    };
    let at = || bus.subscriber(pattern("a.>"));
    let schedule = || time.clone();
    let (plain, failing, pending, batch, counted, replay, respond) =
        (meddle(), meddle(), meddle(), meddle(), meddle(), meddle(), meddle());
    let (key, conflate, member, write) = (meddle(), meddle(), meddle(), meddle());
    let measurement = bus.measure(time.clone(), 2);
    let retention = bus.retain(pattern(">"), n(2), n(2));
    let second = Duration::from_secs(1);
    let subscriptions = [
        at().handle(move |_| {
            plain();
            Ok(())
        }),
        at().handle(move |_| {
            failing();
            Err("on purpose")
        }),
        at().group("pending", Balance::least_pending()).handle_pending(move |_, _| {
            pending();
            Ok(())
        }),
        at().batch(Window::frame(), schedule(), move |_| {
            batch();
            Ok(())
        }),
        at().batch(Window::interval(second).at_most(n(2)), schedule(), move |_| {
            counted();
            Err("on purpose")
        }),
        bus.record(pattern("a.>"), time.clone(), move |_| write()),
        at().replay(&*time, move |_| {
            replay();
            Ok(())
        }),
        at().respond(move |_, reply| {
            respond();
            reply.answer(Text("reply".into()));
            Ok(())
        }),
        at().group(
            "keyed",
            Balance::by_key(move |_, text: &Text| {
                key();
                text.0.clone()
            }),
        )
        .handle(move |_| {
            member();
            Ok(())
        }),
    ];
    let conflated = at().queue(
        n(2),
        Overflow::conflate(move |_, text: &Text| {
            conflate();
            text.0.clone().into()
        }),
    );
    let oldest = at().queue(n(1), Overflow::drop_oldest());
    for round in 0..50 {
        bus.publish(topic("a.b"), Text(round.to_string())).ok();
        bus.publish(topic(&format!("a.once.{round}")), Text("once".into())).ok();
        if let Ok(mut request) = bus.request(topic("a.ask"), Text("?".into()), second, &*time) {
            drop(poll(&mut request));
        }
        time.next_frame();
        time.pass(second);
    }
    assert_eq!(meddler.left.get(), 0, "every call was made");
    meddler.left.set(500);
    drop((retention, conflated, oldest, measurement));
    subscriptions.into_iter().for_each(drop);
    meddler.left.set(0);
    meddler.kept.take();
    assert_eq!(bus.subscriptions(), 0);
}
