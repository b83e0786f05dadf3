//! The rows of the store. Arbitrary bytes are read or refused, and what is written is read again unchanged.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| store::fuzzing::feed(bytes));
