//! A world for one test, and the words in which tests speak of it.

use std::{
    ops::Deref,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use jiff::{Timestamp, Zoned};
use serde_json::{Value, json};
use simulators::{
    rehearsal::{Answered, Options, Rehearsal},
    sender::{SAMPLE_BOOKING_ID, sample_booking},
    traffic::Service,
    world::Effects,
};

/// The charter id of the sample booking under the rehearsal's link key.
pub(crate) const CHARTER_ID: &str = "544EK27M";
/// What guests see, whatever port the edge has.
pub(crate) const SITE: &str = "https://queenofsandiego.com";

/// The function's executable, built before the first test so that no test runs against yesterday's.
static FUNCTION: LazyLock<PathBuf> = LazyLock::new(|| {
    let cargo = Command::new(env!("CARGO")).args(["build", "--workspace", "--bins", "--locked", "--quiet"]).status();
    assert!(cargo.expect("cargo runs").success(), "the function does not build");
    let test = std::env::current_exe().expect("this test has an executable");
    let profile = test.ancestors().nth(2).expect("tests are in target/PROFILE/deps");
    profile.join("booking-webhook")
});

/// One operator's world, with the real function in it.
pub(crate) struct World(Rehearsal);

impl Deref for World {
    type Target = Rehearsal;
    fn deref(&self) -> &Rehearsal {
        &self.0
    }
}

impl World {
    /// Everything as it should be.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With environment variables of its own.
    pub(crate) async fn with(env: &[(&str, &str)]) -> Self {
        Self::with_secrets(env, &[]).await
    }

    /// With environment variables and secrets of its own; a secret that is a string goes as it is, `null` leaves it out.
    pub(crate) async fn with_secrets(env: &[(&str, &str)], secrets: &[(&str, Value)]) -> Self {
        Self::with_options(Options {
            env: env.iter().map(|&(name, value)| (name.to_owned(), Some(value.to_owned()))).collect(),
            secrets: secrets.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            ..Options::default()
        })
        .await
    }

    pub(crate) async fn with_options(options: Options) -> Self {
        let Options { env, .. } = Self::options();
        let options =
            Options { function: Some(FUNCTION.clone()), env: env.into_iter().chain(options.env).collect(), ..options };
        Self(Rehearsal::start(options).await.expect("the world starts"))
    }

    /// The real function, a site whose address does not change from run to run, and no long pauses between attempts.
    pub(crate) fn options() -> Options {
        let env = [("GUEST_PAGE_BASE_URL", SITE), ("RETRY_BASE_MS", "1")];
        let env = env.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))).into();
        Options { function: Some(FUNCTION.clone()), env, ..Options::default() }
    }

    /// Delivers a booking, signed.
    pub(crate) async fn deliver(&self, booking: &Value) -> Answered {
        self.0.deliver(booking).await.expect("an answer")
    }

    /// The world as people see it.
    pub(crate) async fn effects(&self) -> Effects {
        self.0.effects().await.expect("the world can be looked at")
    }

    /// Asserts that the sample booking exists once in each of the four systems, and that each person assigned got one mail.
    #[track_caller]
    pub(crate) fn assert_one_of_everything(effects: &Effects) {
        assert_eq!(effects.calendar.len(), 1, "calendar entries: {:#?}", effects.calendar);
        assert_eq!(effects.scc_events.len(), 1, "SCC events: {:#?}", effects.scc_events);
        let recipients: Vec<&str> = effects.mailbox.iter().map(|mail| mail.to.as_str()).collect();
        assert_eq!(recipients, ["crew-1", "crew-2", "captain-1"], "mails");
        let keys: Vec<&str> = effects.bucket.iter().map(|object| object.key.as_str()).collect();
        let page = format!("g/{CHARTER_ID}.html");
        assert_eq!(keys, [page.as_str(), &format!("g/{CHARTER_ID}.ics"), "g/not-found.html"], "objects");
        assert!(effects.visits.iter().all(|visit| visit.status == 200), "visits: {:#?}", effects.visits);
    }

    /// How often `service` was called with operations that begin like this.
    pub(crate) fn count(&self, service: Service, operation: &str) -> usize {
        self.traffic.calls_to(service).iter().filter(|call| call.operation.starts_with(operation)).count()
    }
}

/// The worked example: a charter of three hours, years ahead, on a day that never changes.
pub(crate) fn sample() -> Value {
    sample_booking(SAMPLE_BOOKING_ID, &start(), instant("2031-05-20T18:03:10Z"))
}

/// The worked example with some of the booking's fields set otherwise; `null` takes one away.
pub(crate) fn sample_with(changes: Value) -> Value {
    let mut body = sample();
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (field, value) in changes {
        body["data"]["booking"][field] = value;
    }
    body
}

fn start() -> Zoned {
    "2031-05-30T14:00:00-07:00[America/Los_Angeles]".parse().expect("a time")
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// What the answer says of each step.
pub(crate) fn states(answered: &Answered) -> Value {
    let state = |step: &str| answered.body["steps"][step]["state"].clone();
    json!([state("calendar"), state("crew_event"), state("crew_redaction"), state("guest_page")])
}

/// A file of `tests/fixtures`.
pub(crate) fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("fixtures are JSON")
}
