//! The words for deliveries in recordings and for developer tools.

use crate::{Delivery, Stage};

/// The name of a delivery with its details: stream, epoch and offset of a stored one, code and message of a rejected
/// one.
pub(crate) fn words_of(delivery: &Delivery) -> (&'static str, [Option<String>; 3]) {
    let name = match delivery {
        Delivery::Local => "local",
        Delivery::Ephemeral => "ephemeral",
        Delivery::Pending(Stage::Queued) => "queued",
        Delivery::Pending(Stage::Kept) => "kept",
        Delivery::Pending(Stage::Sent) => "sent",
        Delivery::Stored(_) => "stored",
        Delivery::Rejected(_) => "rejected",
    };
    #[cfg(feature = "bridge")]
    let details = match delivery {
        Delivery::Stored(position) => [
            Some(position.stream.as_str().to_owned()),
            Some(position.epoch.to_string()),
            Some(position.offset.to_string()),
        ],
        Delivery::Rejected(rejection) => {
            [Some(rejection.code.name().to_owned()), Some(rejection.message.clone()), None]
        }
        _ => [const { None }; 3],
    };
    #[cfg(not(feature = "bridge"))]
    let details = [const { None }; 3];
    (name, details)
}

/// The delivery with these words, or [`Delivery::Local`] if they are not known.
pub(crate) fn delivery_of(name: &str, details: [Option<String>; 3]) -> Delivery {
    match name {
        "ephemeral" => Delivery::Ephemeral,
        "queued" => Delivery::Pending(Stage::Queued),
        "kept" => Delivery::Pending(Stage::Kept),
        "sent" => Delivery::Pending(Stage::Sent),
        _ => answered(name, details).unwrap_or(Delivery::Local),
    }
}

#[cfg(feature = "bridge")]
fn answered(name: &str, details: [Option<String>; 3]) -> Option<Delivery> {
    use crate::Rejection;
    use crate::answer::{Position, RejectCode};
    let [first, second, third] = details;
    Some(match name {
        "stored" => {
            let stream = first.as_deref().map(session::Stream::named).unwrap_or_default();
            let (epoch, offset) = (second?.parse().ok()?, third?.parse().ok()?);
            Delivery::Stored(Position { stream, epoch, offset, id: None })
        }
        "rejected" => {
            let code = RejectCode::named(&first?)?;
            Delivery::Rejected(Rejection { code, message: second.unwrap_or_default() })
        }
        _ => return None,
    })
}

#[cfg(not(feature = "bridge"))]
fn answered(_: &str, _: [Option<String>; 3]) -> Option<Delivery> {
    None
}
