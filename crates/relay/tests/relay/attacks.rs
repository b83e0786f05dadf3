//! What hostile clients do, each with the answer that it gets; others are served meanwhile.

mod protocol;
mod store;
