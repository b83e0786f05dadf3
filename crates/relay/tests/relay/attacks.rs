//! Attacks on a relay, each with its expected answer, and others that are served meanwhile.

mod border;
mod floods;
