//! What the office has to tell the guest, because the marketplace's chat takes no message of ours. Pure.

use super::desired::{DesiredState, news};
use crate::{
    booking::{GuestMessage, News},
    ledger::BookingRecord,
};

/// The message for the guest as things stand, ready to paste. `None` as long as nobody knows what to tell them, and when a charter that
/// never had a page is off.
pub(crate) fn guest_message(desired: &DesiredState, record: &BookingRecord, guest_page: &str) -> Option<String> {
    let (booking, news) = match desired {
        DesiredState::Confirmed(booking) => (booking, news(booking, record)),
        DesiredState::Cancelled(booking) if record.journal.guest_page.shown.is_some() => (booking, News::Cancelled),
        DesiredState::Cancelled(_) | DesiredState::Nothing | DesiredState::NeedsDecision(_) => return None,
    };
    let message =
        GuestMessage { charter: &booking.charter, operator_name: &booking.office.operator_name, guest_page, news };
    Some(message.text())
}
