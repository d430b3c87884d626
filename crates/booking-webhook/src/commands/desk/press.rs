//! A button: first it asks, then it acts, once, in the state in which it was drawn.

use http::StatusCode;
use serde_json::json;

use super::{
    Refusal, Visit,
    buttons::{self, Button},
    case::Case,
    entry, not_taken,
    noting::{field, moved_on, note},
    show, wrong_button,
};
use crate::{
    commands::{approve::approve, dismiss::dismiss, door::Door, replay::replay},
    response::{Problem, Reply},
    systems::office::{
        desk_page::{ConcernView, ConfirmPage, DeskPage},
        desk_token::{DeskAction, DeskToken, Grant, Press},
    },
};

/// A form of the desk is small; the gateway takes ten megabytes.
const LARGEST_FORM_BYTES: usize = 32 * 1024;
const NO_REASON: &str = "no reason given";

/// What the button is about to do. Changes nothing.
pub(super) async fn ask(visit: &Visit<'_>, sealed: &str) -> Result<Reply, Refusal> {
    let press = opened(visit, sealed)?;
    let case = Case::load(visit).await?;
    let button = still_good(visit, &case, press)?;
    if press.action == DeskAction::EnterIt {
        return Ok(show(visit.app, StatusCode::OK, &entry::form(visit, &case).await?));
    }
    let told = case.told(visit);
    let concerns = told.concerns.into_iter();
    let concerns = concerns.map(|concern| ConcernView { what: format!("It {}", concern.what), next: concern.next });
    let page = DeskPage::Confirm(ConfirmPage {
        label: button.label,
        hint: button.hint,
        heading: told.heading,
        concerns: concerns.collect(),
        asks_why: press.action == DeskAction::LeaveIt,
        back: visit.path.clone(),
    });
    Ok(show(visit.app, StatusCode::OK, &page))
}

/// Does what the button says, if the case is as it was when the button was drawn.
pub(super) async fn press(visit: &Visit<'_>, sealed: &str, form: &[u8]) -> Result<Reply, Refusal> {
    let press = opened(visit, sealed)?;
    if form.len() > LARGEST_FORM_BYTES {
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "Nothing was done", "The form is too large."));
    }
    if let Some(fault) = visit.app.operator_fault.as_ref().filter(|_| press.action != DeskAction::LeaveIt) {
        let words = format!("The operator file cannot be used: {fault}. Have it mended first.");
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "Nothing was done", words).back_to(visit));
    }
    let case = Case::load(visit).await?;
    let button = still_good(visit, &case, press)?;
    if press.action == DeskAction::EnterIt {
        return entry::enter_it(visit, &case, button, form).await;
    }
    let why = field(form, "why").unwrap_or_else(|| NO_REASON.to_owned());
    let message = case.message(visit).filter(|_| press.action == DeskAction::Sent);
    let what = match press.action {
        DeskAction::LeaveIt => format!("{}: {why}", button.label),
        DeskAction::Sent => "message sent to the guest".to_owned(),
        DeskAction::TryAgain | DeskAction::Approve | DeskAction::EnterIt => button.label.to_owned(),
    };
    note(visit, &case, what, message.as_deref()).await?;
    carry_out(visit, &case, press, &why).await.map_err(|problem| Refusal::from(problem).back_to(visit))?;
    Ok(Reply::SeeOther(visit.path.clone()))
}

/// By the very same commands as a direct invocation.
async fn carry_out(visit: &Visit<'_>, case: &Case, press: Press, why: &str) -> Result<(), Problem> {
    let (app, deadline, door) = (visit.app, visit.deadline, Door::Desk(&visit.link));
    let named = match case {
        Case::Booking(on_record) => json!({ "booking_id": on_record.record.booking_id.as_str() }),
        Case::Delivery { id, .. } => json!({ "delivery_id": id.to_string() }),
    };
    let with = |key: &str, value: serde_json::Value| {
        let mut request = named.clone();
        request[key] = value;
        request
    };
    match press.action {
        DeskAction::TryAgain => Box::pin(replay(app, &named, door, deadline)).await?,
        DeskAction::Approve => {
            Box::pin(approve(app, &with("decided_seq", json!(press.seen.decided_seq)), door, deadline)).await?
        }
        DeskAction::LeaveIt => dismiss(app, &with("why", json!(why)), door, deadline).await?,
        DeskAction::EnterIt | DeskAction::Sent => return Ok(()),
    };
    Ok(())
}

/// The button that this token is for: of this page, in time.
fn opened(visit: &Visit<'_>, sealed: &str) -> Result<Press, Refusal> {
    let token = DeskToken::open(&visit.key, sealed, visit.now).map_err(|error| not_taken(error, Some(visit)))?;
    let Grant::Press(press) = token.grants else { return Err(wrong_button().back_to(visit)) };
    if token.subject != visit.subject {
        return Err(wrong_button().back_to(visit));
    }
    Ok(press)
}

/// The button as it is drawn now, if the case is as it was.
fn still_good(visit: &Visit<'_>, case: &Case, press: Press) -> Result<Button, Refusal> {
    if case.seen() != press.seen {
        return Err(moved_on(visit, case, press.seen));
    }
    let mut drawn = case.buttons(visit);
    drawn.extend(case.message(visit).map(|_| buttons::sent()));
    let button = drawn.into_iter().find(|button| button.action == press.action);
    button.ok_or_else(|| moved_on(visit, case, press.seen))
}
