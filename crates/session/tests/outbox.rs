//! The outbox of a client: what its store is asked, when, and what becomes of each event.

use bus::Topic;
use session::client::{
    Answer, Client, Effect, Entropy, MemoryOutbox, OnStoreError, Options, Outcome, Saved, Secret,
    Storage, StoreError, StoreFailed, Terms,
};
use session::*;

/// A client, its store, and what both have done.
struct Page {
    client: Client,
    store: MemoryOutbox,
    /// The store answers when it is told to.
    holds: bool,
    asked: Vec<Storage>,
    fails: Option<fn(&Storage) -> bool>,
    sent: Vec<FromClient>,
    settled: Vec<(String, Outcome)>,
    kept: Vec<String>,
    pending: Vec<String>,
    failures: Vec<StoreError>,
    opens: usize,
    now: Millis,
}

fn entropy(seed: u8) -> Entropy {
    let mut state = seed;
    Box::new(move |bytes| {
        for byte in bytes {
            state = state.wrapping_mul(5).wrapping_add(1);
            *byte = state;
        }
    })
}

impl Page {
    fn new(options: Options) -> Self {
        Self::on(options, MemoryOutbox::new(Saved::new(&mut entropy(1))), 2)
    }

    /// The page is loaded anew.
    fn reload(self, seed: u8) -> Self {
        let mut page =
            Self::on(Options { tab: [seed; 16], ..Options::default() }, self.store, seed);
        page.now = self.now;
        page
    }

    fn on(options: Options, store: MemoryOutbox, seed: u8) -> Self {
        let client = Client::new(options, entropy(seed), store.saved().clone());
        let mut page = Self {
            client,
            store,
            holds: false,
            asked: Vec::new(),
            fails: None,
            sent: Vec::new(),
            settled: Vec::new(),
            kept: Vec::new(),
            pending: Vec::new(),
            failures: Vec::new(),
            opens: 0,
            now: 1_000,
        };
        page.run();
        page
    }

    fn run(&mut self) {
        while let Some(effect) = self.client.poll() {
            match effect {
                Effect::Store(asked) if self.fails.is_some_and(|fails| fails(&asked)) => {
                    let failed = StoreFailed { asked, error: StoreError::Full };
                    self.client.answer(Err(failed), self.now);
                }
                Effect::Store(asked) => {
                    self.asked.push(asked);
                    if !self.holds {
                        self.answer();
                    }
                }
                Effect::Send(message) => {
                    self.sent.extend(FromClient::decode(&message).map(Result::unwrap));
                }
                Effect::Settled { id, outcome } => self.settled.push((id, outcome)),
                Effect::Kept(id) => self.kept.push(id),
                Effect::Pending { body, .. } => self.pending.push(body.id),
                Effect::StoreFailed(error) => self.failures.push(error),
                Effect::Open => self.opens += 1,
                _ => {}
            }
        }
    }

    /// The store carries out what it was asked first.
    fn answer(&mut self) {
        let answer = self.store.run(self.asked.remove(0));
        self.client.answer(Ok(answer), self.now);
    }

    fn publish(&mut self, id: &str, terms: Terms) {
        let body = Body { id: id.to_owned(), ..Body::default() };
        self.client.publish_with(Topic::parse("a").unwrap(), &body, terms, self.now).unwrap();
        self.run();
    }

    fn tell(&mut self, frame: FromPeer) {
        let mut message = Vec::new();
        frame.encode(&mut message);
        self.client.received(&message, self.now);
        self.run();
    }

    fn go_online(&mut self, highest: u64, highest_id: &str, forgotten: bool) {
        self.client.connect(self.now);
        self.run();
        self.welcome(highest, highest_id, forgotten);
    }

    fn welcome(&mut self, highest: u64, highest_id: &str, forgotten: bool) {
        self.client.opened(self.now);
        self.run();
        self.tell(FromPeer::Welcome(Welcome {
            peer: "peer".into(),
            highest,
            highest_id: (highest > 0).then(|| highest_id.to_owned()),
            heartbeat: 20_000,
            max_message: 1 << 20,
            forgotten,
        }));
    }

