//! What the office has to tell the guest, because the marketplace's chat takes no message of ours. Pure.

use jiff::Timestamp;

use super::desired::{DesiredState, news};
use crate::{
    booking::{GuestMessage, News},
    ledger::BookingRecord,
};

/// The message for the guest as things stand, ready to paste. `None` as long as nobody knows what to tell them, and when a charter is off
/// of which no guest can know.
pub(crate) fn guest_message(desired: &DesiredState, record: &BookingRecord, guest_page: &str) -> Option<String> {
    let (booking, news) = match desired {
        DesiredState::Confirmed(booking) => (booking, news(booking, record)),
        DesiredState::Cancelled(booking) if guest_may_know(record) => (booking, News::Cancelled),
        DesiredState::Cancelled(_) | DesiredState::Nothing | DesiredState::NeedsDecision(_) => return None,
    };
    let message =
        GuestMessage { charter: &booking.charter, operator_name: &booking.office.operator_name, guest_page, news };
    Some(message.text())
}

/// The message that reaches the office by mail: a cancelled charter has no calendar entry any more in which it could stand. After the
/// charter's end it is nobody's news.
pub(super) fn by_mail(
    desired: &DesiredState,
    record: &BookingRecord,
    guest_page: &str,
    now: Timestamp,
) -> Option<String> {
    let is_off = matches!(desired, DesiredState::Cancelled(_)) && now < desired.ends();
    is_off.then(|| guest_message(desired, record, guest_page)).flatten()
}

/// The page is or may be there, or the office could paste the link out of the calendar entry.
fn guest_may_know(record: &BookingRecord) -> bool {
    let (calendar, guest_page) = (&record.journal.calendar, &record.journal.guest_page);
    guest_page.may_show_something() || calendar.may_show_something() || calendar.step.generation > 0
}
