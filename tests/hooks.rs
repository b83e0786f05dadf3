//! Hooks in components that are mounted in a page.
#![cfg(all(target_arch = "wasm32", feature = "bridge", feature = "yew"))]

#[path = "bridge/fake_socket.rs"]
#[allow(dead_code)] // the tests of one bridge use the rest
mod fake_socket;
#[path = "bridge/peer.rs"]
#[allow(dead_code)]
mod peer;
#[path = "hooks/people.rs"]
mod people;
#[path = "tabs/sharing.rs"]
mod sharing;

use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::time::Duration;

use event_driven_kit::hooks::{
    BusProvider, use_bus, use_publish, use_request, use_subscription, use_topic, use_topic_stream,
    use_topic_with,
};
use event_driven_kit::{Bus, ERROR_TOPIC, Failure, Payload};
use futures_util::StreamExt;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;

wasm_bindgen_test_configure!(run_in_browser);

/// A component on its own page.
struct Stage<C: BaseComponent> {
    element: web_sys::Element,
    app: yew::AppHandle<C>,
}

impl<C: BaseComponent> Stage<C> {
    async fn mount(props: C::Properties) -> Self {
        let document = web_sys::window().unwrap().document().unwrap();
        let element = document.create_element("div").unwrap();
        let app = yew::Renderer::<C>::with_root_and_props(element.clone(), props).render();
        settled().await;
        Self { element, app }
    }

    async fn text(&self) -> String {
        settled().await;
        next_frame().await;
        settled().await;
        self.element.text_content().unwrap_or_default()
    }
}

async fn settled() {
    for _ in 0..4 {
        yew::scheduler::flush().await;
    }
}

async fn next_frame() {
    let frame = js_sys::Promise::new(&mut |resolve, _| {
        web_sys::window().unwrap().request_animation_frame(&resolve).unwrap();
    });
    wasm_bindgen_futures::JsFuture::from(frame).await.unwrap();
}

#[derive(Properties, PartialEq)]
struct Props {
    bus: Bus,
    #[prop_or("a".to_owned())]
    pattern: String,
    #[prop_or_default]
    factor: u32,
}

#[component]
fn Newest(props: &Props) -> Html {
    #[derive(Properties, PartialEq)]
    struct Inner {
        pattern: String,
    }
    #[component]
    fn Show(props: &Inner) -> Html {
        let newest = use_topic::<u32>(&props.pattern);
        html! { <p>{ newest.map_or("none".to_owned(), |number| number.to_string()) }</p> }
    }
    html! {
        <BusProvider bus={props.bus.clone()}><Show pattern={props.pattern.clone()} /></BusProvider>
    }
}

fn props(bus: &Bus) -> Props {
    Props { bus: bus.clone(), pattern: "a".to_owned(), factor: 0 }
}

#[wasm_bindgen_test]
async fn use_topic_shows_the_newest_payload() {
    let bus = Bus::new();
    let stage = Stage::<Newest>::mount(props(&bus)).await;
    assert_eq!(stage.text().await, "none");
    bus.publish("a", 1_u32).unwrap();
    assert_eq!(stage.text().await, "1");
    bus.publish("a", 2_u32).unwrap();
    bus.publish("a", 3_u32).unwrap();
    assert_eq!(stage.text().await, "3");
}

#[wasm_bindgen_test]
async fn use_topic_forgets_when_the_pattern_or_the_bus_changes() {
    let (bus, other) = (Bus::new(), Bus::new());
    let mut stage = Stage::<Newest>::mount(props(&bus)).await;
    bus.publish("a", 1_u32).unwrap();
    assert_eq!(stage.text().await, "1");
    stage.app.update(Props { pattern: "b".to_owned(), ..props(&bus) });
    assert_eq!(stage.text().await, "none");
    bus.publish("a", 2_u32).unwrap();
    bus.publish("b", 3_u32).unwrap();
    assert_eq!(stage.text().await, "3");
    stage.app.update(Props { pattern: "b".to_owned(), ..props(&other) });
    assert_eq!(stage.text().await, "none");
    other.publish("b", 4_u32).unwrap();
    bus.publish("b", 5_u32).unwrap();
    assert_eq!(stage.text().await, "4");
    assert_eq!((bus.subscriptions(), other.subscriptions()), (0, 1));
}