    fn ack(&mut self, number: u64, durability: Durability) {
        let position = Position { offset: number, ..Position::start_of(1) };
        self.tell(FromPeer::Ack(Ack { number, position, durability }));
    }

    fn hello(&self) -> &Hello {
        let hellos = self.sent.iter().rev();
        hellos
            .into_iter()
            .find_map(|f| if let FromClient::Hello(h) = f { Some(h) } else { None })
            .unwrap()
    }

    /// Numbers, ids and what was said to be the lowest, of publishes.
    fn published(&self) -> Vec<(u64, String, u64)> {
        let publishes = self.sent.iter().filter_map(|frame| match frame {
            FromClient::Publish(p) => {
                let id = Body::decode(&p.body).unwrap().id;
                Some((p.number.unwrap(), id, p.lowest.unwrap()))
            }
            _ => None,
        });
        publishes.collect()
    }

    fn rejected(&self) -> Vec<(&str, RejectCode)> {
        let rejected = self.settled.iter().filter_map(|(id, outcome)| match outcome {
            Outcome::Rejected(code, _) => Some((id.as_str(), *code)),
            Outcome::Stored(..) => None,
        });
        rejected.collect()
    }
}

fn expires(at: Millis) -> Terms {
    Terms { expires: Some(at), ..Terms::default() }
}

#[test]
fn no_frame_leaves_before_the_store_has_the_row() {
    let mut page = Page::new(Options::default());
    page.go_online(0, "", false);
    page.holds = true;
    page.publish("a", Terms::default());
    page.publish("b", Terms::default());
    assert!(page.published().is_empty() && page.kept.is_empty());
    page.answer();
    page.run();
    assert_eq!(page.kept, ["a"]);
    page.answer();
    page.run();
    assert_eq!(page.published(), [(1, "a".into(), 1), (2, "b".into(), 1)]);
    assert!(page.store.saved().rows.iter().all(|row| row.leaving));
}

#[test]
fn a_row_that_was_kept_offline_is_marked_before_its_frame_leaves() {
    let mut page = Page::new(Options::default());
    page.publish("a", Terms::default());
    assert!(!page.store.saved().rows[0].leaving);
    page.go_online(0, "", false);
    assert!(page.store.saved().rows[0].leaving);
    assert_eq!(page.published().len(), 1);
}

