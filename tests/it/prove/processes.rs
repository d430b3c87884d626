//! Real processes: twelve deliveries at once, and SIGKILL at every call of a creation.

use rehearsal::Options;
use serde_json::json;
use simulators::traffic::{Call, Fault};

use super::{oracle::Expected, story::Told};
use crate::world::{PATIENCE, World};

/// Short leases: real processes have real clocks.
const SHORT: [(&str, &str); 4] =
    [("ANSWER_WITHIN_MS", "1000"), ("CALL_TIMEOUT_MS", "400"), ("UNKNOWN_SETTLE_MS", "300"), ("REDRIVE_BASE_MS", "50")];

async fn world(environments: usize, env: &[(&str, &str)]) -> World {
    let env = env.iter().map(|&(name, value)| (name.to_owned(), Some(value.to_owned()))).collect();
    World::with_options(Options { environments, env, ..Options::default() }).await
}

async fn assert_as_told(world: &World, told: &Told, what: &str) {
    let differences = Expected::new(vec![told.clone()], None).differences(&world.effects().await);
    assert!(differences.is_empty(), "{what}:\n{}", differences.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twelve_identical_deliveries_make_one_of_everything() {
    let world = world(4, &[]).await;
    let told = Told::version(1);
    let body = told.body().to_string();
    let headers = world.sender().sign(&told.delivery_id(), &body, simulators::clock::Clock::system().now());
    let deliver = || world.deliver_raw(&headers, body.clone());
    let four = || async { tokio::join!(deliver(), deliver(), deliver(), deliver()) };
    let (a, b, c) = Box::pin(async { tokio::join!(four(), four(), four()) }).await;
    for answered in [a.0, a.1, a.2, a.3, b.0, b.1, b.2, b.3, c.0, c.1, c.2, c.3] {
        let answered = answered.expect("an answer");
        assert!([200, 202].contains(&answered.status), "{:#}", answered.body);
    }
    world.repeat_until_in_step(&told.body()).await;
    assert_as_told(&world, &told, "after twelve deliveries").await;
    assert_eq!(world.pids().await.len(), 4, "nobody crashed");
}

/// Kills the process at the `nth` call of a creation, before it arrives or after it acted; whether there was such a call.
async fn kill_at(nth: u64, fault: Fault) -> bool {
    let world = world(1, &SHORT).await;
    let told = Told::version(1);
    world.traffic.forget();
    let mut seen = 0;
    let reached = move |_: &Call| {
        seen += 1;
        seen == nth
    };
    world.traffic.fail_when(reached, fault.clone());
    let body = told.body();
    let met = tokio::select! {
        biased;
        () = world.traffic.wait_for(|calls| calls.iter().any(|call| call.fault.is_some())) => true,
        _ = world.deliver(&body) => false,
    };
    if met {
        world.kill().await;
        tokio::time::timeout(PATIENCE, world.traffic.idle()).await.expect("the world comes to rest");
        world.cold_start().await.expect("it starts again");
        world.repeat_until_in_step(&told.body()).await;
        world.invoke(&json!({ "sweep": {} })).await.expect("an answer");
    }
    assert_as_told(&world, &told, &format!("killed at call {nth}, {fault:?}")).await;
    met
}

/// What a call meets whose caller is killed: it never leaves the machine, or it acts and is never answered.
const KILLED: [Fault; 2] = [Fault::ArriveLate { milliseconds: 350 }, Fault::Delay { milliseconds: 350 }];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_in_a_creation_leaves_nothing_twice() {
    for fault in KILLED {
        assert!(kill_at(5, fault).await, "a creation has more calls than that");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes longer: make prove"]
async fn a_process_may_be_killed_at_any_call_of_a_creation() {
    for fault in KILLED {
        let mut nth = 1;
        while kill_at(nth, fault.clone()).await {
            nth += 1;
            assert!(nth < 100, "a creation has an end");
        }
        assert!(nth > 5, "a creation has more calls than that");
    }
}
