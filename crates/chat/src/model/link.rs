//! The texts of the link bar.

use event_driven_kit::bridge::LinkState;

/// The content of the bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The state for style and tests: `connecting`, `online`, `offline` or `stopped`.
    pub state: &'static str,
    /// One word, announced when it changes.
    pub word: &'static str,
    /// Details, which change every second during a countdown.
    pub detail: Option<String>,
}

/// The content for `state`, which was entered `age_ms` ago.
pub fn words(state: &LinkState, age_ms: f64) -> Words {
    let (name, word, detail) = match state {
        LinkState::Connecting => ("connecting", "Connecting", None),
        LinkState::Online => ("online", "Online", None),
        LinkState::Offline { retry_in_ms } => {
            let seconds = ((retry_in_ms - age_ms) / 1_000.0).ceil().max(0.0) as u32;
            let detail = match seconds {
                0 => "trying again".to_owned(),
                _ => ["next try in ", &seconds.to_string(), " s"].concat(),
            };
            ("offline", "Offline", Some(detail))
        }
        LinkState::Stopped { code, reason } => {
            let code = code.to_string();
            let detail = match reason.as_str() {
                "" => code,
                reason => [reason, " (", &code, ")"].concat(),
            };
            ("stopped", "Stopped", Some(detail))
        }
    };
    Words { state: name, word, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(state: LinkState, age_ms: f64) -> Option<String> {
        words(&state, age_ms).detail
    }

    #[test]
    fn an_offline_link_counts_down_and_never_below_zero() {
        let offline = LinkState::Offline { retry_in_ms: 2_500.0 };
        let details =
            [0.0, 1_000.0, 2_499.0, 2_500.0, 9_000.0].map(|age| detail(offline.clone(), age));
        let expected = [
            "next try in 3 s",
            "next try in 2 s",
            "next try in 1 s",
            "trying again",
            "trying again",
        ];
        assert_eq!(details, expected.map(|text| Some(text.to_owned())));
    }

    #[test]
    fn a_stopped_link_says_why() {
        let stopped = |reason: &str| LinkState::Stopped { code: 4501, reason: reason.into() };
        assert_eq!(detail(stopped("fenced"), 0.0).as_deref(), Some("fenced (4501)"));
        assert_eq!(detail(stopped(""), 0.0).as_deref(), Some("4501"));
    }
}
