//! The function as it stands between invocations: everything that a cold start loads, once.

use std::{
    error::Error,
    fmt, io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_config::SdkConfig;
use jiff::Timestamp;

use crate::{
    booking::Operator,
    inbound::{SenderName, Senders},
    ledger::{LeaseRequest, Ledger},
    outbound::{Clock, Deadline, Outbound, WhenUsed, when_used},
    runtime::config::{Config, Files, FolderFile},
    runtime::metrics::{Metric, Metrics},
    runtime::secrets::{SecretSource, SecretStore},
    runtime::telemetry::with_causes,
    systems::calendar::Calendar,
    systems::guest_page::{Publisher, Renderer},
    systems::office::{DeskLinks, Notices, desk_page::DeskRenderer, notices::dock_time},
    systems::scc::{EventsTable, Scc},
};

/// Between the last outside call and the moment at which Lambda would end the invocation.
const LEFT_FOR_THE_ANSWER: Duration = Duration::from_millis(300);

/// Everything that outlives an invocation.
pub struct App {
    /// What the environment decided.
    pub(crate) config: Config,
    /// What the operator decided; the defaults when the file cannot be used.
    pub(crate) operator: Operator,
    /// Why the operator file cannot be used: nothing may be made of any booking then.
    pub(crate) operator_fault: Option<String>,
    /// Who may post, and what their bodies mean.
    pub(crate) senders: Senders,
    /// The newest secrets.
    pub(crate) secrets: SecretStore,
    /// What time it is.
    pub(crate) clock: Clock,
    /// What we were told, what we did, what is still owed.
    pub(crate) ledger: WhenUsed<Ledger>,
    /// What this invocation has counted so far.
    pub(crate) metrics: Metrics,
    outbound: Outbound,
    events: WhenUsed<EventsTable>,
    s3: WhenUsed<aws_sdk_s3::Client>,
    cloudfront: WhenUsed<aws_sdk_cloudfront::Client>,
    sns: WhenUsed<aws_sdk_sns::Client>,
    renderer: Renderer,
    /// Made when somebody looks: a cold start has no use for it.
    desk_renderer: OnceLock<Box<DeskRenderer>>,
}

impl fmt::Debug for App {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("App").field("config", &self.config).finish_non_exhaustive()
    }
}

type Fault = Box<dyn Error + Send + Sync>;

/// Why the function cannot start: all that is wrong, also what alone would stop nothing, so that one look is enough.
#[derive(Debug)]
pub struct StartError(Vec<Fault>);

impl Error for StartError {}

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&words(&self.0).join("; "))
    }
}

fn words(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(|fault| with_causes(&**fault)).collect()
}

impl App {
    /// Loads the secrets (one call) and the operator's files, all at once but for the list of mappings, which says whose secrets there are,
    /// and reports everything that is wrong with them together. It may take as long as an answer.
    ///
    /// # Errors
    /// [`StartError`] when the function could do nothing useful with a delivery.
    pub async fn cold_start(
        config: Config,
        outbound: Outbound,
        sdk: &SdkConfig,
        clock: Clock,
    ) -> Result<Self, StartError> {
        // The bucket is called like its site: over https a name with dots would fit no certificate, on loopback no host.
        let s3_config = aws_sdk_s3::config::Builder::from(sdk).force_path_style(true);
        let s3 = when_used(move || aws_sdk_s3::Client::from_conf(s3_config.build()));
        let deadline = Deadline::after(&clock, config.answer_within);
        let files = Files { s3: &s3, outbound: &outbound, deadline: &deadline };
        if let Err(error) = outbound.invoked_at(clock()) {
            return Err(StartError(vec![error.into()]));
        }
        let mappings_then_secrets = async {
            let senders = senders(&files, &config).await;
            let source = SecretSource {
                client: aws_sdk_secretsmanager::Client::new(sdk),
                outbound: outbound.clone(),
                prefix: config.secrets_prefix.clone(),
                hosts: config.allowed_hosts.clone(),
                senders: senders.all().map(|sender| sender.name.clone()).collect(),
            };
            (SecretStore::load(source, &deadline).await, senders)
        };
        let ((secrets, senders), operator) = tokio::join!(
            mappings_then_secrets,
            files.load("OPERATOR_FILE", config.operator_file.as_ref(), Operator::parse),
        );
        let mut faults: Vec<Fault> = config.faults.iter().cloned().map(Into::into).collect();
        let operator_fault = operator.as_ref().err().map(|fault| with_causes(fault));
        faults.extend(operator_fault.clone().map(Fault::from));
        faults.extend(senders.faults().into_iter().map(|fault| Fault::from(fault.to_owned())));
        let secrets = match secrets {
            Ok(secrets) => secrets,
            Err(error) => {
                faults.push(error.into());
                return Err(StartError(faults));
            }
        };
        faults.extend(faults_of(&secrets));
        report(&faults);
        let (ledger, events) = tables(&config, &outbound, sdk);
        let (for_cloudfront, for_sns) = (sdk.clone(), sdk.clone());
        outbound.metrics().count(Metric::ColdStarts);
        Ok(Self {
            metrics: outbound.metrics().clone(),
            secrets,
            operator: operator.ok().flatten().unwrap_or_default(),
            operator_fault,
            senders,
            ledger,
            events,
            cloudfront: when_used(move || aws_sdk_cloudfront::Client::new(&for_cloudfront)),
            sns: when_used(move || aws_sdk_sns::Client::new(&for_sns)),
            renderer: Renderer::default(),
            desk_renderer: OnceLock::new(),
            outbound,
            s3,
            config,
            clock,
        })
    }

