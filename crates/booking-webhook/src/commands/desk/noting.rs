//! What the office is about to do is written down first: of two people who act on the same sight of a case, one does.

use http::StatusCode;

use super::{Refusal, Visit, case::Case};
use crate::{
    ledger::{OfficeAct, digest},
    response::ledger_unavailable,
    systems::office::desk_token::Seen,
};

/// What happened since the button was drawn.
pub(super) fn moved_on(visit: &Visit<'_>, case: &Case, seen: Seen) -> Refusal {
    let now = case.seen();
    let mut words = Vec::new();
    if now.acts != seen.acts {
        words.extend(case.last_act(visit));
    }
    if now.decided_seq != seen.decided_seq {
        words.push("Something newer came in from the marketplace.".to_owned());
    }
    if let Case::Delivery { found, .. } = case {
        words.extend(found.closed_because.as_ref().map(|because| format!("It is over: {because}.")));
    }
    if words.is_empty() {
        words.push("This is not needed any more.".to_owned());
    }
    words.push("You did nothing: look at the case as it is now, then decide.".to_owned());
    let mut refusal = Refusal::new(StatusCode::CONFLICT, "Something happened meanwhile", String::new());
    refusal.page.words = words;
    refusal.back_to(visit)
}

/// Writes down what the office is about to do. Of two people who press at once, one gets past this.
pub(super) async fn note(visit: &Visit<'_>, case: &Case, what: String, message: Option<&str>) -> Result<(), Refusal> {
    let message = message.map(|text| digest(text.as_bytes()));
    let act = OfficeAct { at: visit.now, what, by: visit.link.clone(), message };
    let (ledger, deadline) = (&visit.app.ledger, visit.deadline);
    let noted = match case {
        Case::Booking(on_record) => ledger.act_on_booking(&on_record.record, &act, deadline).await,
        Case::Delivery { id, found } => ledger.act_on_delivery(id, found, &act, deadline).await,
    };
    if noted.map_err(ledger_unavailable)? {
        tracing::info!(link = visit.link, "the office acts at its desk");
        return Ok(());
    }
    let newer = Case::load(visit).await?;
    if newer.seen() != case.seen() {
        return Err(moved_on(visit, &newer, case.seen()));
    }
    let words = "It is being worked on just now. Nothing was done: look again in a minute.";
    Err(Refusal::new(StatusCode::CONFLICT, "One moment", words).back_to(visit))
}

/// What a form says in one of its fields; `None` when nothing.
pub(super) fn field(form: &[u8], name: &str) -> Option<String> {
    let value = form_urlencoded::parse(form).find(|(key, _)| key == name)?.1.trim().to_owned();
    (!value.is_empty()).then_some(value)
}
