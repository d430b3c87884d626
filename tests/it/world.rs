//! A world for one test, and the words in which tests speak of it.

use std::{
    ffi::OsString,
    ops::Deref,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{Timestamp, ToSpan, Zoned};
use rehearsal::{Answered, Options, Rehearsal, SERVICE_KEY, world::Effects};
use serde_json::{Value, json};
use simulators::{
    clock::Clock,
    sender::{SAMPLE_BOOKING_ID, sample_booking},
    traffic::{Call, Fault, Service},
};

use crate::prove::stage::{Outcome, Stage};

/// The charter id of the sample booking under the rehearsal's link key.
pub(crate) const CHARTER_ID: &str = "544EK27M";
/// For faults that last until somebody mends them.
pub(crate) const ALWAYS: u32 = 200;
pub(crate) const UNAVAILABLE: Fault = Fault::Answer { status: 503, acted: false, retry_after: Some(0) };
pub(crate) const DENIED: Fault = Fault::Answer { status: 403, acted: false, retry_after: None };
pub(crate) const REFUSED: Fault = Fault::Answer { status: 422, acted: false, retry_after: None };
/// How long what nobody answered may still land, and the first distance between tries, where a test lives to see them pass.
pub(crate) const SOON: [(&str, &str); 2] = [("UNKNOWN_SETTLE_MS", "300"), ("REDRIVE_BASE_MS", "50")];
const UPDATED_AT: &str = "2025-05-20T18:03:10Z";
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_millis(100);
/// What guests' links begin with; the edge's port differs from run to run.
pub(crate) const SITE: &str = "https://queenofsandiego.com";

/// The function's executable, built before the first test so that no test runs against yesterday's.
static FUNCTION: LazyLock<PathBuf> = LazyLock::new(|| {
    let test = std::env::current_exe().expect("this test has an executable");
    let folder = test.ancestors().nth(2).expect("tests are in target/PROFILE/deps");
    // In the profile of this test, of which only this one is not called like its folder.
    let profile = folder.file_name().filter(|name| *name != "debug").unwrap_or("dev".as_ref());
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--workspace", "--bins", "--locked", "--quiet", "--profile"]).arg(profile);
    // Cargo would take these for changes of the dependencies that look at them, and build those anew.
    for name in said_about_this_package() {
        cargo.env_remove(name);
    }
    assert!(cargo.status().expect("cargo runs").success(), "the function does not build");
    folder.join("booking-webhook")
});

/// The names of what cargo tells tests about their own package, and of what makes the test runner say how long tests take.
#[expect(clippy::disallowed_methods, reason = "what cargo tells this test is no configuration")]
fn said_about_this_package() -> impl Iterator<Item = OsString> {
    let is_said =
        |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "RUSTC_BOOTSTRAP";
    std::env::vars_os().map(|(name, _)| name).filter(move |name| name.to_str().is_some_and(is_said))
}

/// One operator's world, with the real function in it.
pub(crate) struct World(Rehearsal);

impl Deref for World {
    type Target = Rehearsal;
    fn deref(&self) -> &Rehearsal {
        &self.0
    }
}

impl World {
    /// The folder of the programs, all built.
    pub(crate) fn binaries() -> PathBuf {
        FUNCTION.parent().expect("programs are in a folder").to_owned()
    }

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
        Self::exactly(options).await
    }

    /// With these options and nothing else.
    pub(crate) async fn exactly(options: Options) -> Self {
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

    /// Delivers a booking under a webhook id of the sender's choice.
    pub(crate) async fn deliver_as(&self, webhook_id: &str, booking: &Value) -> Answered {
        self.deliver_text(webhook_id, booking.to_string()).await
    }

    /// Delivers any text, signed.
    pub(crate) async fn deliver_text(&self, webhook_id: &str, body: String) -> Answered {
        let headers = self.sender().sign(webhook_id, &body, now());
        self.deliver_raw(&headers, body).await.expect("an answer")
    }

    /// The sender delivers again, as senders do, until it hears that the booking is in step.
    pub(crate) async fn repeat_until_in_step(&self, booking: &Value) -> Answered {
        let since = Instant::now();
        let mut every = tokio::time::interval(ASK_EVERY);
        loop {
            every.tick().await;
            let answered = self.deliver(booking).await;
            if answered.status == 200 {
                return answered;
            }
            assert!(since.elapsed() < PATIENCE, "it does not come in step: {:#}", answered.body);
        }
    }

    /// Invokes the function directly; what it answers.
    pub(crate) async fn ask(&self, event: &Value) -> Value {
        let invocation = self.invoke(event).await.expect("an answer");
        assert_eq!(invocation.function_error, None, "bad input is an answer, not a crash");
        invocation.payload
    }

    /// A person has decided, or mended what stood in the way of the sample booking.
    pub(crate) async fn replay(&self) -> Value {
        self.ask(&json!({ "replay": { "booking_id": SAMPLE_BOOKING_ID } })).await
    }

    /// A person has looked at the sample booking's status, and approves the decision that they saw.
    pub(crate) async fn approve(&self) -> Value {
        let seen = self.status().await["decided_seq"].take();
        self.ask(&approval_of(&seen)).await
    }

    /// What the schedule does every minute.
    pub(crate) async fn sweep(&self) -> Value {
        self.ask(&json!({ "sweep": {} })).await
    }

    /// Where the sample booking stands, and how it came there.
    pub(crate) async fn status(&self) -> Value {
        self.ask(&json!({ "status": { "booking_id": SAMPLE_BOOKING_ID } })).await
    }

    /// Somebody changes the sample booking's event by hand, through SCC's own interface.
    pub(crate) async fn change_event_by_hand(&self, change: Value) {
        let url = format!("{}/events/{CHARTER_ID}", self.scc.url());
        let patch = simulators::aws::loopback_client().patch(url).bearer_auth(SERVICE_KEY).json(&change);
        let answer = patch.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{change} is taken: {}", answer.status());
    }

    /// Somebody deletes the sample booking's only event.
    pub(crate) async fn delete_event_by_hand(&self) {
        let event = self.effects().await.scc_events.remove(0);
        let text = |name: &str| AttributeValue::S(event[name].as_str().expect("a key").to_owned());
        let delete = self.cloud.dynamodb.delete_item().table_name(&self.cloud.events_table);
        let delete = delete.key("event_id", text("event_id")).key("created_timestamp", text("created_timestamp"));
        delete.send().await.expect("deleted");
    }

    /// The id of the calendar's only entry.
    pub(crate) fn entry_id(&self) -> String {
        let entries = self.calendar.entries();
        assert_eq!(entries.len(), 1, "{entries:#?}");
        entries[0]["id"].as_str().expect("an id").to_owned()
    }

    /// Every call to this table of DynamoDB meets `fault`, until the traffic heals.
    pub(crate) fn fail_table(&self, table: &str, fault: &Fault) {
        for _ in 0..ALWAYS {
            self.fail_naming(table, fault.clone());
        }
    }

    /// The next call to DynamoDB whose request holds `words` meets `fault`.
    pub(crate) fn fail_naming(&self, words: &str, fault: Fault) {
        let words = words.to_owned();
        let fits = move |call: &Call| call.service == Service::Dynamodb && call.request_body.contains(&words);
        self.traffic.fail_when(fits, fault);
    }

    /// Every system of a booking that was called, in the order of the calls.
    pub(crate) fn called(&self) -> Vec<String> {
        let is_outside = |call: &Call| match call.service {
            Service::Dynamodb => !call.request_body.contains(&self.cloud.ledger_table),
            Service::Calendar | Service::Scc | Service::S3 | Service::Cloudfront => true,
            Service::Secretsmanager | Service::Edge | Service::Sns => false,
        };
        let calls = self.traffic.calls();
        calls
            .iter()
            .filter(|call| is_outside(call))
            .map(|call| format!("{:?} {}", call.service, call.operation))
            .collect()
    }

    /// What `service` was told to change, change by change.
    pub(crate) fn changes(&self, service: Service) -> Vec<Value> {
        let calls = self.traffic.calls_to(service);
        let patches = calls.iter().filter(|call| call.operation.starts_with("PATCH"));
        patches.map(|call| serde_json::from_str(&call.request_body).expect("changes are JSON")).collect()
    }

    /// The log's line at ERROR that holds `words`, as soon as it has arrived.
    pub(crate) async fn alarm(&self, words: &str) -> String {
        self.line(&["\"ERROR\"", words]).await
    }

    /// The first line that holds all of `words`, as soon as it has arrived.
    pub(crate) async fn line(&self, words: &[&str]) -> String {
        let line = self.lambda.log().wait_for(|line| words.iter().all(|words| line.contains(words)));
        tokio::time::timeout(PATIENCE, line).await.unwrap_or_else(|_| panic!("no line with {words:?}"))
    }

    /// All that one environment has written up to now. It answers before its output is read, so it is asked for one line more, and
    /// what was written before has arrived when that has.
    pub(crate) async fn logs(&self) -> Vec<String> {
        let marker = format!("nobody-{:016x}", rand::random::<u64>());
        self.ask(&json!({ "status": { "booking_id": marker } })).await;
        self.line(&[&marker]).await;
        self.0.logs()
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
        assert_eq!(keys, [format!("g/{CHARTER_ID}.html"), format!("g/{CHARTER_ID}.ics")], "objects");
        assert!(effects.visits.iter().all(|visit| visit.status == 200), "visits: {:#?}", effects.visits);
    }

    /// How often `service` was called with operations that begin like this.
    pub(crate) fn count(&self, service: Service, operation: &str) -> usize {
        self.traffic.calls_to(service).iter().filter(|call| call.operation.starts_with(operation)).count()
    }
}

/// For what only time brings: the same verbs where time is a value.
impl Stage {
    /// Delivers a booking, signed, to a process of its own.
    pub(crate) async fn deliver(&self, booking: &Value) -> Outcome {
        self.invoke(&self.delivery(booking["id"].as_str().expect("events have ids"), booking)).await
    }

    /// Delivers `first`, and `newer` as soon as the world has seen a call that `fits`; what both were answered.
    pub(crate) async fn deliver_while(
        &self,
        first: &Value,
        newer: &Value,
        fits: impl Fn(&Call) -> bool,
    ) -> [Option<u16>; 2] {
        let newer = async {
            self.traffic().wait_for(|calls| calls.iter().any(&fits)).await;
            self.deliver(newer).await
        };
        let (first, newer) = Box::pin(async { tokio::join!(self.deliver(first), newer) }).await;
        [first.status(), newer.status()]
    }

    /// Invokes a process of its own directly; what it answers.
    pub(crate) async fn ask(&self, event: &Value) -> Value {
        self.invoke(event).await.into_body()
    }

    /// What the schedule does every minute.
    pub(crate) async fn sweep(&self) -> Value {
        self.ask(&json!({ "sweep": {} })).await
    }

    /// Where the sample booking stands, and how it came there.
    pub(crate) async fn status(&self) -> Value {
        self.ask(&json!({ "status": { "booking_id": SAMPLE_BOOKING_ID } })).await
    }

    /// A person has looked at the sample booking's status, and approves the decision that they saw.
    pub(crate) async fn approve(&self) -> Outcome {
        let seen = self.status().await["decided_seq"].take();
        self.invoke(&approval_of(&seen)).await
    }
}

/// A person's word that the sample booking's decision of this number is right.
pub(crate) fn approval_of(decided_seq: &Value) -> Value {
    json!({ "approve": { "booking_id": SAMPLE_BOOKING_ID, "decided_seq": decided_seq } })
}

/// Whether a call writes down what became of steps while the booking is worked on.
pub(crate) fn is_journal(call: &Call) -> bool {
    let request: Value = serde_json::from_str(&call.request_body).unwrap_or_default();
    let says = |part: &str, words: &str| request[part].as_str().is_some_and(|text| text.contains(words));
    let is_step = |part: &str| ["#calendar = ", "#crew_event = "].iter().any(|step| part.starts_with(step));
    let sets = request["UpdateExpression"].as_str().and_then(|update| update.strip_prefix("SET "));
    let steps_alone = sets.is_some_and(|sets| sets.split(", ").all(is_step));
    steps_alone && says("ConditionExpression", "#holder = ") && says("ConditionExpression", "#fence = ")
}

impl Outcome {
    /// What was answered.
    pub(crate) fn into_body(self) -> Value {
        let Self::Answered { body, .. } = self else { panic!("an answer, not {self:?}") };
        body
    }
}

/// The worked example: a charter of three hours, years ahead, on a day that never changes.
pub(crate) fn sample() -> Value {
    sample_booking(SAMPLE_BOOKING_ID, &start(), instant(UPDATED_AT))
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

/// What the marketplace says of the worked example some minutes after it was booked.
pub(crate) fn later(minutes: i64, changes: Value) -> Value {
    let mut body = sample_with(changes);
    let at = instant(UPDATED_AT) + minutes.minutes();
    body["data"]["booking"]["updated_at"] = json!(at.to_string());
    body
}

/// The machine's time.
pub(crate) fn now() -> Timestamp {
    Clock::system().now()
}

fn start() -> Zoned {
    "2031-05-30T14:00:00-07:00[America/Los_Angeles]".parse().expect("a time")
}

pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// What the answer says of each step.
pub(crate) fn states(answered: &Answered) -> Value {
    let state = |step: &str| answered.body["steps"][step]["state"].clone();
    json!([state("calendar"), state("crew_event"), state("crew_redaction"), state("guest_page")])
}

/// The names of what a change sent, in their order.
pub(crate) fn names(change: &Value) -> Vec<&str> {
    change.as_object().expect("changes are an object").keys().map(String::as_str).collect()
}

/// A file of `tests/fixtures`.
pub(crate) fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("fixtures are JSON")
}
