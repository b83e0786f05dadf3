//! Typed and untyped subscribers of one topic live together.

use std::any::{Any, type_name};
use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::rc::Rc;

use bus::{Bus, Carries, Failure, Payload, TypeMismatch, Typed};

use crate::stage::{pattern, topic};

/// Holds a value of any type, and its name.
struct Anything(Box<dyn Any>, &'static str);

impl Payload for Anything {
    type Cause = TypeMismatch;
    fn failure(failure: Failure<TypeMismatch>) -> Self {
        Carries::put(failure.to_string())
    }
}

impl<T: 'static> Carries<T> for Anything {
    fn put(value: T) -> Self {
        Self(Box::new(value), type_name::<T>())
    }

    fn get(&self) -> Result<impl Deref<Target = T>, TypeMismatch> {
        let mismatch = TypeMismatch { expected: type_name::<T>(), found: self.1 };
        self.0.downcast_ref::<T>().ok_or(mismatch)
    }
}

#[test]
fn a_type_mismatch_is_an_error_event_that_names_both_types() {
    let bus = Bus::<Anything>::new(|_| {});
    let numbers = Typed::<u32>::new(topic("number"));
    let (sum, all, told) =
        (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)), Rc::new(RefCell::new(vec![])));
    let (add, count, log) = (sum.clone(), all.clone(), told.clone());
    let _typed = numbers.subscribe(&bus, move |number| {
        add.set(add.get() + number);
        Ok(())
    });
    let _untyped = bus.subscribe(pattern(">"), move |_| {
        count.set(count.get() + 1);
        Ok(())
    });
    let _errors = Typed::<String>::new(topic("$bus.error")).subscribe(&bus, move |text| {
        log.borrow_mut().push(text.clone());
        Ok(())
    });
    numbers.publish(&bus, 40).unwrap();
    numbers.publish(&bus, 2).unwrap();
    Typed::<&str>::new(topic("number")).publish(&bus, "three").unwrap();
    assert_eq!((sum.get(), all.get()), (42, 3));
    let told = told.borrow();
    assert!(told[0].contains("`u32` was expected and `&str` came"), "{told:?}");
}
