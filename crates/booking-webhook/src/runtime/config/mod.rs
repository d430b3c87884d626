//! Everything that the environment decides, read once, in one place.
//!
//! Configuration comes in as a function from names to values, so that it can be tested without touching a process's environment. Nothing
//! in here stops a cold start but what the function could not work without; every other fault is kept, reported and replaced by the default.

mod fields;
mod files;
mod hosts;

use std::time::Duration;

pub(crate) use fields::{Fields, json_object};
pub(crate) use files::{FileError, FileLocation, Files, FolderFile};
pub(crate) use hosts::{AllowedHosts, HostKinds};
use url::Url;

/// This fraction of an answer's time is kept for the release.
const PART_FOR_THE_RELEASE: u32 = 6;

/// What the function was told by its environment. Units are in the names of the variables.
#[derive(Debug, Clone)]
pub struct Config {
    /// `ENVIRONMENT_NAME`: what metrics are split by.
    pub(crate) environment: String,
    /// `SECRETS_PREFIX`: the secrets are `{prefix}/webhook`, `/webhook/{sender}`, `/calendar`, `/scc`, `/guest-page`, `/desk`.
    pub(crate) secrets_prefix: String,
    /// `LEDGER_TABLE`.
    pub(crate) ledger_table: String,
    /// `SCC_EVENTS_TABLE`.
    pub(crate) scc_events_table: String,
    /// Where guest pages go.
    pub(crate) guest_page: GuestPageConfig,
    /// `OPERATOR_FILE`.
    pub(crate) operator_file: Option<FileLocation>,
    /// `MAPPINGS`: a folder of `{sender}.toml`.
    pub(crate) mappings: Option<FileLocation>,
    /// `READY_SENDERS`, comma-separated: senders whose mapping is compiled in.
    pub(crate) ready_senders: Vec<String>,
    /// `NOTICES_TOPIC`: the ARN of the topic by which the office hears; without it notices are lines of the log.
    pub(crate) notices_topic: Option<String>,
    /// `DESK_BASE_URL`, without a slash at its end: what links to the office's desk begin with; without it there are none.
    pub(crate) desk_base_url: Option<String>,
    /// `ANSWER_WITHIN_MS`: senders give up (and some unsubscribe) when an answer takes longer.
    pub(crate) answer_within: Duration,
    /// `CALL_TIMEOUT_MS`: one outside call, from its first byte to its last; always less than `answer_within`.
    pub call_timeout: Duration,
    /// `CREW_EVENT_WAIT_MS`: how long the crew event waits for the calendar entry's id.
    pub(crate) crew_event_wait: Duration,
    /// `RETRY_BASE_MS`: the first pause between attempts of a bounded series; each further one is at most twice as long.
    pub retry_base: Duration,
    /// `UNKNOWN_SETTLE_MS`: how long an unanswered request may still land; `REDRIVE_BASE_MS`: the first distance between tries.
    pub(crate) redrive: Redrive,
    /// `SWEEP_AT_ONCE`: how many bookings a sweep works on at once, at most.
    pub(crate) sweep_at_once: usize,
    /// `ALLOWED_SERVICE_HOSTS`, comma-separated; `SERVICE_HOSTS` says whether these alone may be called.
    pub(crate) allowed_hosts: AllowedHosts,
    /// What was wrong with the environment and replaced by a default, for the cold start's report.
    pub(crate) faults: Vec<String>,
}

/// How long to wait before a step is tried again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Redrive {
    /// How long an unanswered request may still land.
    pub(crate) settle: Duration,
    /// The first distance between two tries.
    pub(crate) base: Duration,
}

/// Where guest pages go.
#[derive(Debug, Clone)]
pub(crate) struct GuestPageConfig {
    /// `GUEST_PAGE_BUCKET`.
    pub(crate) bucket: String,
    /// `GUEST_PAGE_BASE_URL`, without a slash at its end.
    pub(crate) base_url: String,
    /// `GUEST_PAGE_KEY`, with `{charter_id}` in it; ends in `.html`.
    pub(crate) key: String,
}

