//! The CBOR codec. Arbitrary bytes are read or refused, and what is read survives another round trip.
#![no_main]

use libfuzzer_sys::fuzz_target;
use session::{Body, FromClient, FromPeer};

fuzz_target!(|bytes: &[u8]| {
    for frame in FromClient::decode(bytes).map_while(Result::ok) {
        let mut message = Vec::new();
        frame.encode(&mut message);
        let again = FromClient::decode(&message).next().expect("a frame was written").expect("it is read");
        let mut written = Vec::new();
        again.encode(&mut written);
        assert_eq!(written, message, "{frame:?} and {again:?}");
    }
    for frame in FromPeer::decode(bytes).map_while(Result::ok) {
        let mut message = Vec::new();
        frame.encode(&mut message);
        let again = FromPeer::decode(&message).next().expect("a frame was written").expect("it is read");
        let mut written = Vec::new();
        again.encode(&mut written);
        assert_eq!(written, message, "{frame:?} and {again:?}");
    }
    if let Ok(body) = Body::decode(bytes) {
        assert_eq!(Body::decode(&body.encode()), Ok(body));
    }
});
