//! The CBOR codec: any bytes are read or refused, and what is read is read again as it was written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use session::{Body, FromClient, FromPeer};

fuzz_target!(|bytes: &[u8]| {
    for frame in FromClient::decode(bytes).map_while(Result::ok) {
        let mut message = Vec::new();
        frame.encode(&mut message);
        assert_eq!(FromClient::decode(&message).next(), Some(Ok(frame)));
    }
    for frame in FromPeer::decode(bytes).map_while(Result::ok) {
        let mut message = Vec::new();
        frame.encode(&mut message);
        assert_eq!(FromPeer::decode(&message).next(), Some(Ok(frame)));
    }
    if let Ok(body) = Body::decode(bytes) {
        assert_eq!(Body::decode(&body.encode()), Ok(body));
    }
});
