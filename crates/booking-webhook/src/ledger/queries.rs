//! Which bookings are due, and everything about one of them.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use jiff::{Timestamp, civil::Date};

use super::{
    BookingRecord, DeliveryId, Item, Ledger, NoticeOf, call,
    document::document,
    expression::{Condition, Update},
    keys::{ItemKey, booking_of, booking_partition, delivery_of, pointed_to, pointers},
    milliseconds, number,
    overlaps::OVERLAPS,
    read,
    state::{DUE, PARKED, QUARANTINED, instant, is_known},
    text,
};
use crate::{
    booking::{BookingId, BookingStatus, CharterId},
    outbound::{Answered, CallError, Deadline, from_sdk},
};

const INDEX: &str = "due";
const BY_DAY: &str = "by_day";
/// The partition of the index `by_day`: a month at the dock, `2031-05`.
pub(super) const MONTH: &str = "day_partition";
/// Of a megabyte each, bodies counted: hundreds of deliveries of one booking.
const MOST_PAGES: usize = 8;

/// How much waits, and for whom. Of each kind as many are counted as one page of the index holds, some thousands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Bookings that will be tried again.
    pub due: usize,
    /// Since when the first of them was due.
    pub due_since: Option<Timestamp>,
    /// Bookings of which a step waits for a person, whether or not another one is due.
    pub parked: usize,
    /// Deliveries that could not be read, and were not replayed.
    pub quarantined: usize,
}

/// One delivery in a booking's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliverySummary {
    /// Its name, for a replay.
    pub id: DeliveryId,
    /// When it came in.
    pub(crate) received_at: Timestamp,
    /// What it said.
    pub(crate) says: Option<BookingStatus>,
    /// When the booking changed, by the sender.
    pub(crate) as_of: Option<Timestamp>,
}

/// What waits, by the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// For time.
    Due,
    /// For a person.
    Parked,
    /// For a mended mapping, or for a person.
    Quarantined,
}

impl Waiting {
    fn partition(self) -> &'static str {
        match self {
            Self::Due => DUE,
            Self::Parked => PARKED,
            Self::Quarantined => QUARANTINED,
        }
    }
}

/// The month in which a day is.
pub(super) fn month(day: Date) -> String {
    format!("{:04}-{:02}", day.year(), day.month())
}

/// The outcome of one request.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) items: Vec<Item>,
    /// The last item that was read; `None` when there is no other page.
    last: Option<Item>,
}