    /// The office's calendar.
    pub(crate) fn calendar(&self) -> Calendar<'_> {
        Calendar::new(&self.outbound, &self.secrets)
    }

    /// The crew's system.
    pub(crate) fn scc(&self) -> Scc<'_> {
        Scc::new(&self.outbound, &self.secrets, &self.events)
    }

    /// Where guests look.
    pub(crate) fn publisher(&self) -> Publisher<'_> {
        Publisher::new(&self.outbound, &self.secrets, &self.config.guest_page, &self.s3, &self.cloudfront)
    }

    /// The way to the office's mailbox; `None` when it has none.
    pub(crate) fn notices(&self) -> Option<Notices<'_>> {
        let topic = self.config.notices_topic.as_deref()?;
        Some(Notices { client: &self.sns, topic, outbound: &self.outbound })
    }

    /// What guests see.
    pub(crate) fn renderer(&self) -> &Renderer {
        &self.renderer
    }

    /// What the office sees at its desk.
    pub(crate) fn desk_renderer(&self) -> &DeskRenderer {
        let new = || Box::new(DeskRenderer::new().expect("compiled-in templates, which a test renders"));
        self.desk_renderer.get_or_init(new)
    }

    /// Makes links to the desk; `None` when it has no key or no address.
    pub(crate) fn desk_links(&self) -> Option<DeskLinks> {
        let key = self.secrets.current().desk.as_ref().ok()?.clone()?;
        Some(DeskLinks::new(key, self.config.desk_base_url.as_deref()?))
    }

    /// Why there are no links to the desk, in words for the person who can mend it.
    pub(crate) fn no_desk(&self) -> String {
        let prefix = &self.config.secrets_prefix;
        match &self.secrets.current().desk {
            Err(fault) => format!("Mend it, then run the check: {fault}"),
            Ok(None) => format!("Put a key into the secret {prefix}/desk, then run the check (docs/deploy.md)"),
            Ok(Some(_)) => "Set DESK_BASE_URL to what its links begin with".to_owned(),
        }
    }

    /// The way to the operator's files.
    pub(crate) fn files<'a>(&'a self, deadline: &'a Deadline) -> Files<'a> {
        Files { s3: &self.s3, outbound: &self.outbound, deadline }
    }

    /// An invocation begins.
    pub(crate) fn begin(&self) {
        if let Err(error) = self.outbound.invoked_at((self.clock)()) {
            tracing::error!(error = with_causes(&error), "the connections before the pause stay in use");
        }
    }

    /// An invocation ends: what it counted goes to `out`, beside the log, before the process may be frozen.
    pub fn end(&self, out: impl io::Write) {
        if let Err(error) = self.metrics.write(&self.config.environment, (self.clock)(), out) {
            tracing::error!(error = with_causes(&error), "the metrics cannot be written");
        }
    }

    /// A time at the dock, with its year, as people say it: `2031 Wed Dec 10, 2:00 PM`.
    pub(crate) fn local(&self, at: Timestamp) -> String {
        let at = at.to_zoned(self.operator.time_zone.clone());
        format!("{} {}", at.year(), dock_time(&at))
    }

    /// A lease until nothing that was sent before `deadline` can still land.
    pub(crate) fn lease(&self, deadline: &Deadline) -> LeaseRequest {
        let holder = format!("{:032x}", fastrand::u128(..));
        LeaseRequest { holder, now: deadline.now(), until: deadline.at() + self.config.redrive.settle, note: None }
    }

    /// What Lambda leaves of its time, by its own clock; everything when it does not say.
    pub(crate) fn lambda_remaining(&self, lambda_deadline_ms: u64) -> Duration {
        self.time_within(Duration::MAX, lambda_deadline_ms)
    }

    /// How long outside calls may take in an invocation that Lambda ends at `lambda_deadline_ms` (Unix time).
    pub(crate) fn time_for_calls(&self, lambda_deadline_ms: u64) -> Duration {
        self.time_within(self.config.answer_within, lambda_deadline_ms)
    }

    fn time_within(&self, longest: Duration, lambda_deadline_ms: u64) -> Duration {
        let now_ms = u64::try_from((self.clock)().as_millisecond()).unwrap_or_default();
        time_for_calls(longest, lambda_deadline_ms.saturating_sub(now_ms))
    }
}

