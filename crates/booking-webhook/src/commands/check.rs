//! Whether everything that the function needs is there and lets it in: for after a deployment, or when a secret was rotated.
//!
//! It creates nothing at the calendar or at SCC and mails nobody. What it writes is one page of its own, the canary's, for a charter
//! id that no booking can get (whether pages can be published cannot be told without publishing one), and the page for links that lead
//! nowhere, which belongs to no booking. It asks for no permission that a booking does not need.

mod guest_pages;

use std::collections::BTreeSet;

use http::StatusCode;
use jiff::civil::date;
use serde::Serialize;
use serde_json::json;

use self::guest_pages::guests;
use crate::{
    booking::{BookingId, CharterId, Operator},
    inbound::Senders,
    outbound::{CallError, Class, Deadline},
    reconcile::retry::credentials,
    response::Reply,
    runtime::app::{App, senders},
    runtime::config::FileError,
    runtime::secrets::SecretsError,
    runtime::telemetry::with_causes,
    systems::remote_id::EventId,
};

/// What was looked at, and what was found.
#[derive(Debug, Clone, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    detail: String,
    /// What to do, if it is not right.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Looks at everything, all at once. The status is 200 when all is right, else 503; a direct invocation reads `ok`.
pub(crate) async fn check(app: &App, deadline: &Deadline) -> Reply {
    // Before the rest: what the services are shown is what is stored now, not what this process once read.
    let secrets = secrets(app, deadline).await;
    let (files, operator) = files(app, deadline).await;
    let operator = operator.as_ref().unwrap_or(&app.operator);
    let (ledger, services, guests, office) = tokio::join!(
        ledger(app, deadline),
        services(app, deadline),
        guests(app, operator, deadline),
        office(app, deadline),
    );
    let checks: Vec<Check> = [environment(app), secrets]
        .into_iter()
        .chain(files)
        .chain(ledger)
        .chain(services)
        .chain(guests)
        .chain([office])
        .collect();
    let failed: Vec<&str> = checks.iter().filter(|check| !check.ok).map(|check| check.name).collect();
    if failed.is_empty() {
        tracing::info!("checked: everything is right");
    } else {
        tracing::warn!(?failed, "checked: something is not right");
    }
    let ok = failed.is_empty();
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Reply::Report { status, document: json!({ "ok": ok, "status": status.as_u16(), "checks": checks }) }
}

impl Check {
    fn right(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, ok: true, detail: detail.into(), next: None }
    }

    fn wrong(name: &'static str, detail: impl Into<String>, next: impl Into<String>) -> Self {
        Self { name, ok: false, detail: detail.into(), next: Some(next.into()) }
    }

    /// A denial has a `next` of its own; every other failure has `next`.
    fn of(name: &'static str, outcome: Result<impl Into<String>, CallError>, next: &str) -> Self {
        match outcome {
            Ok(detail) => Self::right(name, detail),
            Err(error) => Self::failed(name, &error, next),
        }
    }

    fn failed(name: &'static str, error: &CallError, next: &str) -> Self {
        let next = match error.class {
            Class::Denied => credentials(error.call.service),
            Class::Transient | Class::Unknown { .. } | Class::Unreadable | Class::Refused => next,
        };
        Self::wrong(name, error.to_string(), next)
    }
}

fn environment(app: &App) -> Check {
    match &*app.config.faults {
        [] => Check::right("environment", "every variable can be used"),
        faults => Check::wrong("environment", faults.join("; "), "Mend these variables of the function"),
    }
}

async fn secrets(app: &App, deadline: &Deadline) -> Check {
    match app.secrets.refresh(deadline).await {
        Ok(secrets) if secrets.faults.is_empty() => Check::right("secrets", "all of them were read just now"),
        Ok(secrets) => {
            let faults: Vec<String> = secrets.faults.iter().map(ToString::to_string).collect();
            Check::wrong("secrets", faults.join("; "), "Mend these secrets in Secrets Manager, then check again")
        }
        Err(SecretsError::Unreachable { source, .. }) => Check::failed("secrets", &source, "Check again in a minute"),
        Err(error) => Check::wrong("secrets", error.to_string(), "Mend these secrets in Secrets Manager"),
    }
}

