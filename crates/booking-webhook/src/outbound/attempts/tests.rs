use std::cell::Cell;

use http::StatusCode;

use super::*;
use crate::outbound::Service;

const READ: Call = Call { service: Service::Calendar, operation: "find_entry", effect: Effect::Repeatable };
const CREATE: Call = Call { service: Service::Calendar, operation: "create_entry", effect: Effect::Create };

fn outbound() -> Outbound {
    Outbound::new(Duration::from_millis(50), Duration::from_millis(1)).expect("compiled-in roots")
}

fn after(remaining: Duration) -> Deadline {
    let started = Instant::now();
    let clock: Clock = Arc::new(move || Timestamp::UNIX_EPOCH + started.elapsed());
    Deadline::after(&clock, remaining)
}

fn failure(class: Class) -> CallError {
    CallError::answered(READ, class, StatusCode::SERVICE_UNAVAILABLE)
}

async fn attempts_until(succeeds_at: u32, class: Class) -> (u32, bool) {
    let tried = Cell::new(0);
    let once = || async {
        tried.set(tried.get() + 1);
        if tried.get() < succeeds_at { Err(failure(class)) } else { Ok(Answered::ok(())) }
    };
    let outcome = outbound().attempts(READ, &after(Duration::from_secs(5)), once).await;
    (tried.get(), outcome.is_ok())
}

#[tokio::test]
async fn three_attempts_at_most_and_only_for_the_transient() {
    assert_eq!(attempts_until(1, Class::Transient).await, (1, true));
    assert_eq!(attempts_until(3, Class::Transient).await, (3, true));
    assert_eq!(attempts_until(4, Class::Transient).await, (3, false));
    for class in
        [Class::Unknown { may_still_act: false }, Class::Unknown { may_still_act: true }, Class::Denied, Class::Refused]
    {
        assert_eq!(attempts_until(2, class).await, (1, false), "{class:?}");
    }
}

/// Creates with these classes of failure in turn; `there` is what reading back finds. Answers the number of creations and the outcome.
async fn creations(classes: &[Class], there: Option<&'static str>) -> (u32, Option<&'static str>) {
    let created = Cell::new(0);
    let create = |attempt: u32| {
        created.set(attempt);
        let class = classes.get(attempt as usize - 1).copied();
        async move { class.map_or(Ok("created"), |class| Err(failure(class))) }
    };
    let (deadline, mut unsettled) = (after(Duration::from_secs(5)), 0);
    let outcome = outbound().create_or_read_back(&deadline, &mut unsettled, create, || async { Ok(there) }).await;
    (created.get(), outcome.ok())
}

#[tokio::test]
async fn what_may_be_there_is_read_back_before_a_creation() {
    let (answered, unanswered) = (Class::Unknown { may_still_act: false }, Class::Unknown { may_still_act: true });
    assert_eq!(creations(&[Class::Unreadable], Some("found")).await, (1, Some("found")));
    assert_eq!(creations(&[Class::Unreadable], None).await, (1, None), "it says that it acted");
    assert_eq!(creations(&[answered], Some("found")).await, (1, Some("found")));
    assert_eq!(creations(&[answered], None).await, (2, Some("created")));
    assert_eq!(creations(&[unanswered], Some("found")).await, (1, Some("found")));
    assert_eq!(creations(&[unanswered], None).await, (1, None), "it may still land");
    assert_eq!(
        creations(&[Class::Transient, answered], None).await,
        (3, Some("created")),
        "one series, not one within the other"
    );
    assert_eq!(creations(&[Class::Transient, answered, Class::Transient, answered], None).await, (3, None));
    assert_eq!(creations(&[Class::Denied], None).await, (1, None));
}

#[test]
fn a_creation_is_never_cut_short() {
    let limit = |effect, remaining_ms| outbound().limit(effect, &after(Duration::from_millis(remaining_ms)));
    assert_eq!(limit(Effect::Create, 40), None);
    assert_eq!(limit(Effect::Create, 1_000), Some(Duration::from_millis(50)));
    assert!(limit(Effect::Repeatable, 40).is_some_and(|limit| limit <= Duration::from_millis(40)));
    assert_eq!(limit(Effect::Change, 1), None);
}

#[tokio::test]
async fn a_call_that_hangs_ends_with_the_deadline() {
    let hanging = || std::future::pending::<Result<Answered<()>, CallError>>();
    let outbound = outbound();
    let read = outbound.attempts(READ, &after(Duration::from_millis(20)), hanging).await;
    assert_eq!(read.expect_err("it hangs").class, Class::Transient);
    let created = outbound.attempt(CREATE, 1, &after(Duration::from_secs(1)), hanging()).await;
    assert_eq!(created.expect_err("it hangs").class, Class::Unknown { may_still_act: true });
}
