//! Requests and replies (promise 9).

use std::cell::RefCell;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bus::{Balance, NoReply, PublishError, Request, RequestError, Subscription, VirtualTime};

use crate::stage::{Stage, Text, pattern, poll, topic};

const SECOND: Duration = Duration::from_secs(1);

fn serve(stage: &Stage, at: &str, name: &'static str) -> Subscription {
    stage.bus.respond(pattern(at), move |event| match event.payload.0.as_str() {
        "bad" => Err("no milk"),
        text => Ok(Text(format!("{name}:{text}"))),
    })
}

fn ask(stage: &Stage, time: &VirtualTime, text: &str) -> Result<Request<Text>, RequestError<Text>> {
    stage.bus.request(topic("serve.x"), Text(text.into()), SECOND, time)
}

fn reply(request: &mut Request<Text>) -> Poll<Result<String, NoReply>> {
    poll(request).map_ok(|text| text.0)
}

#[test]
fn a_request_gets_one_reply_from_the_first_responder() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let _logger = stage.listen("logger", ">");
    let _one = serve(&stage, "serve.*", "one");
    let _two = serve(&stage, "serve.x", "two");
    let mut request = ask(&stage, &time, "tea").unwrap();
    assert_eq!(reply(&mut request), Poll::Ready(Ok("one:tea".into())));
    assert_eq!(stage.logged(), ["logger:tea"]);
    stage.publish("serve.x", "no request");
    assert_eq!(stage.logged(), ["logger:no request"]);
}

#[test]
fn a_request_without_a_responder_fails_at_once_and_a_plain_subscriber_is_not_one() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let _logger = stage.listen("logger", ">");
    let refused = ask(&stage, &time, "tea");
    assert!(matches!(refused, Err(RequestError::NoResponder(_, Text(text))) if text == "tea"));
    assert!(stage.logged().is_empty());
    let system = stage.bus.request(topic("$bus.x"), Text("x".into()), SECOND, &*time);
    assert!(matches!(system, Err(RequestError::Publish(PublishError::SystemTopic(..)))));
}

#[test]
fn a_reply_may_come_later_and_a_timeout_before_it() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let open = Rc::new(RefCell::new(Vec::new()));
    let keep = open.clone();
    let _server = stage.bus.subscriber(pattern("serve.>")).respond(move |_, reply| {
        keep.borrow_mut().push(reply);
        Ok(())
    });
    let (mut first, mut second) =
        (ask(&stage, &time, "1").unwrap(), ask(&stage, &time, "2").unwrap());
    assert_eq!(reply(&mut first), Poll::Pending);
    open.borrow_mut().remove(0).answer(Text("late".into()));
    assert_eq!(reply(&mut first), Poll::Ready(Ok("late".into())));
    time.pass(SECOND);
    assert_eq!(reply(&mut second), Poll::Ready(Err(NoReply::Timeout)));
    open.borrow_mut().remove(0).answer(Text("too late".into()));
}

#[test]
fn a_request_fails_when_its_responder_fails_or_drops_the_reply() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let _errors = stage.listen("error", "$bus.error");
    let server = serve(&stage, "serve.*", "one");
    let mut request = ask(&stage, &time, "bad").unwrap();
    assert_eq!(reply(&mut request), Poll::Ready(Err(NoReply::Dropped)));
    assert_eq!(stage.logged(), ["error:serve.x|serve.*|no milk"]);
    drop(server);
    let _lazy = stage.bus.subscriber(pattern("serve.*")).respond(|_, reply| {
        drop(reply);
        Ok(())
    });
    let mut request = ask(&stage, &time, "tea").unwrap();
    assert_eq!(reply(&mut request), Poll::Ready(Err(NoReply::Dropped)));
}

#[test]
fn a_request_inside_a_handler_is_dropped_if_its_responder_ends_before_its_turn() {
    let (stage, time) = (Rc::new(Stage::new()), VirtualTime::new());
    let server = Rc::new(RefCell::new(Some(serve(&stage, "serve.*", "one"))));
    let requests = Rc::new(RefCell::new(Vec::new()));
    let (inner, clock, keep, end) = (stage.clone(), time.clone(), requests.clone(), server.clone());
    let _asker = stage.bus.subscribe(pattern("go"), move |event| {
        keep.borrow_mut().push(ask(&inner, &clock, "tea").unwrap());
        if event.payload.0 == "end" {
            end.take();
        }
        Ok(())
    });
    stage.publish("go", "");
    stage.publish("go", "end");
    let replies: Vec<_> = requests.borrow_mut().iter_mut().map(reply).collect();
    assert_eq!(replies, [Poll::Ready(Ok("one:tea".into())), Poll::Ready(Err(NoReply::Dropped))]);
}

#[test]
fn a_group_takes_turns_at_replying_to_requests() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let member = |name: &'static str| {
        let member = stage.bus.subscriber(pattern("serve.*")).group("g", Balance::round_robin());
        member.respond(move |_, reply| {
            reply.answer(Text(name.into()));
            Ok(())
        })
    };
    let _members = [member("one"), member("two")];
    let mut answers: Vec<_> = (0..3).map(|_| ask(&stage, &time, "tea").unwrap()).collect();
    let answers: Vec<_> = answers.iter_mut().map(reply).collect();
    assert_eq!(answers, ["one", "two", "one"].map(|name| Poll::Ready(Ok(name.to_owned()))));
}
