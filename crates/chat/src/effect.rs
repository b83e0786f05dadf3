//! Effects of components. Yew compiles the machinery of its hook again for each closure and each type of
//! dependencies; here it is compiled once.

use std::any::Any;
use std::rc::Rc;

use yew::functional::{Hook, TearDown};

/// Like the hook of Yew.
pub fn use_effect_with<T, D>(
    deps: T,
    effect: impl FnOnce(&T) -> D + 'static,
) -> impl Hook<Output = ()>
where
    T: PartialEq + 'static,
    D: TearDown,
{
    let deps = Rc::new(deps);
    let seen = deps.clone();
    let effect: Effect = Box::new(move || {
        let end = effect(&seen);
        Box::new(move || end.tear_down())
    });
    use_boxed(Dependencies(deps), effect)
}

type Effect = Box<dyn FnOnce() -> Box<dyn FnOnce()>>;

/// Not generic, so that its closure is of one type.
fn use_boxed(deps: Dependencies, effect: Effect) -> impl Hook<Output = ()> {
    yew::functional::use_effect_with(deps, |_: &Dependencies| effect())
}

struct Dependencies(Rc<dyn Comparable>);

impl PartialEq for Dependencies {
    fn eq(&self, other: &Self) -> bool {
        self.0.equals(&*other.0)
    }
}

/// A value of a type that only its hook knows.
trait Comparable: Any {
    fn equals(&self, other: &dyn Any) -> bool;
}

impl<T: PartialEq + 'static> Comparable for T {
    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref() == Some(self)
    }
}
