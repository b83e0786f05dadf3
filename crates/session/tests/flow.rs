//! The client's credit: events that the application has not taken limit what the peer sends.

mod world;

use session::client::Window;
use session::*;
use world::World;

const TEN: Window = Window { events: 10, bytes: 1 << 20 };

/// One client publishes this many events, and another reads them at its own pace.
fn slow_reader(events: usize, window: Window, seed: u64) -> World {
    let mut world = World::new(2, seed);
    world.clients[1].is_slow = true;
    world.subscribe_within(1, "a", Start::Earliest, window);
    world.settle();
    for number in 0..events {
        world.publish(0, "a", &number.to_string());
    }
    world.settle();
    world
}

fn delivered(world: &World, client: usize) -> Vec<u64> {
    world.clients[client].delivered.iter().map(|(offset, _)| *offset).collect()
}

fn until_quiet(world: &mut World) {
    while world.run(1) {}
}

#[test]
fn no_more_comes_than_the_application_has_room_for() {
    let mut world = slow_reader(50, TEN, 1);
    assert_eq!(delivered(&world, 1), (1..=10).collect::<Vec<_>>());
    world.clients[1].take(4);
    until_quiet(&mut world);
    assert_eq!(delivered(&world, 1).len(), 10, "less than half of a window is not worth a frame");
    world.clients[1].take(1);
    until_quiet(&mut world);
    assert_eq!(delivered(&world, 1), (1..=15).collect::<Vec<_>>());
}

#[test]
fn a_slow_application_reads_everything_once_and_in_order() {
    let mut world = slow_reader(200, TEN, 2);
    for _ in 0..300 {
        world.clients[1].take(1);
        until_quiet(&mut world);
        assert!(world.clients[1].untaken.len() <= 10);
    }
    assert_eq!(delivered(&world, 1), (1..=200).collect::<Vec<_>>());
    assert_eq!(world.clients[1].resets, 0);
}

#[test]
fn bytes_bound_it_too_and_one_event_that_is_larger_comes_alone() {
    let mut world = slow_reader(20, Window { events: 1_000, bytes: 1 }, 3);
    for read in 1..=20 {
        assert_eq!(delivered(&world, 1).len(), read);
        world.clients[1].take(1);
        until_quiet(&mut world);
    }
}

#[test]
fn what_the_application_still_holds_counts_on_the_next_connection_too() {
    let mut world = slow_reader(50, TEN, 4);
    world.restart();
    world.settle();
    assert_eq!(delivered(&world, 1).len(), 10);
    world.clients[1].take(6);
    world.restart();
    world.settle();
    assert_eq!(delivered(&world, 1), (1..=16).collect::<Vec<_>>());
}

#[test]
fn a_slow_subscription_costs_the_one_beside_it_nothing() {
    let mut world = World::new(2, 5);
    world.subscribe_within(1, "a", Start::Earliest, Window { events: 1, bytes: 1 });
    world.subscribe(1, "b", Start::Earliest);
    world.clients[1].is_slow = true;
    world.settle();
    for number in 0..100 {
        world.publish(0, if number % 2 == 0 { "a" } else { "b" }, &number.to_string());
    }
    world.settle();
    let offsets = delivered(&world, 1);
    assert_eq!(offsets.iter().filter(|offset| *offset % 2 == 1).count(), 1);
    assert_eq!(offsets.iter().filter(|offset| *offset % 2 == 0).count(), 50);
}

/// Random paces and cuts. At the end everything was read once and in order.
#[test]
fn whatever_breaks_meanwhile_a_slow_application_reads_everything_in_order() {
    for seed in 10..60 {
        let mut world = slow_reader(100, TEN, seed);
        let mut rounds = 0;
        while delivered(&world, 1).len() < 100 || !world.clients[1].untaken.is_empty() {
            let taken = world.random(7) as usize;
            world.clients[1].take(taken);
            match world.random(8) {
                0 => world.cut(),
                1 => world.settle(),
                _ => _ = world.run(2),
            }
            assert!(world.clients[1].untaken.len() <= 10, "seed {seed}");
            rounds += 1;
            assert!(rounds < 10_000, "seed {seed} does not end");
        }
        assert_eq!(delivered(&world, 1), (1..=100).collect::<Vec<_>>(), "seed {seed}");
    }
}
