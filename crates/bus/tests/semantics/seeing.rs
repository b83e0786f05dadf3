//! What can be seen of the bus from outside (semantic 11).

use crate::stage::{Stage, pattern};

#[test]
fn subscriptions_that_come_and_go_are_told_while_somebody_listens() {
    let stage = Stage::new();
    drop(stage.listen("before", "a"));
    let _told = stage.listen("told", "$bus.>");
    let one = stage.bus.subscriber(pattern("a.*")).label("one").handle(|_| Ok(()));
    let two = stage.listen("two", "b");
    drop((one, two));
    assert_eq!(stage.logged(), ["told:+a.* one", "told:+b b", "told:-a.* one", "told:-b b"]);
}
