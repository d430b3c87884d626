//! What the edge is asked to forget: nothing when a page is published for the first time, exactly the page whenever it may hold an older one.

use std::time::Duration;

use serde_json::json;
use simulators::{
    aws::loopback_client,
    traffic::{Fault, Service},
};

use crate::{
    prove::stage::Stage,
    world::{ALWAYS, CHARTER_ID, DENIED, REFUSED, SOON, UNAVAILABLE, World, later, now, sample, states},
};

const MOVED: &str = "2031-05-31T14:00:00-07:00";
/// How long the edge holds that a link leads nowhere (`infra/guest-site.yaml`).
const A_MISS_IS_HELD: Duration = Duration::from_secs(10);

/// What a guest gets who opens the link now.
async fn open(world: &World) -> (u16, String) {
    let page = loopback_client().get(format!("{}/g/{CHARTER_ID}", world.edge.url())).send().await.expect("an answer");
    (page.status().as_u16(), page.text().await.expect("text"))
}

#[tokio::test]
async fn a_first_publication_is_not_invalidated_a_change_is() {
    let world = World::start().await;
    assert_eq!(world.deliver(&sample()).await.status, 200);
    let effects = world.effects().await;
    assert!(effects.visits[0].body.contains("Friday, May 30, 2031"), "{}", effects.visits[0].body);
    assert_eq!((world.count(Service::Cloudfront, ""), &effects.invalidations[..]), (0, &[][..]));

    assert_eq!(world.deliver(&later(1, json!({ "start_at": MOVED }))).await.status, 200);
    let effects = world.effects().await;
    assert!(effects.visits[0].body.contains("Saturday, May 31, 2031"), "{}", effects.visits[0].body);
    assert_eq!(effects.invalidations.len(), 1);
}

/// The office may open the link from the calendar before the page is there.
#[tokio::test]
async fn who_asks_too_early_sees_the_page_ten_seconds_later() {
    let world = World::start().await;
    world.clock.set(now());
    assert_eq!(open(&world).await.0, 403, "there is none");
    assert_eq!(world.deliver(&sample()).await.status, 200);
    assert_eq!(open(&world).await.0, 403, "the edge still believes so");
    world.clock.set(now() + A_MISS_IS_HELD);
    let (status, body) = open(&world).await;
    assert!(status == 200 && body.contains("Friday, May 30, 2031"), "{status}: {body}");
}

/// The put arrived and its answer did not: guests may have seen the page, and the edge holds it for a day.
#[tokio::test]
async fn after_an_unknown_put_the_next_publication_is_invalidated() {
    let world = World::with(&SOON).await;
    world.traffic.fail_next(Service::S3, "PutObject", Fault::DropAfter, ALWAYS);
    let answered = world.deliver(&sample()).await;
    assert_eq!(states(&answered)[3], "due", "{:#}", answered.body);
    let (status, body) = open(&world).await;
    assert!(status == 200 && body.contains("Friday, May 30, 2031"), "{status}: {body}");
    world.traffic.heal();

    world.repeat_until_in_step(&later(1, json!({ "start_at": MOVED }))).await;
    let (_, body) = open(&world).await;
    assert!(body.contains("Saturday, May 31, 2031"), "{body}");
}

/// Both files are put at once. A calendar file that nobody answered may still land, whatever became of the page beside it.
#[tokio::test]
async fn an_unanswered_file_beside_a_failed_page_is_waited_for() {
    for failed in [REFUSED, DENIED, UNAVAILABLE] {
        let stage = Stage::set().await;
        assert_eq!(stage.deliver(&sample()).await.status(), Some(200));
        stage.traffic().fail_next(Service::S3, "PutObject g/544EK27M.html", failed.clone(), ALWAYS);
        let lands_late = Fault::ActLate { milliseconds: 1_500, status: None };
        stage.traffic().fail_next(Service::S3, "PutObject g/544EK27M.ics", lands_late, 1);
        assert_eq!(stage.deliver(&later(1, json!({ "start_at": MOVED }))).await.status(), Some(202));
        stage.traffic().heal();

        let newest = later(2, json!({ "start_at": "2031-06-01T14:00:00-07:00" }));
        stage.deliver(&newest).await;
        // What was on its way arrives.
        stage.pass(Duration::from_secs(36)).await;
        assert_eq!(stage.deliver(&newest).await.status(), Some(200), "{failed:?}");
        let visits = stage.look().await.visits;
        let [page, file] = &visits[..] else { panic!("two files: {visits:#?}") };
        assert!(page.body.contains("June 1, 2031"), "{failed:?}: {}", page.body);
        assert!(file.body.contains("DTSTART;TZID=America/Los_Angeles:20310601T140000"), "{failed:?}: {}", file.body);
    }
}