#[wasm_bindgen_test]
async fn a_payload_of_another_type_changes_nothing_and_is_reported() {
    let bus = Bus::new();
    let reported = Rc::new(Cell::new(0));
    let count = reported.clone();
    let _errors = bus.subscribe(ERROR_TOPIC, move |event| {
        assert_eq!(event.data::<Failure>()?.topic, "a");
        count.set(count.get() + 1);
        Ok(())
    });
    let stage = Stage::<Newest>::mount(props(&bus)).await;
    bus.publish("a", 1_u32).unwrap();
    bus.publish("a", "no number").unwrap();
    assert_eq!(stage.text().await, "1");
    assert_eq!(reported.get(), 1);
}

#[component]
fn Sum(props: &Props) -> Html {
    thread_local! {
        static RENDERS: Cell<u32> = const { Cell::new(0) };
    }
    #[component]
    fn Show() -> Html {
        let renders = RENDERS.get() + 1;
        RENDERS.set(renders);
        let sum = use_topic_with(
            "a.*",
            || 0,
            |sum: &mut u32, event| {
                *sum += *event.data::<u32>()?;
                Ok(())
            },
        );
        html! { <p>{ *sum }{ ":" }{ renders }</p> }
    }
    html! { <BusProvider bus={props.bus.clone()}><Show /></BusProvider> }
}

#[wasm_bindgen_test]
async fn use_topic_with_folds_every_event_and_renders_once_per_frame() {
    let bus = Bus::new();
    let stage = Stage::<Sum>::mount(props(&bus)).await;
    next_frame().await;
    for number in 1..=100_u32 {
        bus.publish("a.b", number).unwrap();
        // A pending render happens now.
        settled().await;
    }
    // One at the mount, one for the first event, and one for all events of a frame. A slow machine may have reached
    // another frame in between.
    let text = stage.text().await;
    let (sum, renders) = text.split_once(':').unwrap();
    assert_eq!(sum, "5050");
    assert!((3..50).contains(&renders.parse::<u32>().unwrap()), "{renders} renders");
}

#[component]
fn Doubler(props: &Props) -> Html {
    #[component]
    fn Show() -> Html {
        let double = use_request::<u32, u32>("double", Duration::from_secs(1));
        let text = match double.reply() {
            None if double.is_waiting() => "waiting".to_owned(),
            None => "not asked".to_owned(),
            Some(Ok(doubled)) => doubled.to_string(),
            Some(Err(error)) => error.to_string(),
        };
        html! { <button onclick={move |_| double.ask(21)}>{ text }</button> }
    }
    html! { <BusProvider bus={props.bus.clone()}><Show /></BusProvider> }
}

#[wasm_bindgen_test]
async fn use_request_asks_and_shows_the_reply_or_why_it_is_missing() {
    let bus = Bus::new();
    let stage = Stage::<Doubler>::mount(props(&bus)).await;
    assert_eq!(stage.text().await, "not asked");
    let document = web_sys::window().unwrap().document().unwrap();
    document.body().unwrap().append_child(&stage.element).unwrap();
    let button = stage.element.query_selector("button").unwrap().unwrap();
    let click = || {
        button.dispatch_event(
            &web_sys::Event::new_with_event_init_dict("click", &{
                let init = web_sys::EventInit::new();
                init.set_bubbles(true);
                init
            })
            .unwrap(),
        )
    };
    click().unwrap();
    assert!(stage.text().await.starts_with("no responder for `double`"));
    let _doubles = bus.respond("double", |event| Ok(Payload::new(*event.data::<u32>()? * 2)));
    click().unwrap();
    assert_eq!(stage.text().await, "42");
    stage.element.remove();
}

#[component]
fn Listener(props: &Props) -> Html {
    #[component]
    fn Show() -> Html {
        let bus = use_bus();
        const WAITING: NonZeroUsize = NonZeroUsize::new(10).unwrap();
        use_topic_stream("a", WAITING, |mut events| async move {
            while let Some(event) = events.next().await {
                HEARD.with_borrow_mut(|heard| heard.push(*event.data().unwrap()));
            }
        });
        // Between this render and its effects.
        use_memo((), move |()| drop(bus.publish("a", 1_u32)));
        Html::default()
    }
    html! { <BusProvider bus={props.bus.clone()}><Show /></BusProvider> }
}

