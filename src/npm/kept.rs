//! What JavaScript has made and holds by a number: it lives until it is released, whatever the garbage
//! collector does.

use std::any::Any;
use std::cell::RefCell;

use slab::Slab;

thread_local! {
    static KEPT: RefCell<Slab<Box<dyn Any>>> = const { RefCell::new(Slab::new()) };
}

/// Keeps `thing` until its number is released.
pub(super) fn keep(thing: impl Any) -> u32 {
    KEPT.with_borrow_mut(|kept| kept.insert(Box::new(thing))) as u32
}

/// Ends what `number` names, and gives the number away: it must be released once only.
pub(super) fn release(number: u32) {
    // Dropped when nothing is borrowed: ending a subscription drops foreign code.
    let released = KEPT.with_borrow_mut(|kept| kept.try_remove(number as usize));
    drop(released);
}
