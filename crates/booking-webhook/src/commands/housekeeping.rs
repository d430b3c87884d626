//! Names and notes leave the ledger 13 months after the charter. A little in one sweep of each hour: what was done leaves the index of days.

use jiff::{Timestamp, ToSpan, civil::Date};

use crate::{
    outbound::{CallError, Deadline},
    runtime::app::App,
};

const KEPT_FOR_MONTHS: i64 = 13;
/// Months looked at: sweeps run every minute, and a function that stood still for longer has other worries.
const MONTHS_BACK: i64 = 2;
const MOST_BOOKINGS: i32 = 25;
/// The minute of the hour in which it is done.
const MINUTE: i8 = 17;

/// Takes names and notes out of bookings whose charter was long ago; answers of how many.
///
/// # Errors
/// [`CallError`] of the ledger; the next sweep goes on.
pub(crate) async fn forget_guests(app: &App, deadline: &Deadline) -> Result<usize, CallError> {
    let cutoff = deadline.now().to_zoned(app.operator.time_zone.clone()).saturating_sub(KEPT_FOR_MONTHS.months());
    let mut forgotten = 0;
    if cutoff.minute() != MINUTE {
        return Ok(forgotten);
    }
    for month in months_until(cutoff.date()) {
        let before = cutoff.timestamp();
        let due = app.ledger.starting(month, (Timestamp::UNIX_EPOCH, before), MOST_BOOKINGS, deadline).await?;
        for (booking_id, _) in due {
            let Some(record) = app.ledger.state(&booking_id, deadline).await? else { continue };
            // The index lags behind: a charter that was moved is not over.
            let is_over = record.sale.as_ref().is_none_or(|sale| sale.start < before);
            if is_over && app.ledger.forget_guest(&record, deadline).await? {
                forgotten += 1;
            }
        }
    }
    Ok(forgotten)
}

fn months_until(day: Date) -> impl Iterator<Item = Date> {
    (0..=MONTHS_BACK).map(move |back| day.first_of_month().saturating_sub(back.months()))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn months_are_looked_at_back_over_the_year() {
        let months: Vec<Date> = months_until(date(2032, 1, 31)).collect();
        assert_eq!(months, [date(2032, 1, 1), date(2031, 12, 1), date(2031, 11, 1)]);
    }
}
