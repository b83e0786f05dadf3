//! Interceptors (semantic 10).

use bus::{PublishError, Published, Verdict};

use crate::stage::{Stage, Text, pattern, topic};

#[test]
fn interceptors_change_an_event_in_the_order_in_which_they_came() {
    let stage = Stage::new();
    let add = |what: &'static str| {
        stage.bus.intercept(pattern("a.*"), move |_, text: Text| Verdict::Pass(Text(text.0 + what)))
    };
    let (_listener, one, _two) = (stage.listen("seen", ">"), add("1"), add("2"));
    stage.publish("a.b", "x");
    stage.publish("b", "x");
    drop(one);
    stage.publish("a.b", "x");
    assert_eq!(stage.logged(), ["seen:x12", "seen:x", "seen:x2"]);
}

#[test]
fn an_interceptor_drops_or_denies_and_a_denial_is_an_error_to_the_publisher() {
    let stage = Stage::new();
    let _listener = stage.listen("seen", ">");
    let _guard = stage.bus.intercept(pattern("a"), |_, text: Text| match text.0.as_str() {
        "drop" => Verdict::Drop,
        "deny" => Verdict::Deny(text, "not here".into()),
        _ => Verdict::Pass(text),
    });
    assert_eq!(stage.publish("a", "drop"), Published::Dropped);
    let denied = stage.bus.publish(topic("a"), Text("deny".into())).unwrap_err();
    assert_eq!(denied.to_string(), "`a` was denied: not here");
    assert!(matches!(denied, PublishError::Denied(_, Text(text), _) if text == "deny"));
    let handle = stage.bus.topic(&topic("a")).unwrap();
    assert_eq!(handle.publish(Text("drop".into())).unwrap(), Published::Dropped);
    assert!(stage.logged().is_empty());
}

#[test]
fn an_interceptor_runs_at_the_publish_call_also_inside_a_handler() {
    let stage = Stage::new();
    let log = stage.log.clone();
    let _looks = stage.bus.intercept(pattern("b"), move |_, text: Text| {
        log.borrow_mut().push("intercepted".into());
        Verdict::Pass(text)
    });
    let (bus, log) = (stage.bus.clone(), stage.log.clone());
    let _publishes = stage.bus.subscribe(pattern("a"), move |_| {
        bus.publish(topic("b"), Text("x".into())).unwrap();
        log.borrow_mut().push("published".into());
        Ok(())
    });
    let _b = stage.listen("b", "b");
    stage.publish("a", "");
    assert_eq!(stage.logged(), ["intercepted", "published", "b:x"]);
}

#[test]
fn the_runtimes_own_events_are_not_intercepted() {
    let stage = Stage::new();
    let _errors = stage.listen("error", "$bus.error");
    let _none = stage.bus.intercept(pattern("$bus.>"), |_, _| Verdict::Drop);
    let _bad = stage.bus.subscribe(pattern("a"), |_| Err("no milk"));
    stage.publish("a", "");
    assert_eq!(stage.logged(), ["error:a|a|no milk"]);
}