/// Why the function cannot start.
#[derive(Debug, thiserror::Error)]
#[error("the environment variable {0} is missing: without it no delivery can be verified or recorded")]
pub struct ConfigError(&'static str);

/// One variable of the process's environment. The one place that reads it.
#[expect(clippy::disallowed_methods, reason = "the one reader of the environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// [`ConfigError`] when `SECRETS_PREFIX` or `LEDGER_TABLE` is missing.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(variable)
    }

    /// Reads the variables that `var` knows.
    ///
    /// # Errors
    /// [`ConfigError`] when `SECRETS_PREFIX` or `LEDGER_TABLE` is missing.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let set = |name: &str| var(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let mut faults = Vec::new();
        let mut milliseconds = |name: &str, default: u64, least: u64| {
            let Some(value) = set(name) else { return Duration::from_millis(default) };
            let usable = value.parse().ok().filter(|milliseconds| *milliseconds >= least);
            Duration::from_millis(usable.unwrap_or_else(|| {
                faults.push(format!(
                    "{name} must be a whole number of milliseconds, at least {least}; {default} is used"
                ));
                default
            }))
        };
        let answer_within = milliseconds("ANSWER_WITHIN_MS", 10_000, 1);
        let call_timeout = milliseconds("CALL_TIMEOUT_MS", 5_000, 1);
        let crew_event_wait = milliseconds("CREW_EVENT_WAIT_MS", 2_500, 0);
        let retry_base = milliseconds("RETRY_BASE_MS", 100, 0);
        let settle = milliseconds("UNKNOWN_SETTLE_MS", 35_000, 1);
        let base = milliseconds("REDRIVE_BASE_MS", 60_000, 1);
        let (crew_event_wait, call_timeout) = fitting(answer_within, crew_event_wait, call_timeout, &mut faults);
        let sweep_at_once = sweep_at_once(set("SWEEP_AT_ONCE"), &mut faults);
        let guest_page = GuestPageConfig::from_vars(set, &mut faults);
        let (kinds, fault) = HostKinds::parse(set("SERVICE_HOSTS").as_deref());
        faults.extend(fault);
        let listed = set("ALLOWED_SERVICE_HOSTS").unwrap_or_default();
        let environment = environment(set("ENVIRONMENT_NAME"), &mut faults);
        let desk_base_url = desk_base_url(set("DESK_BASE_URL"), &mut faults);
        Ok(Self {
            environment,
            secrets_prefix: set("SECRETS_PREFIX")
                .ok_or(ConfigError("SECRETS_PREFIX"))?
                .trim_end_matches('/')
                .to_owned(),
            ledger_table: set("LEDGER_TABLE").ok_or(ConfigError("LEDGER_TABLE"))?,
            scc_events_table: set("SCC_EVENTS_TABLE").unwrap_or_else(|| "scc-events".into()),
            guest_page,
            operator_file: set("OPERATOR_FILE").map(|value| FileLocation::parse(&value)),
            mappings: set("MAPPINGS").map(|value| FileLocation::parse(&value)),
            ready_senders: names(&set("READY_SENDERS").unwrap_or_default()),
            notices_topic: set("NOTICES_TOPIC"),
            desk_base_url,
            answer_within,
            call_timeout,
            crew_event_wait,
            retry_base,
            redrive: Redrive { settle, base },
            sweep_at_once,
            allowed_hosts: AllowedHosts::new(kinds, listed.split(',')),
            faults,
        })
    }
}

/// CloudWatch takes ASCII in a dimension, and drops the metrics of a line with anything else.
fn environment(name: Option<String>, faults: &mut Vec<String>) -> String {
    const DEFAULT: &str = "production";
    const LONGEST_BYTES: usize = 250;
    let usable = |name: &String| name.len() <= LONGEST_BYTES && name.bytes().all(|byte| byte.is_ascii_graphic());
    match name {
        Some(name) if usable(&name) => name,
        Some(_) => {
            faults.push(format!(
                "ENVIRONMENT_NAME must be at most {LONGEST_BYTES} visible ASCII characters; {DEFAULT} is used"
            ));
            DEFAULT.into()
        }
        None => DEFAULT.into(),
    }
}

