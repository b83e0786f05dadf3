//! What components keep from render to render. The hooks of Yew are compiled again for each type and each closure; most
//! of the code here is compiled once.

use std::any::Any;
use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;

use yew::NodeRef;
use yew::functional::{Hook, HookContext, UseForceUpdateHandle, use_force_update, use_mut_ref};

/// The state of a component, as it was when the component rendered.
pub struct StateHandle<T> {
    value: Rc<T>,
    setter: StateSetter<T>,
}

/// Changes a state. The component renders again if the value is another one.
pub struct StateSetter<T>(Rc<Place<T>>);

/// Where the value is.
struct Place<T> {
    value: RefCell<Rc<T>>,
    update: UseForceUpdateHandle,
}

/// A state of the component, which is made by its first render.
pub fn use_state_eq<T: PartialEq + 'static>(
    initial: impl FnOnce() -> T,
) -> impl Hook<Output = StateHandle<T>> {
    UseState(initial)
}

struct UseState<F>(F);

impl<T: 'static, F: FnOnce() -> T> Hook for UseState<F> {
    type Output = StateHandle<T>;

    fn run(self, context: &mut HookContext) -> StateHandle<T> {
        let (kept, update) = use_slot(context);
        let place = kept.borrow().clone().and_then(|place| place.downcast::<Place<T>>().ok());
        let place = place.unwrap_or_else(|| {
            let place = Rc::new(Place { value: RefCell::new(Rc::new((self.0)())), update });
            kept.replace(Some(place.clone()));
            place
        });
        let value = place.value.borrow().clone();
        StateHandle { value, setter: StateSetter(place) }
    }
}

/// A value of the component, which is made again when `deps` have changed.
pub fn use_memo<T: 'static, D: PartialEq + 'static>(
    deps: D,
    make: impl FnOnce(&D) -> T,
) -> impl Hook<Output = Rc<T>> {
    UseMemo(deps, make)
}

struct UseMemo<D, F>(D, F);

impl<T: 'static, D: PartialEq + 'static, F: FnOnce(&D) -> T> Hook for UseMemo<D, F> {
    type Output = Rc<T>;

    fn run(self, context: &mut HookContext) -> Rc<T> {
        let Self(deps, make) = self;
        let (kept, _) = use_slot(context);
        let memo = kept.borrow().clone().and_then(|memo| memo.downcast::<(D, Rc<T>)>().ok());
        if let Some(memo) = memo.filter(|memo| memo.0 == deps) {
            return memo.1.clone();
        }
        let value = Rc::new(make(&deps));
        // Dropped without a borrow.
        let _before = kept.replace(Some(Rc::new((deps, value.clone()))));
        value
    }
}

/// A reference to an element of the component.
pub fn use_node_ref() -> impl Hook<Output = NodeRef> {
    UseNodeRef
}

struct UseNodeRef;

impl Hook for UseNodeRef {
    type Output = NodeRef;

    fn run(self, context: &mut HookContext) -> NodeRef {
        NodeRef::clone(&use_memo((), |()| NodeRef::default()).run(context))
    }
}

/// What a hook keeps, whatever its type.
type Slot = Rc<RefCell<Option<Rc<dyn Any>>>>;

/// Not generic, so that it is compiled once.
fn use_slot(context: &mut HookContext) -> (Slot, UseForceUpdateHandle) {
    (use_mut_ref(|| None).run(context), use_force_update().run(context))
}

impl<T: PartialEq> StateHandle<T> {
    pub fn set(&self, value: T) {
        self.setter.set(value);
    }
}

impl<T> StateHandle<T> {
    pub fn setter(&self) -> StateSetter<T> {
        self.setter.clone()
    }
}

impl<T> Deref for StateHandle<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Clone for StateHandle<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), setter: self.setter.clone() }
    }
}

impl<T: PartialEq> StateSetter<T> {
    pub fn set(&self, value: T) {
        let Place { value: now, update } = &*self.0;
        let is_same = **now.borrow() == value;
        if !is_same {
            // Dropped without a borrow.
            let _before = now.replace(Rc::new(value));
            update.force_update();
        }
    }
}

impl<T: PartialEq + Clone> StateSetter<T> {
    /// Changes the newest value.
    pub fn change(&self, change: impl FnOnce(&mut T)) {
        let mut value = T::clone(&self.0.value.borrow());
        change(&mut value);
        self.set(value);
    }
}

impl<T> Clone for StateSetter<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> PartialEq for StateSetter<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}
