use super::*;

const BUSY: Fault = Fault::Answer { status: 503, acted: false, retry_after: None };

fn arrive(traffic: &Traffic, operation: &str) -> Option<Fault> {
    let (running, fault) = traffic.arrive(Service::Scc, operation.to_owned(), &http::HeaderMap::new(), b"{}");
    running.answered(http::StatusCode::OK);
    fault
}

#[test]
fn scripts_are_met_in_order_and_used_up() {
    let traffic = Traffic::new();
    traffic.fail_next(Service::Calendar, "", Fault::DropBefore, 1);
    traffic.fail_next(Service::Scc, "PATCH", Fault::DropAfter, 1);
    traffic.fail_next(Service::Scc, "", BUSY, 2);

    let met: Vec<_> = ["POST /events", "PATCH /events/A", "PATCH /events/A", "POST /events"]
        .map(|call| arrive(&traffic, call))
        .into();
    assert_eq!(met, [Some(BUSY), Some(Fault::DropAfter), Some(BUSY), None]);
}

#[test]
fn a_script_may_pick_its_call_by_anything_that_is_known_of_it() {
    let traffic = Traffic::new();
    let mut creations = 0;
    let second_creation = move |call: &Call| {
        creations += usize::from(call.operation == "POST /events");
        creations == 2
    };
    traffic.fail_when(second_creation, Fault::DropAfter);
    traffic.fail_when(|call| call.sequence == 3, BUSY);
    let met: Vec<_> = ["POST /events", "PATCH /events/A", "POST /events", "POST /events", "POST /events"]
        .map(|call| arrive(&traffic, call))
        .into();
    assert_eq!(met, [None, None, Some(Fault::DropAfter), Some(BUSY), None]);
}

#[test]
fn healing_forgets_the_script_and_forgetting_empties_the_log() {
    let traffic = Traffic::new();
    traffic.fail_next(Service::Scc, "", BUSY, 1);
    traffic.heal();
    assert_eq!(arrive(&traffic, "POST /events"), None);
    traffic.forget();
    assert!(traffic.calls().is_empty());
}

#[test]
fn the_log_keeps_the_newest_and_the_size_of_binary_data() {
    let traffic = Traffic::new();
    for _ in 0..=CALLS_KEPT {
        arrive(&traffic, "POST /events");
    }
    let (running, _) = traffic.arrive(Service::S3, "PutObject a".to_owned(), &http::HeaderMap::new(), &[0xff; 7]);
    drop(running);

    let calls = traffic.calls();
    assert_eq!(calls.len(), CALLS_KEPT);
    assert_eq!(calls[0].sequence, 2);
    let last = &traffic.calls_to(Service::S3)[0];
    assert_eq!((last.request_body.as_str(), last.status), ("(7 bytes)", None));
    assert!(last.milliseconds.is_some());
}
