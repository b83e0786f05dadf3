//! What hostile clients do, each with the answer that it gets; others are served meanwhile.

mod border;
mod floods;
mod protocol;
mod store;
