//! What the maintenance of the store supersedes.

use super::*;
use store::Command;

#[tokio::test]
async fn a_page_from_memory_lacks_what_the_maintenance_has_superseded() {
    const BEFORE: u64 = 300;
    let directory = tempfile::tempdir().unwrap();
    let open =
        |keep| Embedded::open(directory.path(), Settings { keep, ..Settings::default() }).unwrap();
    let numbers: Vec<u64> = (1..=BEFORE + 2).collect();
    let (hello, mut older) = writes(&numbers);
    let newest = older.split_off(BEFORE as usize);
    let Write::Open { hello, subject, .. } = hello else { panic!() };
    older.insert(0, Write::Open { hello, subject, may_be_new: true });
    let command = Command { time: store::now().into(), has_room: true, writes: &older };
    open(Keep::default()).apply(&[command]).unwrap();

    // From now on it keeps one event. A write leaves most of the others to the maintenance.
    let store: Arc<dyn Store> = Arc::new(open(Keep { topic: Some(1), ..Keep::default() }));
    let (hub, _thread) = Hub::start(Arc::clone(&store), 0, metrics()).unwrap();
    let (answer, mut answers) = mpsc::unbounded_channel();
    for append in newest {
        hub.write(vec![append], None, &answer, Charge::default()).await;
        decided(&mut answers).await.unwrap();
    }
    let pattern = Pattern::parse("t").unwrap();
    let page = |hub: &Hub| -> Vec<u64> {
        let page = hub.page(0, &pattern, BEFORE + 1, 9).expect("it is in memory");
        page.events.iter().map(|event| event.offset).collect()
    };
    assert_eq!(page(&hub), [BEFORE + 1, BEFORE + 2]);
    let mut more = true;
    while more {
        let done = store.maintain(store::now()).unwrap();
        hub.supersede(&done.superseded);
        more = done.more;
    }
    assert_eq!(page(&hub), [BEFORE + 2]);
    // Connections that follow the head still get it.
    assert!(matches!(hub.recent(0, BEFORE + 1), Recent::Events(events) if events.len() == 2));
}
