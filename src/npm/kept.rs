//! What JavaScript has made and holds by a number: it lives until it is released, whatever the garbage
//! collector does.

use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;

#[derive(Default)]
struct Kept {
    next: u32,
    things: HashMap<u32, Box<dyn Any>>,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// Keeps `thing` until its number is released.
pub(super) fn keep(thing: impl Any) -> u32 {
    KEPT.with_borrow_mut(|kept| {
        while kept.things.contains_key(&kept.next) {
            kept.next = kept.next.wrapping_add(1);
        }
        let number = kept.next;
        kept.next = number.wrapping_add(1);
        kept.things.insert(number, Box::new(thing));
        number
    })
}

/// Ends what `number` names. A second time nothing happens.
pub(super) fn release(number: u32) {
    // Dropped when nothing is borrowed: ending a subscription drops foreign code.
    let released = KEPT.with_borrow_mut(|kept| kept.things.remove(&number));
    drop(released);
}