impl Ledger {
    /// At most `most` bookings whose time has come, the longest due first. The index is eventually consistent and sparse: a claim checks
    /// again, and the cost grows with what is due, not with what is stored.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub async fn due(&self, now: Timestamp, most: i32, deadline: &Deadline) -> Result<Vec<BookingId>, CallError> {
        let due = |query: QueryFluentBuilder| {
            query
                .index_name(INDEX)
                .limit(most)
                .key_condition_expression("due = :due AND due_at <= :now")
                .expression_attribute_values(":due", text(DUE))
                .expression_attribute_values(":now", milliseconds(now))
        };
        Ok(self.query("query_due", None, deadline, due).await?.items.iter().filter_map(booking_of).collect())
    }

    /// How much waits, now or later. The cost grows with that.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub async fn backlog(&self, deadline: &Deadline) -> Result<Backlog, CallError> {
        let waiting = |kind: &'static str| {
            let of_kind = move |query: QueryFluentBuilder| {
                query
                    .index_name(INDEX)
                    .key_condition_expression("due = :kind")
                    .projection_expression("due, due_since, parked_at")
                    .expression_attribute_values(":kind", text(kind))
            };
            self.query("query_backlog", None, deadline, of_kind)
        };
        // One after the other, over one connection.
        let (due, parked, quarantined) = (waiting(DUE).await?, waiting(PARKED).await?, waiting(QUARANTINED).await?);
        let due = due.items;
        let also_parked = due.iter().filter(|item| item.contains_key("parked_at")).count();
        Ok(Backlog {
            due: due.len(),
            due_since: due.iter().filter_map(|item| instant(item, "due_since")).min(),
            parked: parked.items.len() + also_parked,
            quarantined: quarantined.items.len(),
        })
    }

    /// At most `most` bookings that wait, or deliveries: what has waited longest first.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub(crate) async fn waiting(
        &self,
        waits: Waiting,
        most: i32,
        deadline: &Deadline,
    ) -> Result<Vec<NoticeOf>, CallError> {
        let of_kind = |query: QueryFluentBuilder| {
            query
                .index_name(INDEX)
                .limit(most)
                .key_condition_expression("due = :kind")
                .expression_attribute_values(":kind", text(waits.partition()))
        };
        let key =
            |item: &Item| booking_of(item).map(NoticeOf::Booking).or_else(|| delivery_of(item).map(NoticeOf::Delivery));
        Ok(self.query("query_waiting", None, deadline, of_kind).await?.items.iter().filter_map(key).collect())
    }

    /// At most `most` bookings whose charter starts in the month of `day`, and from `from` until before `to`, each with that start: the
    /// earliest first.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub(crate) async fn starting(
        &self,
        day: Date,
        (from, to): (Timestamp, Timestamp),
        most: i32,
        deadline: &Deadline,
    ) -> Result<Vec<(BookingId, Timestamp)>, CallError> {
        let in_month = |query: QueryFluentBuilder| {
            query
                .index_name(BY_DAY)
                .limit(most)
                .key_condition_expression("day_partition = :month AND starts_at BETWEEN :from AND :to")
                .expression_attribute_values(":month", text(month(day)))
                .expression_attribute_values(":from", milliseconds(from))
                .expression_attribute_values(":to", milliseconds(to))
        };
        let items = self.query("query_by_day", None, deadline, in_month).await?.items;
        Ok(items.iter().filter_map(|item| Some((booking_of(item)?, instant(item, "starts_at")?))).collect())
    }

    /// Takes the guest's name and notes out of a booking, and the booking out of the index of days: only what it cost and when it was
    /// stays. `false` when somebody is at work on it.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub(crate) async fn forget_guest(&self, record: &BookingRecord, deadline: &Deadline) -> Result<bool, CallError> {
        let unchanged =
            Condition::equal("seq", number(record.seq)).and(Condition::equal("fence", number(record.fence)));
        let update =
            Update::new().remove(&[MONTH, "starts_at", OVERLAPS]).on(unchanged.and(Condition::Absent("holder")));
        let update = match &record.sale {
            Some(sale) => update.set("sale", document(&sale.clone().without_guest())),
            None => update,
        };
        self.write("forget_guest", &ItemKey::State(&record.booking_id), &update, deadline).await
    }

    /// The booking that has a charter id.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub(crate) async fn booking_with(
        &self,
        charter_id: &CharterId,
        deadline: &Deadline,
    ) -> Result<Option<BookingId>, CallError> {
        let item = self.get("get_reservation", &ItemKey::Reservation(charter_id), deadline).await?;
        Ok(item.and_then(|item| BookingId::parse(item.get("booking_id")?.as_s().ok()?).ok()))
    }

    /// What the ledger knows about a booking.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub async fn state(&self, booking_id: &BookingId, deadline: &Deadline) -> Result<Option<BookingRecord>, CallError> {
        let item = self.get("get_state", &ItemKey::State(booking_id), deadline).await?;
        item.filter(is_known).map(|item| read(booking_id, &item)).transpose()
    }

    /// An item as it is now.
    pub(super) async fn get(
        &self,
        operation: &'static str,
        key: &ItemKey<'_>,
        deadline: &Deadline,
    ) -> Result<Option<Item>, CallError> {
        let call = call(operation);
        let once = || async {
            let get = self.client.get_item().table_name(&self.table).consistent_read(true);
            let answer = get.set_key(Some(key.item())).send().await.map_err(|error| from_sdk(call, error))?;
            Ok(Answered::ok(answer.item))
        };
        self.outbound.attempts(call, deadline, once).await
    }

    /// The deliveries of a booking that are still kept, the oldest first. They are sorted here: the ledger sorts them by their names.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub async fn deliveries(
        &self,
        booking_id: &BookingId,
        deadline: &Deadline,
    ) -> Result<Vec<DeliverySummary>, CallError> {
        let of_booking = |query: QueryFluentBuilder| {
            query
                .consistent_read(true)
                .key_condition_expression("pk = :booking AND begins_with(sk, :delivery)")
                .projection_expression("delivery, received_at, says, as_of")
                .expression_attribute_values(":booking", booking_partition(booking_id))
                .expression_attribute_values(":delivery", pointers())
        };
        let (mut deliveries, mut after) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let page = self.query("query_deliveries", after, deadline, of_booking).await?;
            deliveries.extend(page.items.iter().filter_map(summary));
            after = page.last;
            if after.is_none() {
                break;
            }
        }
        deliveries.sort_by_key(|delivery| delivery.received_at);
        Ok(deliveries)
    }

    /// One page of at most a megabyte, from the beginning or `after` another page's last item.
    pub(super) async fn query(
        &self,
        operation: &'static str,
        after: Option<Item>,
        deadline: &Deadline,
        build: impl Fn(QueryFluentBuilder) -> QueryFluentBuilder,
    ) -> Result<Page, CallError> {
        let call = call(operation);
        let once = || async {
            let query = self.client.query().table_name(&self.table).set_exclusive_start_key(after.clone());
            let answer = build(query).send().await.map_err(|error| from_sdk(call, error))?;
            let page = Page { items: answer.items.unwrap_or_default(), last: answer.last_evaluated_key };
            Ok(Answered::ok(page))
        };
        self.outbound.attempts(call, deadline, once).await
    }
}

fn summary(item: &Item) -> Option<DeliverySummary> {
    let says = item.get("says").and_then(|says| BookingStatus::parse(says.as_s().ok()?));
    let received_at = instant(item, "received_at")?;
    Some(DeliverySummary { id: pointed_to(item)?, received_at, says, as_of: instant(item, "as_of") })
}