/// The operator's file and the senders' mappings, and what the former says today.
async fn files(app: &App, deadline: &Deadline) -> ([Check; 2], Option<Operator>) {
    let files = app.files(deadline);
    let (operator, senders) = tokio::join!(
        files.load("OPERATOR_FILE", app.config.operator_file.as_ref(), Operator::parse),
        senders(&files, &app.config),
    );
    ([file("operator_file", &operator), mappings(&senders)], operator.ok().flatten())
}

fn mappings(senders: &Senders) -> Check {
    let faults = Vec::from_iter(senders.faults());
    if faults.is_empty() {
        let names: Vec<&str> = senders.all().map(|sender| sender.name.as_str()).collect();
        return Check::right(
            "mappings",
            format!("can be read, of: {}; in use is what the last cold start read", names.join(", ")),
        );
    }
    let next = "Mend them, or the function's right to list and get them, before the next cold start: these senders' deliveries would be quarantined";
    Check::wrong("mappings", faults.join("; "), next)
}

fn file<T>(name: &'static str, loaded: &Result<Option<T>, FileError>) -> Check {
    match loaded {
        Ok(Some(_)) => Check::right(name, "can be read; in use is what the last cold start read"),
        Ok(None) => Check::right(name, "none is configured: the compiled-in defaults apply"),
        Err(error) => {
            let next = "Mend the file, or the function's right to GetObject on it, before the next cold start: every delivery would be quarantined";
            Check::wrong(name, with_causes(error), next)
        }
    }
}

async fn ledger(app: &App, deadline: &Deadline) -> [Check; 2] {
    let nobody = BookingId::parse(CharterId::canary().as_str()).expect("eight digits are an identifier");
    let (item, backlog) = tokio::join!(app.ledger.state(&nobody, deadline), app.ledger.backlog(deadline));
    let backlog = backlog.map(|waits| {
        format!(
            "bookings due: {}, parked: {}; deliveries in quarantine: {}",
            waits.due, waits.parked, waits.quarantined
        )
    });
    let next =
        "Compare LEDGER_TABLE with the stack's output LedgerTable; the table must be the template's, with its index";
    [Check::of("ledger", item.map(|_| "answers in its own table"), next), Check::of("ledger_index", backlog, next)]
}

/// Whether anybody hears of what needs a person.
async fn office(app: &App, deadline: &Deadline) -> Check {
    const NOTICES: &str = "notices";
    let Some(notices) = app.notices() else {
        return Check::right(NOTICES, "no NOTICES_TOPIC is set: what the office should hear is a line of the log");
    };
    let subscribers = notices.subscribers(deadline).await;
    let next = "Subscribe the office's address to the topic and confirm the mail that it gets (docs/deploy.md); if the topic is not found, compare NOTICES_TOPIC";
    Check::of(NOTICES, subscribers.map(|confirmed| format!("{confirmed} confirmed subscriptions")), next)
}

async fn services(app: &App, deadline: &Deadline) -> [Check; 3] {
    // A day long past, and an event that does not exist.
    let day = BTreeSet::from([date(2000, 1, 1)]);
    let nobodys = EventId::from(&CharterId::canary());
    let (calendar, scc) = (app.calendar(), app.scc());
    let (entries, key, items) = tokio::join!(
        calendar.find(nobodys.as_str(), &day, deadline),
        scc.check_key(&nobodys, deadline),
        scc.check_table(&nobodys, deadline),
    );
    [
        Check::of(
            "calendar",
            entries.map(|_| "takes our token"),
            "Compare url in the calendar secret with its API Gateway's, stage included; if it is right, look whether the service works",
        ),
        Check::of(
            "scc",
            key.map(|()| "takes our service key, and no request without one"),
            "Compare url in the scc secret with its API Gateway's, stage included; if it is right, look whether the service works",
        ),
        Check::of(
            "scc_events",
            items.map(|()| "can be queried by event_id"),
            "Compare SCC_EVENTS_TABLE with SCC's table, and the function's region with the table's",
        ),
    ]
}