/// Everybody who may post. A folder that cannot be listed may hold anybody's mapping, also one that is compiled in.
pub(crate) async fn senders(files: &Files<'_>, config: &Config) -> Senders {
    let ready = &config.ready_senders;
    let Some(location) = &config.mappings else { return Senders::of(ready, Vec::new()) };
    match files.folder("MAPPINGS", location, ".toml").await {
        Ok(found) => {
            let file = |file: FolderFile| {
                (SenderName::parse(&file.stem).ok_or(file.stem), file.location.to_string(), file.text)
            };
            Senders::of(ready, found.into_iter().map(file).collect())
        }
        Err(error) => Senders::unlisted(ready, &with_causes(&error)),
    }
}

/// Both tables through one client, whose connections outlive a pause: all calls to either may be repeated.
fn tables(config: &Config, outbound: &Outbound, sdk: &SdkConfig) -> (WhenUsed<Ledger>, WhenUsed<EventsTable>) {
    let sdk = sdk.to_builder().http_client(outbound.repeatable_sdk_client()).build();
    let client = Arc::new(when_used(move || aws_sdk_dynamodb::Client::new(&sdk)));
    let (of_ledger, outbound, table) = (Arc::clone(&client), outbound.clone(), config.ledger_table.clone());
    let ledger = when_used(move || Ledger::new((**of_ledger).clone(), table, &outbound));
    let table = config.scc_events_table.clone();
    (ledger, when_used(move || EventsTable::new((**client).clone(), table)))
}

/// A deadline that is over was never one: local runtimes send 0 or a duration.
fn time_for_calls(answer_within: Duration, lambda_remaining_ms: u64) -> Duration {
    match lambda_remaining_ms {
        0 => answer_within,
        remaining => answer_within.min(Duration::from_millis(remaining).saturating_sub(LEFT_FOR_THE_ANSWER)),
    }
}

fn faults_of(secrets: &SecretStore) -> Vec<Fault> {
    secrets.current().faults.iter().cloned().map(Fault::from).collect()
}

/// What is wrong but stops nothing, in one line, so that one look is enough.
fn report(faults: &[Fault]) {
    if faults.is_empty() {
        tracing::info!("started");
    } else {
        let faults = words(faults);
        tracing::error!(
            ?faults,
            "started with faults: the systems that they concern stay due, the senders' deliveries in quarantine, until they are mended"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_end_before_lambda_does() {
        let answer_within = Duration::from_secs(10);
        for (remaining_ms, expected_ms) in [(0, 10_000), (60_000, 10_000), (10_300, 10_000), (3_000, 2_700), (200, 0)] {
            assert_eq!(
                time_for_calls(answer_within, remaining_ms),
                Duration::from_millis(expected_ms),
                "{remaining_ms}"
            );
        }
    }
}