#[wasm_bindgen_test]
async fn use_topic_stream_gives_a_task_all_events_until_the_component_is_gone() {
    let bus = Bus::new();
    let stage = Stage::<Listener>::mount(props(&bus)).await;
    bus.publish("a", 2_u32).unwrap();
    next_frame().await;
    assert_eq!(HEARD.take(), [1, 2]);
    stage.app.destroy();
    settled().await;
    next_frame().await;
    assert_eq!(bus.subscriptions(), 0);
    bus.publish("a", 3_u32).unwrap();
    next_frame().await;
    assert_eq!(HEARD.take(), [0; 0]);
}

#[wasm_bindgen_test]
async fn an_unmounted_component_is_subscribed_to_nothing() {
    let bus = Bus::new();
    let stage = Stage::<Newest>::mount(props(&bus)).await;
    assert_eq!(bus.subscriptions(), 1);
    stage.app.destroy();
    settled().await;
    assert_eq!(bus.subscriptions(), 0);
}

thread_local! {
    static HEARD: RefCell<Vec<u32>> = RefCell::default();
}

#[component]
fn Multiplier(props: &Props) -> Html {
    #[derive(Properties, PartialEq)]
    struct Inner {
        factor: u32,
    }
    #[component]
    fn Show(props: &Inner) -> Html {
        let factor = props.factor;
        use_subscription("a", move |event| {
            let product = *event.data::<u32>()? * factor;
            HEARD.with_borrow_mut(|heard| heard.push(product));
            Ok(())
        });
        Html::default()
    }
    html! { <BusProvider bus={props.bus.clone()}><Show factor={props.factor} /></BusProvider> }
}

#[wasm_bindgen_test]
async fn the_handler_of_the_newest_render_runs_without_a_new_subscription() {
    let bus = Bus::new();
    let mut stage = Stage::<Multiplier>::mount(Props { factor: 2, ..props(&bus) }).await;
    bus.publish("a", 10_u32).unwrap();
    stage.app.update(Props { factor: 3, ..props(&bus) });
    settled().await;
    bus.publish("a", 10_u32).unwrap();
    assert_eq!(HEARD.take(), [20, 30]);
    assert_eq!(bus.subscriptions(), 1);
    stage.app.destroy();
}

#[component]
fn Eager(props: &Props) -> Html {
    #[component]
    fn Show() -> Html {
        let bus = use_bus();
        use_subscription("a", |event| {
            let number = *event.data::<u32>()?;
            HEARD.with_borrow_mut(|heard| heard.push(number));
            Ok(())
        });
        // Between this render and its effects.
        use_memo((), move |()| drop(bus.publish("a", 7_u32)));
        Html::default()
    }
    html! { <BusProvider bus={props.bus.clone()}><Show /></BusProvider> }
}

#[wasm_bindgen_test]
async fn nothing_passes_a_component_by_between_its_first_render_and_its_effects() {
    let bus = Bus::new();
    let stage = Stage::<Eager>::mount(props(&bus)).await;
    assert_eq!(HEARD.take(), [7]);
    stage.app.destroy();
}

#[component]
fn Publisher(props: &Props) -> Html {
    #[derive(Properties, PartialEq)]
    struct Inner {
        topic: String,
        factor: u32,
    }
    #[component]
    fn Show(props: &Inner) -> Html {
        let publish = use_publish::<u32>(&props.topic);
        let factor = props.factor;
        use_effect_with(factor, move |_| publish.emit(factor));
        Html::default()
    }
    html! {
        <BusProvider bus={props.bus.clone()}>
            <Show topic={props.pattern.clone()} factor={props.factor} />
        </BusProvider>
    }
}

#[wasm_bindgen_test]
async fn use_publish_publishes_and_tells_what_it_could_not() {
    let bus = Bus::new();
    let heard: Rc<RefCell<Vec<String>>> = Rc::default();
    let (numbers, errors) = (heard.clone(), heard.clone());
    let _numbers = bus.subscribe("a", move |event| {
        numbers.borrow_mut().push(event.data::<u32>()?.to_string());
        Ok(())
    });
    let _errors = bus.subscribe(ERROR_TOPIC, move |event| {
        let failure = event.data::<Failure>()?;
        errors.borrow_mut().push(format!("{} {}", failure.topic, failure.label));
        Ok(())
    });
    let mut stage = Stage::<Publisher>::mount(Props { factor: 1, ..props(&bus) }).await;
    stage.app.update(Props { factor: 2, pattern: "no topic".to_owned(), ..props(&bus) });
    settled().await;
    assert_eq!(*heard.borrow(), ["1", "$bus.publish no topic"]);
}
