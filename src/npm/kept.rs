//! What JavaScript has created and holds by number: it lives until it is released, regardless of the garbage
//! collector.

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

/// Ends the thing with this number, which may be reused. Call it once only.
pub(super) fn release(number: u32) {
    // Dropped outside all borrows, because ending a subscription drops foreign code.
    let released = KEPT.with_borrow_mut(|kept| kept.try_remove(number as usize));
    drop(released);
}