#[test]
fn a_row_that_waits_for_its_mark_holds_back_the_higher_numbers() {
    let mut page = Page::new(Options::default());
    page.publish("a", Terms::default());
    page.client.connect(page.now);
    page.run();
    page.holds = true;
    page.welcome(0, "", false);
    page.publish("b", Terms::default());
    assert!(matches!(page.asked[..], [Storage::Mark { .. }, Storage::Keep { .. }]));
    let mark = page.asked.remove(0);
    page.answer();
    page.run();
    assert!(page.published().is_empty());
    let marked = page.store.run(mark);
    page.client.answer(Ok(marked), page.now);
    page.run();
    assert_eq!(page.published().iter().map(|(number, ..)| *number).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_number_that_was_decided_is_not_given_again_by_a_store_that_missed_it() {
    let mut page = Page::new(Options::default());
    page.go_online(0, "", false);
    page.fails = Some(|asked| matches!(asked, Storage::Keep { .. }));
    page.publish("a", Terms::default());
    page.fails = None;
    page.ack(1, Durability::Disk);
    // What was in memory had this number; its answer is on the disk all the same.
    let mut saved = page.store.saved().clone();
    saved.decided = (1, "a".to_owned());
    page.store = MemoryOutbox::new(saved);
    let mut page = page.reload(3);
    page.go_online(1, "a", false);
    page.publish("b", Terms::default());
    assert_eq!(page.published().last().map(|(number, ..)| *number), Some(2));
}

#[test]
fn a_row_that_cannot_be_marked_does_not_leave_until_it_can() {
    let mut page = Page::new(Options::default());
    page.publish("a", Terms::default());
    page.fails = Some(|asked| matches!(asked, Storage::Mark { .. }));
    page.go_online(0, "", false);
    assert!(page.published().is_empty());
    page.fails = None;
    page.now = page.client.deadline().unwrap();
    page.client.tick(page.now);
    page.run();
    assert!(page.store.saved().rows[0].leaving);
    assert_eq!(page.published().len(), 1);
}

#[test]
fn a_row_under_a_decided_number_does_not_go_out_under_another_identity() {
    let mut page = Page::new(Options::default());
    page.publish("a", Terms::default());
    page.publish("b", Terms::default());
    // The page's disk was set back: its client has got further since.
    page.go_online(1, "another", false);
    assert_eq!(page.rejected(), [("a", RejectCode::Uncertain)]);
    let rows: Vec<_> = page.store.saved().rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(rows, ["b"]);
}

#[test]
fn a_reload_sends_again_what_has_no_answer_under_the_same_number() {
    let mut page = Page::new(Options::default());
    page.go_online(0, "", false);
    for id in ["a", "b", "c"] {
        page.publish(id, Terms::default());
    }
    page.ack(1, Durability::Disk);
    let mut page = page.reload(3);
    assert_eq!(page.pending, ["b", "c"]);
    page.go_online(3, "c", false);
    assert_eq!((page.hello().fence, page.hello().lowest, page.hello().returning), (2, 2, true));
    assert_eq!(page.published(), [(2, "b".into(), 2), (3, "c".into(), 2)]);
    page.ack(2, Durability::Disk);
    page.ack(3, Durability::Disk);
    assert!(page.store.saved().rows.is_empty());
    assert_eq!(page.store.saved().decided, (3, "c".to_owned()));
}

#[test]
fn the_peer_is_told_to_forget_an_outcome_only_when_its_row_is_surely_gone() {
    let mut page = Page::new(Options::default());
    page.go_online(0, "", false);
    page.publish("a", Terms::default());
    page.holds = true;
    page.ack(1, Durability::Disk);
    assert_eq!(page.settled.len(), 1);
    assert!(matches!(page.asked[..], [Storage::Erase { .. }]));
    // The erasure is lost with the page.
    let mut page = page.reload(3);
    page.go_online(1, "a", false);
    assert_eq!(page.hello().lowest, 1);
    assert_eq!(page.published(), [(1, "a".into(), 1)]);
    page.ack(1, Durability::Disk);
    page.publish("b", Terms::default());
    assert_eq!(page.published().last(), Some(&(2, "b".into(), 2)));
}

#[test]
fn an_answer_below_the_durability_asked_for_settles_nothing() {
    let mut page = Page::new(Options::default());
    page.go_online(0, "", false);
    page.publish("a", Terms { durability: Durability::Replicated, ..Terms::default() });
    page.ack(1, Durability::Disk);
    assert!(page.settled.is_empty() && page.client.outbox_len() == 1);
    page.ack(1, Durability::Replicated);
    assert!(page.settled.len() == 1 && page.client.outbox_len() == 0);
}

#[test]
fn what_has_not_left_expires_and_what_may_have_left_does_not() {
    let mut page = Page::new(Options::default());
    page.client.set_clock(page.now, 1_000_000);
    page.publish("offline", expires(1_000_500));
    assert_eq!(page.client.deadline(), Some(page.now + 500));
    page.now += 500;
    page.client.tick(page.now);
    page.run();
    assert_eq!(page.rejected(), [("offline", RejectCode::Expired)]);
    assert!(page.store.saved().rows.is_empty());
    page.go_online(0, "", false);
    page.publish("online", expires(1_001_000));
    page.now += 5_000;
    page.client.tick(page.now);
    page.run();
    assert_eq!(page.settled.len(), 1);
    let mut page = page.reload(3);
    page.now += 5_000;
    page.client.tick(page.now);
    page.run();
    assert_eq!(page.client.outbox_len(), 1);
}

#[test]
fn an_event_that_has_expired_does_not_leave_when_the_link_comes_back() {
    let mut page = Page::new(Options::default());
    page.publish("late", expires(1_500));
    page.publish("fine", Terms::default());
    page.now = 2_000;
    page.go_online(0, "", false);
    page.client.tick(page.now);
    page.run();
    assert_eq!(page.published(), [(2, "fine".into(), 1)]);
    assert_eq!(page.rejected(), [("late", RejectCode::Expired)]);
}

#[test]
fn an_event_can_be_taken_back_until_it_may_have_left() {
    let mut page = Page::new(Options::default());
    page.publish("a", Terms::default());
    page.holds = true;
    page.publish("writing", Terms::default());
    page.publish("waiting", Terms::default());
    for id in ["a", "writing", "waiting"] {
        assert!(page.client.cancel(id), "{id}");
    }
    assert!(!page.client.cancel("nobody"));
    page.holds = false;
    page.run();
    while !page.asked.is_empty() {
        page.answer();
        page.run();
    }
    let mut rejected = page.rejected();
    rejected.sort_unstable_by_key(|(id, _)| *id);
    let all = ["a", "waiting", "writing"].map(|id| (id, RejectCode::Cancelled));
    assert_eq!(rejected, all);
    assert!(page.store.saved().rows.is_empty() && page.client.outbox_len() == 0);
    page.go_online(0, "", false);
    page.publish("b", Terms::default());
    assert!(!page.client.cancel("b"));
    assert_eq!(page.published().len(), 1);
}

#[test]
fn an_event_that_another_tab_has_dropped_is_not_sent() {
    let mut page = Page::new(Options::default());
    page.publish("late", expires(1_500));
    let client = page.store.saved().client;
    let (numbers, why) = (vec![1], RejectCode::Expired);
    page.store.run(Storage::Drop { client, numbers: numbers.clone(), why });
    page.store.run(Storage::Erase { client, numbers, decided: (0, String::new()) });
    page.now = 2_000;
    page.client.tick(page.now);
    page.run();
    page.go_online(0, "", false);
    assert_eq!(page.published(), []);
    assert_eq!(page.client.outbox_len(), 1, "the other tab will say what became of it");
}

#[test]
fn what_was_dropped_for_a_page_that_is_gone_is_told_to_the_next_one() {
    let drops: [fn([u8; 16]) -> Storage; 2] = [
        |client| Storage::Drop { client, numbers: vec![1], why: RejectCode::Expired },
        |from| Storage::Renew { from, highest: 1, client: [5; 16], secret: Secret([6; 32]) },
    ];
    for (drops, why) in drops.into_iter().zip([RejectCode::Expired, RejectCode::Uncertain]) {
        let mut page = Page::new(Options::default());
        page.publish("a", Terms::default());
        // The store has done it, and the page goes before it hears so.
        page.store.run(drops(page.store.saved().client));
        let page = page.reload(7);
        assert_eq!(page.pending, ["a"], "the new page does not know of it");
        assert_eq!(page.rejected(), [("a", why)]);
        let page = page.reload(8);
        assert!(page.pending.is_empty() && page.settled.is_empty(), "it was told once");
        assert!(page.store.saved().rows.is_empty());
    }
}

#[test]
fn an_event_that_another_tab_has_marked_is_not_taken_back() {
    let mut page = Page::new(Options::default());
    page.publish("a", Terms::default());
    let client = page.store.saved().client;
    page.store.run(Storage::Mark { client, numbers: vec![1] });
    assert!(page.client.cancel("a"));
    page.run();
    assert!(page.settled.is_empty());
    page.go_online(0, "", false);
    page.ack(1, Durability::Disk);
    assert!(matches!(page.settled[..], [(_, Outcome::Stored(..))]));
}

#[test]
fn a_client_that_was_forgotten_says_what_is_uncertain_and_sends_the_rest() {
    let mut page = Page::new(Options::default());
    page.go_online(0, "", false);
    page.publish("left", Terms::default());
    page.client.closed(1006, "", page.now);
    page.run();
    page.publish("stayed", Terms::default());
    let mut page = page.reload(3);
    page.go_online(0, "", true);
    assert_eq!(page.rejected(), [("left", RejectCode::Uncertain)]);
    assert_eq!(page.published(), [(2, "stayed".into(), 1)]);
    assert_eq!(page.store.saved().rows.len(), 1);
}

#[test]
fn a_copy_of_a_client_takes_a_new_identity_and_numbers_its_rows_anew() {
    for (highest, id) in [(1, "theirs"), (2, "theirs")] {
        let mut page = Page::new(Options::default());
        page.go_online(0, "", false);
        page.publish("done", Terms::default());
        page.ack(1, Durability::Disk);
        page.publish("left", Terms::default());
        page.client.closed(1006, "", page.now);
        page.run();
        page.publish("stayed", Terms::default());
        let before = page.client.id();
        let mut page = page.reload(77);
        page.go_online(highest, id, false);
        assert_eq!(page.rejected(), [("left", RejectCode::Uncertain)], "{highest}");
        assert_ne!(page.client.id(), before);
        page.sent.clear();
        assert_eq!(page.opens, 2);
        page.welcome(0, "", false);
        assert_eq!(
            (page.hello().fence, page.hello().lowest, page.hello().returning),
            (1, 2, false)
        );
        assert_eq!(page.published(), [(2, "stayed".into(), 2)]);
        assert_eq!(page.store.saved().client, page.client.id());
    }
}

#[test]
fn a_welcome_that_the_store_can_explain_is_not_strange() {
    let mut page = Page::new(Options::default());
    page.publish("mine", Terms::default());
    // Another tab has kept a row, and the peer has decided it.
    let mut row = page.store.saved().rows[0].clone();
    (row.id, row.owner, row.leaving) = ("theirs".to_owned(), [9; 16], true);
    row.body = Body { id: "theirs".into(), ..Body::default() }.encode();
    page.store.run(Storage::Keep { rows: vec![row], at_least: 0 });
    let before = page.client.id();
    page.go_online(2, "theirs", false);
    assert_eq!(page.client.id(), before);
    assert_eq!(page.pending, ["theirs"]);
    assert_eq!(page.published().len(), 2);
}

#[test]
fn a_store_that_is_full_is_told_of_and_the_event_goes_on_in_memory_or_is_refused() {
    for on_store_error in [OnStoreError::Memory, OnStoreError::Refuse] {
        let mut page = Page::new(Options { on_store_error, ..Options::default() });
        page.publish("a", Terms::default());
        page.fails = Some(|asked| matches!(asked, Storage::Keep { .. }));
        page.publish("b", Terms::default());
        page.fails = None;
        page.publish("c", Terms::default());
        assert_eq!(page.failures, [StoreError::Full]);
        page.go_online(0, "", false);
        let ids: Vec<_> =
            page.published().into_iter().map(|(number, id, _)| (number, id)).collect();
        if on_store_error == OnStoreError::Memory {
            assert_eq!(ids, [(1, "a".to_owned()), (2, "b".to_owned()), (3, "c".to_owned())]);
            assert_eq!(page.store.saved().rows.len(), 2);
            page.ack(2, Durability::Disk);
            assert_eq!(page.client.outbox_len(), 2);
        } else {
            assert_eq!(ids, [(1, "a".to_owned()), (2, "c".to_owned())]);
            assert_eq!(page.rejected(), [("b", RejectCode::Unavailable)]);
        }
    }
}

#[test]
fn an_erasure_that_fails_is_tried_again_and_holds_the_outcome_at_the_peer() {
    let mut page = Page::new(Options::default());
    page.go_online(0, "", false);
    page.publish("a", Terms::default());
    page.fails = Some(|asked| matches!(asked, Storage::Erase { .. }));
    page.ack(1, Durability::Disk);
    page.publish("b", Terms::default());
    assert_eq!(page.published().last(), Some(&(2, "b".into(), 1)));
    page.fails = None;
    page.now = page.client.deadline().unwrap();
    page.client.tick(page.now);
    page.run();
    assert_eq!(page.store.saved().rows.len(), 1);
    page.publish("c", Terms::default());
    assert_eq!(page.published().last(), Some(&(3, "c".into(), 2)));
}

#[test]
fn an_identity_that_cannot_be_written_is_not_used() {
    let mut page = Page::new(Options::default());
    page.fails = Some(|asked| matches!(asked, Storage::Renew { .. }));
    let before = page.client.id();
    page.publish("decided", Terms::default());
    page.publish("a", Terms::default());
    page.go_online(1, "theirs", false);
    assert!(page.published().is_empty() && page.client.id() == before);
    page.now = page.client.deadline().unwrap();
    page.fails = None;
    page.client.tick(page.now);
    page.run();
    page.welcome(1, "theirs", false);
    assert_ne!(page.client.id(), before);
    page.welcome(0, "", false);
    assert_eq!(page.published(), [(2, "a".into(), 2)]);
}

#[test]
fn what_is_kept_while_another_tab_renews_the_client_is_found_under_its_new_number() {
    let mut page = Page::new(Options::default());
    page.publish("a", Terms::default());
    let from = page.store.saved().client;
    page.store.run(Storage::Renew { from, highest: 0, client: [5; 16], secret: Secret([6; 32]) });
    page.go_online(0, "", false);
    page.publish("b", Terms::default());
    assert_eq!(page.client.id(), [5; 16]);
    page.welcome(0, "", false);
    assert_eq!(page.kept, ["a", "b"]);
    page.ack(1, Durability::Disk);
    page.ack(2, Durability::Disk);
    assert_eq!(page.client.outbox_len(), 0, "{:?}", page.store);
    assert!(page.rejected().is_empty());
}

#[test]
fn an_answer_to_an_older_request_for_a_token_is_not_used_to_greet() {
    let mut page = Page::new(Options::default());
    page.holds = true;
    page.client.connect(page.now);
    page.run();
    page.client.closed(1006, "", page.now);
    page.now = page.client.deadline().unwrap();
    page.client.tick(page.now);
    page.run();
    page.client.opened(page.now);
    page.answer();
    page.run();
    assert!(page.sent.is_empty());
    page.answer();
    page.run();
    assert_eq!(page.hello().fence, 2);
}

#[test]
fn the_bounds_hold_in_rows_and_in_bytes() {
    let options = Options { outbox_events: 2, outbox_bytes: 300, ..Options::default() };
    let mut page = Page::new(options);
    let big = Body { id: "big".into(), data: vec![0; 250], ..Body::default() };
    let topic = Topic::parse("a").unwrap();
    page.client.publish(topic.clone(), &big, 0).unwrap();
    assert!(page.client.publish(topic.clone(), &big, 0).is_err());
    page.run();
    assert!(page.client.publish(topic.clone(), &big, 0).is_err());
    page.publish("small", Terms::default());
    let small = Body { id: "s".into(), ..Body::default() };
    assert!(page.client.publish(topic, &small, 0).is_err());
    page.go_online(0, "", false);
    page.ack(1, Durability::Disk);
    page.ack(2, Durability::Disk);
    assert_eq!((page.client.outbox_len(), page.client.outbox_bytes()), (0, 0));
    let answer = page.store.run(Storage::Load);
    assert!(matches!(answer, Answer::Loaded(saved) if saved.rows.is_empty()));
}
