//! Attacks by hostile clients, each with the expected answer. Others are served meanwhile.
//!
//! This is the whole suite, with the tests of each attack. Paths are those of this folder, or of the repository if they
//! begin with `tests` or `crates`. The tests of the root package run in Chromium, Firefox and WebKit. What others
//! notice of a flood is measured by `cargo xtask bench attacks`; the tests hold that it is slowed.
//!
//! | # | attack | expected | tests |
//! | --- | --- | --- | --- |
//! | 1 | number 2^64-1 or 2^53 | refused; others' publishes all acked | attacks/protocol.rs::a01_a_number_beyond_2_to_the_53_ends_its_connection_and_others_publishes_are_all_acked |
//! | 2 | a client row of random bytes in the store | only that client is refused | attacks/store.rs::a02_a_row_of_random_bytes_refuses_its_client_only_and_a_poisoned_one_starts_over |
//! | 3 | no token with `--auth-keys` | 4508 | accounts/sign_in.rs::a03_a_client_without_a_token_is_refused |
//! | 4 | `alg: none`; HS256 with the public key | 4508 | accounts/sign_in.rs::a04_a_token_without_a_signature_or_with_the_public_key_as_a_secret_is_refused |
//! | 5 | expired; `exp` as text; missing `exp` | 4508 | accounts/sign_in.rs::a05_a_token_that_has_expired_or_has_no_valid_end_is_refused |
//! | 6 | wrong `aud`; wrong `iss`; unknown `kid` | 4508 | accounts/sign_in.rs::a06_a_token_of_another_issuer_for_another_audience_or_by_an_unknown_key_is_refused |
//! | 7 | certificate as token; token as certificate | 4508; reject 15 | accounts/sign_in.rs::a07_a_certificate_is_not_a_token, accounts/certificates.rs::a07_a_certificate_is_not_a_token_that_signs_in, accounts/signed.rs::a36_a_certificate_under_another_thumbprint_or_subject_is_rejected |
//! | 8 | refresh as another account | 4508 | accounts/sign_in.rs::a08_a_connection_cannot_change_its_account |
//! | 9 | subscribe `>` with rights on `chat.lobby.*` | refused 13 | accounts/rights.rs::a09_a_subscription_to_more_than_the_rights_is_refused |
//! | 10 | subscribe `chat.*.x` with `chat.lobby.>` | refused 13 | accounts/rights.rs::a10_a_wildcard_in_place_of_a_name_of_the_rights_is_refused |
//! | 11 | history or `earliest` without `hst` | refused 13 | accounts/rights.rs::a11_the_past_is_refused_without_the_right_to_history |
//! | 12 | publish elsewhere, durable / ephemeral | reject 13 / `denied` | accounts/rights.rs::a12_an_event_for_another_topic_is_refused_durable_or_not_and_never_delivered |
//! | 13 | join or watch elsewhere; another's key | 13; own subject is shown | accounts/rights.rs::a13_presence_elsewhere_is_refused_and_a_key_is_the_accounts_own |
//! | 14 | narrower refresh with standing subscriptions | refused, nothing more comes | accounts/rights.rs::a14_a_refresh_with_fewer_rights_ends_what_they_do_not_cover |
//! | 15 | JSON: without keys, nothing valid for 10 s; with keys, no token | closed, pings or not | attacks/protocol.rs::a15_a_connection_that_says_nothing_valid_for_ten_seconds_is_closed_whatever_it_pings, accounts/sign_in.rs::a15_with_keys_a_json_client_without_a_token_is_closed_whatever_it_pings |
//! | 16 | client says `authid`, `data`, `dssematerial` as extension | `illegal_event` | attacks/protocol.rs::a16_what_only_the_relay_says_is_an_illegal_event_on_both_wires |
//! | 17 | source `../`, `%2e`, `//`, victim's id | `illegal_event`; never `own` | attacks/protocol.rs::a17_a_source_leads_nowhere_but_below_its_own_client, tests/bridge/publishing.rs::an_event_is_own_if_the_peer_attests_so_whatever_its_source_says_besides, tests/bridge/interceptors.rs::an_event_that_only_names_this_client_somewhere_in_its_source_is_judged |
//! | 18 | same (source, id) by two guests | both stored | attacks/protocol.rs::a18_the_same_source_and_id_of_two_guests_are_two_events, attacks/store.rs::a18_the_same_source_and_id_of_two_clients_are_two_events_on_any_topic |
//! | 19 | one's client secret with another's token | 4504 | accounts/sign_in.rs::a19_the_client_of_one_account_cannot_be_continued_by_another |
//! | 20 | hello replayed; for another host; other key | 4503; 4504; 4510 | attacks/keys.rs::a20_a_hello_that_is_replayed_for_another_host_or_by_another_key_is_refused, attacks/keys.rs::a20_the_hello_of_a_client_that_only_reads_cannot_be_replayed_either |
//! | 21 | fence 2^64-1 | refused; the owner comes again | attacks/store.rs::a21_the_highest_fencing_token_is_refused_and_the_owner_comes_again |
//! | 22 | rebinding Host; `http` page on `https` | 421; 403 | attacks/border.rs::a_name_of_another_that_leads_here_is_misdirected, attacks/border.rs::a_page_has_the_scheme_of_the_relay_and_a_listed_host |
//! | 23 | 1,100 bare connections; half a header | cut in 10 s; others served | attacks/border.rs::silent_connections_are_cut_and_others_are_served_meanwhile |
//! | 24 | one connection more than an address may have | refused; others served | attacks/border.rs::one_connection_more_than_an_address_may_have_is_sent_away, events/unfinished.rs::behind_a_proxy_the_unfinished_requests_of_each_client_are_counted |
//! | 25 | unfinished messages, 2 MiB each; with queued writes and presence at once | memory + at most 64 MiB in all | attacks/floods.rs::unfinished_messages_share_a_bound_and_those_without_room_are_sent_away, attacks/memory.rs::a25_unfinished_messages_queued_writes_and_presence_at_once_share_a_bound |
//! | 26 | subscribe and unsubscribe, 300 MiB | memory + at most 64 MiB | attacks/protocol.rs::a26_subscribing_and_unsubscribing_takes_no_memory |
//! | 27 | 4,096 patterns toggled | others are not held up | attacks/store.rs::a27_toggling_one_of_4096_patterns_does_not_hold_up_others_ephemeral_events |
//! | 28 | `last: 2^64-1`; history over many topics | first page within 50 ms | attacks/protocol.rs::a28_the_last_however_many_come_at_once, attacks/store.rs::a28_the_newest_of_all_and_a_page_over_many_topics_are_there_at_once |
//! | 29 | a flood of large events, of many events | slowed to its rate | attacks/floods.rs::a_flood_of_bytes_is_slowed_to_its_rate, attacks/floods.rs::publishes_beyond_the_rate_wait_and_the_client_hears_that_the_relay_is_there |
//! | 30 | presence of 200 guests in one room | others get in | attacks/store.rs::a30_two_hundred_guests_of_an_address_fill_a_quarter_of_a_room_and_others_get_in |
//! | 31 | one bit of data, topic, id, time or source changed by a hostile relay | withheld, reported | tests/trust.rs::one_changed_bit_of_id_source_topic_time_or_data_withholds_an_event, tests/trust.rs::history_has_no_event_that_is_withheld, crates/trust/tests/trust/believing.rs::a31_any_change_of_what_is_signed_is_found |
//! | 32 | signature of another key; certificate of another issuer | withheld | tests/trust.rs::a_signature_of_another_key_is_withheld, tests/trust.rs::a_certificate_of_another_issuer_proves_nothing, tests/trust.rs::the_certificate_of_one_key_does_not_serve_another |
//! | 33 | signature stripped under `signed()` | withheld | tests/trust.rs::an_event_whose_signature_was_taken_away_is_withheld |
//! | 34 | event after `exp`; after revocation; backdated certificate | withheld; 4509 on the link | tests/trust.rs::an_event_outside_the_time_of_its_certificate_is_withheld, tests/trust.rs::an_event_of_a_revoked_key_is_withheld, accounts/signed.rs::a34_a_revoked_key_is_closed_and_its_certificates_are_refused, accounts/certificates.rs::a34_a_revoked_account_is_closed_and_refused_also_after_a_restart, crates/relay/src/certificates/tests.rs::a_certificate_that_its_issuer_has_not_signed_or_that_is_not_valid_now_is_refused |
//! | 35 | a script exports the key, reads the database | refused; finds nothing that works elsewhere | tests/trust/own.rs::a_script_cannot_take_the_key, attacks/keys.rs::a_known_client_takes_a_key_once_and_keeps_it_when_the_relay_restarts |
//! | 36 | certificate under another thumbprint or subject | reject 15 | accounts/signed.rs::a36_a_certificate_under_another_thumbprint_or_subject_is_rejected |
//! | 37 | JSON 50,000 deep; two `data` members | `illegal_event` | attacks/protocol.rs::a37_json_that_nests_too_deep_or_says_a_member_twice_is_an_illegal_event |
//! | 38 | modes of data and backup | 0600 / 0700 | attacks/border.rs::only_its_own_user_reads_the_store_and_its_backup |
//! | 39 | 100 wrong secrets/s | no commit; others are acked | attacks/store.rs::a39_wrong_secrets_keep_no_client_from_its_acks, crates/store/src/embedded/tests/unreadable.rs::what_is_refused_or_only_repeated_costs_no_commit |

mod border;
mod floods;
mod keys;
#[cfg(target_os = "linux")]
mod memory;
mod protocol;
mod store;

#[test]
fn each_row_of_the_suite_names_tests_that_exist() {
    use std::path::Path;
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rows = include_str!("attacks.rs").lines().filter_map(|line| line.strip_prefix("//! | "));
    let rows: Vec<_> =
        rows.filter(|row| row.starts_with(|first: char| first.is_ascii_digit())).collect();
    for (number, row) in (1..).zip(&rows) {
        let cells: Vec<_> = row.split(" | ").collect();
        assert_eq!((cells.len(), cells[0]), (4, number.to_string().as_str()));
        for name in cells[3].trim_end_matches(" |").split(", ") {
            let (file, test) = name.split_once("::").expect("a file and a test");
            let is_elsewhere = ["tests/", "crates/"].iter().any(|folder| file.starts_with(folder));
            let folder = if is_elsewhere { "../.." } else { "tests/relay" };
            let source = std::fs::read_to_string(crate_root.join(folder).join(file));
            let source = source.unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(source.contains(&format!("fn {test}(")), "{name}");
        }
    }
    assert_eq!(rows.len(), 39);
}
