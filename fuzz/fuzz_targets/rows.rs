//! The rows of the relay's store. Arbitrary bytes are read or refused, and what is written is read again unchanged.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| relay::store::fuzzing::feed(bytes));