/// The names in a list that is separated by commas.
fn names(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// A link that a phone cannot open is worse than none: its reader would look for the fault at themselves.
fn desk_base_url(url: Option<String>, faults: &mut Vec<String>) -> Option<String> {
    let url = url?;
    let url = url.trim_end_matches('/');
    let is_host = |parsed: Url| parsed.has_host() && parsed.path() == "/" && parsed.query().is_none();
    let usable =
        (url.starts_with("https://") || url.starts_with("http://127.0.0.1:")) && Url::parse(url).is_ok_and(is_host);
    if !usable {
        faults.push("DESK_BASE_URL must be https://HOST without a path; there are no links to the desk".into());
    }
    usable.then(|| url.to_owned())
}

/// Each booking holds some connections and, at the services, some of their own invocations.
fn sweep_at_once(value: Option<String>, faults: &mut Vec<String>) -> usize {
    const DEFAULT: usize = 16;
    const MOST: usize = 100;
    let Some(value) = value else { return DEFAULT };
    value.parse().ok().filter(|bookings| (1..=MOST).contains(bookings)).unwrap_or_else(|| {
        faults.push(format!("SWEEP_AT_ONCE must be a whole number from 1 to {MOST}; {DEFAULT} is used"));
        DEFAULT
    })
}

/// Waiting for the calendar, then creating an event, and releasing the booking (a sixth of the answer's time) must fit into an answer, or
/// a slow calendar would keep crew from being told. What does not fit is shortened: the wait to a quarter, a call to half of the answer's
/// time.
fn fitting(answer_within: Duration, wait: Duration, call: Duration, faults: &mut Vec<String>) -> (Duration, Duration) {
    if answer_within / PART_FOR_THE_RELEASE + wait + call <= answer_within {
        return (wait, call);
    }
    let (shorter_wait, shorter_call) = (wait.min(answer_within / 4), call.min(answer_within / 2));
    faults.push(format!(
        "ANSWER_WITHIN_MS ({}) has no room for CREW_EVENT_WAIT_MS ({}) and CALL_TIMEOUT_MS ({}); {} and {} are used",
        answer_within.as_millis(),
        wait.as_millis(),
        call.as_millis(),
        shorter_wait.as_millis(),
        shorter_call.as_millis(),
    ));
    (shorter_wait, shorter_call)
}

impl Config {
    /// The part of an answer's time that is left for writing down what was done.
    pub(crate) fn kept_for_the_release(&self) -> Duration {
        self.answer_within / PART_FOR_THE_RELEASE
    }

    /// What a round needs at least: with less, nothing that creates could start.
    pub(crate) fn kept_for_a_round(&self) -> Duration {
        self.call_timeout + self.kept_for_the_release()
    }
}

impl GuestPageConfig {
    const DEFAULT_KEY: &str = "g/{charter_id}.html";

    fn from_vars(set: impl Fn(&str) -> Option<String>, faults: &mut Vec<String>) -> Self {
        let key = set("GUEST_PAGE_KEY").unwrap_or_else(|| Self::DEFAULT_KEY.into());
        let usable = key.contains("{charter_id}") && key.ends_with(".html") && !key.starts_with('/');
        if !usable {
            faults.push(format!(
                "GUEST_PAGE_KEY must hold {{charter_id}}, end in .html and not begin with /; {} is used",
                Self::DEFAULT_KEY
            ));
        }
        Self {
            bucket: set("GUEST_PAGE_BUCKET").unwrap_or_else(|| "queenofsandiego.com".into()),
            base_url: set("GUEST_PAGE_BASE_URL")
                .unwrap_or_else(|| "https://queenofsandiego.com".into())
                .trim_end_matches('/')
                .to_owned(),
            key: if usable { key } else { Self::DEFAULT_KEY.into() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_vars(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn only_the_ledger_and_the_prefix_of_the_secrets_must_be_there() {
        assert!(config(&[]).is_err());
        assert!(config(&[("SECRETS_PREFIX", "booking-webhook/")]).is_err_and(|error| error.0 == "LEDGER_TABLE"));
        let config = config(&[("SECRETS_PREFIX", "booking-webhook/"), ("LEDGER_TABLE", "ledger")]).expect("enough");
        assert_eq!(config.secrets_prefix, "booking-webhook");
        assert_eq!(
            (config.guest_page.key.as_str(), config.answer_within),
            ("g/{charter_id}.html", Duration::from_secs(10))
        );
        assert!(config.faults.is_empty());
    }

    #[test]
    fn a_typo_is_reported_and_replaced_by_the_default() {
        let typos = [
            ("SECRETS_PREFIX", "p"),
            ("LEDGER_TABLE", "l"),
            ("ANSWER_WITHIN_MS", "10s"),
            ("GUEST_PAGE_KEY", "/g/page.html"),
            ("ENVIRONMENT_NAME", "the stage"),
            ("SWEEP_AT_ONCE", "0"),
        ];
        let config = config(&typos).expect("enough");
        assert_eq!((config.faults.len(), config.sweep_at_once), (4, 16), "{:?}", config.faults);
        assert_eq!(config.environment, "production");
        assert_eq!(config.answer_within, Duration::from_secs(10));
        assert_eq!(config.guest_page.key, "g/{charter_id}.html");
    }

    #[test]
    fn the_desk_has_a_host_and_nothing_else() {
        for (url, usable) in [
            ("https://hooks.example.com", true),
            ("https://hooks.example.com/", true),
            ("http://127.0.0.1:8080", true),
            ("http://hooks.example.com", false),
            ("https://hooks.example.com/stage", false),
            ("https://", false),
            ("hooks.example.com", false),
        ] {
            let config = config(&[("SECRETS_PREFIX", "p"), ("LEDGER_TABLE", "l"), ("DESK_BASE_URL", url)]);
            let config = config.expect("enough");
            assert_eq!((config.desk_base_url.is_some(), config.faults.is_empty()), (usable, usable), "{url}");
        }
    }

    #[test]
    fn waiting_creating_and_letting_go_fit_into_an_answer() {
        for (answer, call, expected_wait, expected_call, faults) in [
            ("10000", "5000", 2_500, 5_000, 0),
            ("5001", "5000", 1_250, 2_500, 1),
            ("5000", "2500", 1_250, 2_500, 1),
            ("5000", "1000", 2_500, 1_000, 0),
            ("800", "5000", 200, 400, 1),
            ("10000", "0", 2_500, 5_000, 1),
            ("0", "5000", 2_500, 5_000, 1),
        ] {
            let set = [("SECRETS_PREFIX", "p"), ("LEDGER_TABLE", "l")];
            let times = [("ANSWER_WITHIN_MS", answer), ("CALL_TIMEOUT_MS", call)];
            let config = config(&[set, times].concat()).expect("enough");
            let budget = (config.crew_event_wait.as_millis(), config.call_timeout.as_millis(), config.faults.len());
            assert_eq!(budget, (expected_wait, expected_call, faults), "{answer} {call}: {:?}", config.faults);
        }
    }
}
