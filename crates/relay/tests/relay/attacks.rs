//! Attacks by hostile clients, each with the expected answer. Others are served meanwhile.

mod border;
mod floods;
mod keys;
mod protocol;
mod store;
