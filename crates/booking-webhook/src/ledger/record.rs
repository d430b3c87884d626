//! Putting a snapshot on record.
//!
//! ```text
//! record ──▶ claimed     it is the newest, and no other invocation holds the booking
//!        └─▶ unclaimed   it is the newest, and the holder sees that seq has moved; or
//!                        a newer one that decides nothing came before it, and what it decides counts; or
//!                        another snapshot has its version, and one of the two prevails; or
//!                        it is no newer than what is on record, and changes nothing
//! ```

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{Timestamp, civil::Date};

use super::{
    BookingRecord, Claim, Decision, DeliveryId, LeaseRequest, Ledger, OfficeAct, RecordedContent, SnapshotVersion,
    Updated, digest,
    document::document,
    expression::{Condition, Update},
    milliseconds,
    notices::notice_due,
    number,
    queries::{MONTH, month},
    read,
    state::{DUE, STATUS},
    text,
    version::{Claimed, DECIDED, NEWEST, UNREVISED, VersionAttributes, prevails},
};
use crate::{
    booking::{BookingStatus, CharterId, Snapshot, Terms},
    outbound::{CallError, Deadline},
};

/// A snapshot to be recorded.
#[derive(Debug, Clone, Copy)]
pub struct NewSnapshot<'a> {
    /// What it says.
    pub snapshot: &'a Snapshot,
    /// Where it stands in the order.
    pub place: Place<'a>,
    /// The delivery that brought it.
    pub delivery: &'a DeliveryId,
    /// When that delivery came in first.
    pub received_at: Timestamp,
    /// Derived with the present link key; counts only if the booking has none yet.
    pub charter_id: &'a CharterId,
    /// What holds if nothing was settled yet.
    pub terms: Option<&'a Terms>,
    /// The day on which the calendar would show it, in the operator's zone.
    pub date: Option<Date>,
    /// Now.
    pub at: Timestamp,
    /// What a person decided who has it read again.
    pub note: Option<&'a OfficeAct>,
}

/// Where a snapshot stands in the order of a booking's snapshots.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// A sender's: by its version.
    Version(&'a SnapshotVersion),
    /// The same, read again on a person's word: at its own version it counts instead of what was read there before.
    ReadAgain(&'a SnapshotVersion),
    /// A person's entry: after everything that the person could know of, which is `seq`; `None` when the booking was not known.
    Entry {
        /// The record's `seq` when it was read.
        seq: Option<u64>,
    },
}

/// The outcome of a recording.
#[derive(Debug)]
pub enum RecordOutcome {
    /// It is recorded, and the booking is ours to bring in step.
    Claimed(Box<Claim>),
    /// It was not recorded: it is no newer than what is on record here, or another invocation is at work on the booking.
    /// [`Ledger::record_beside`] records the part of it that still counts.
    NotClaimed(Box<BookingRecord>),
}

impl Ledger {
    /// Records a snapshot and claims its booking, if it is newer than what is on record and the lease is free: one write,
    /// which also makes the booking due, so that from here on nothing can be lost.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used: nothing was promised then.
    pub async fn record(
        &self,
        new: &NewSnapshot<'_>,
        lease: &LeaseRequest,
        deadline: &Deadline,
    ) -> Result<RecordOutcome, CallError> {
        let booking_id = &new.snapshot.booking_id;
        let update = lease.claim(new.newest(None).on(new.is_newest()));
        let item = match self.update("record_and_claim", booking_id, &update, deadline).await? {
            Updated::Done(item) => return Ok(RecordOutcome::Claimed(Box::new(Claim::read(booking_id, &item)?))),
            Updated::Unfit(item) => item,
        };
        let record = read(booking_id, &item)?;
        Ok(if lease.is_held_in(&record) {
            // The answer to our own write was lost.
            RecordOutcome::Claimed(Box::new(Claim::read(booking_id, &item)?))
        } else {
            RecordOutcome::NotClaimed(Box::new(record))
        })
    }

    /// Puts on record what counts of a snapshot that [`Ledger::record`] could not claim the booking with; `None` when it is a person's
    /// entry and something newer came in meanwhile.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub async fn record_beside(
        &self,
        new: &NewSnapshot<'_>,
        record: BookingRecord,
        deadline: &Deadline,
    ) -> Result<Option<BookingRecord>, CallError> {
        let booking_id = &record.booking_id;
        if let Place::Entry { .. } = new.place {
            let update = due_now(new.newest(None), new.at).on(new.is_newest());
            return match self.update("record_entry", booking_id, &update, deadline).await? {
                Updated::Done(item) => read(booking_id, &item).map(Some),
                Updated::Unfit(_) => Ok(None),
            };
        }
        // What does not fit was there already, or something newer is by now.
        let write =
            async |operation, update: Update| match self.update(operation, booking_id, &update, deadline).await? {
                Updated::Done(item) | Updated::Unfit(item) => read(booking_id, &item),
            };
        let mut record = record.clone();
        if new.is_newer_than(&record) {
            record = write("record_newest", due_now(new.newest(None), new.at).on(new.is_newest())).await?;
        }
        // Else the last decision would depend on the order in which the two came in.
        if new.decides_after(&record) {
            record =
                write("record_decision", due_now(new.decision(Update::new()), new.at).on(new.decides_later())).await?;
        }
        if let Some(same) = new.same_version(&record) {
            let unchanged = Condition::equal("seq", number(record.seq));
            let update = match same {
                SameVersion::Counts { contradicts } => due_now(new.newest(Some(contradicts)), new.at),
                // Nothing is to be brought in step, so there is no release; the office hears of it all the same.
                SameVersion::Contradicts => notice_due(set_contradicted(Update::new(), true), new.at),
            };
            record = write("record_same_version", update.on(unchanged)).await?;
        }
        Ok(Some(record))
    }
}

/// The outcome of recording a snapshot that has the version on record and another content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SameVersion {
    /// It counts instead of the one on record.
    Counts { contradicts: bool },
    /// The one on record stays; a person should know.
    Contradicts,
}

impl NewSnapshot<'_> {
    fn version(&self) -> Option<&SnapshotVersion> {
        match self.place {
            Place::Version(version) | Place::ReadAgain(version) => Some(version),
            Place::Entry { .. } => None,
        }
    }

    /// The digest of what it says, by which a repeat is told from a contradiction.
    fn digest(&self) -> String {
        digest(&serde_json::to_vec(self.snapshot).expect("a snapshot has text keys and serialises"))
    }

    fn is_newest(&self) -> Condition {
        match self.place {
            Place::Version(version) | Place::ReadAgain(version) => version.newer_than_item(NEWEST),
            Place::Entry { seq: None } => Condition::Absent(STATUS),
            Place::Entry { seq: Some(seq) } => Condition::equal("seq", number(seq)),
        }
    }

    fn is_newer_than(&self, record: &BookingRecord) -> bool {
        match self.version() {
            Some(version) => version.is_newer_than(record.version.as_ref(), record.unrevised),
            None => true,
        }
    }

    /// Whether it decides something later than what was decided last, although it is not the newest.
    fn decides_after(&self, record: &BookingRecord) -> bool {
        let Some(version) = self.version() else { return false };
        let decides = self.snapshot.status != BookingStatus::Inconclusive;
        // What a person entered came after everything that was on record then.
        let later = |decision: &Decision| match &decision.version {
            None => false,
            decided => version.is_newer_than(decided.as_ref(), record.unrevised),
        };
        decides && record.decision.as_ref().is_none_or(later)
    }

    fn decides_later(&self) -> Condition {
        let by_nobody = Condition::Absent("decided_status");
        let version = self.version().expect("only a sender's snapshot is recorded late");
        by_nobody.or(Condition::Present(DECIDED.changed_at).and(version.newer_than_item(DECIDED)))
    }

    fn same_version(&self, record: &BookingRecord) -> Option<SameVersion> {
        let (version, recorded, content) = (self.version()?, record.version.as_ref()?, record.content.as_ref()?);
        let digest = self.digest();
        if digest == content.digest || !version.is_same_place_as(recorded, record.unrevised) {
            return None;
        }
        // The same delivery: the mapping was mended since, and what it reads now is what the sender said.
        if matches!(self.place, Place::ReadAgain(_)) || content.delivery == self.delivery.to_string() {
            return Some(SameVersion::Counts { contradicts: record.contradicted });
        }
        let RecordedContent { digest: recorded_digest, received_at, .. } = content;
        let cancelled = |status| status == BookingStatus::Cancelled;
        let new =
            Claimed { cancelled: cancelled(self.snapshot.status), received_at: self.received_at, digest: &digest };
        let recorded =
            Claimed { cancelled: cancelled(record.status), received_at: *received_at, digest: recorded_digest };
        let counts = prevails(new, recorded);
        Some(if counts { SameVersion::Counts { contradicts: true } } else { SameVersion::Contradicts })
    }

    /// The update that makes this snapshot the newest on record, and says whether one of the same version `contradicts` it.
    fn newest(&self, contradicts: Option<bool>) -> Update {
        let update = Update::new()
            .set(STATUS, text(self.snapshot.status.name()))
            .set_if_absent("charter_id", text(self.charter_id.as_str()));
        let update = match self.version() {
            // An entry leaves the sender's order as it is.
            None => update,
            Some(version) => {
                let update = match version.revision {
                    Some(_) => update.copy("previous_revision", NEWEST.revision, number(0)),
                    None => update.set(UNREVISED, AttributeValue::Bool(true)),
                };
                let update = set_version(update, NEWEST, version)
                    .set("digest", text(self.digest()))
                    .set("received_at", milliseconds(self.received_at))
                    .set("delivery", text(self.delivery.to_string()));
                set_contradicted(update, contradicts.unwrap_or_default())
            }
        };
        self.decision(update)
    }

    /// The update that puts on record what this snapshot decides, if anything.
    fn decision(&self, update: Update) -> Update {
        let mut update = update.increment("seq");
        if let Some(act) = self.note {
            update = act.noted(update);
        }
        if self.snapshot.status != BookingStatus::Inconclusive {
            let at = self.version().map_or(self.received_at, |version| version.changed_at.at());
            update = update
                .set("decided_status", text(self.snapshot.status.name()))
                .set("decided_at", milliseconds(at))
                .set("recorded_at", milliseconds(self.at))
                .set_one_more_than("decided_seq", "seq");
            update = match self.version() {
                Some(version) => set_version(update, DECIDED, version),
                None => update.remove(&[DECIDED.revision, DECIDED.changed_at]),
            };
        }
        if let Some(sale) = &self.snapshot.sale {
            update = update.set("sale", document(sale)).set("starts_at", milliseconds(sale.start));
            update = match &self.snapshot.replaces {
                Some(replaced) => update.set("replaces", text(replaced.as_str())),
                None => update.remove(&["replaces"]),
            };
        }
        if self.snapshot.status == BookingStatus::Cancelled {
            update = update.set_if_absent("cancelled_at", milliseconds(self.at));
        }
        if let Some(terms) = self.terms {
            update = update.set_if_absent("terms", document(terms));
        }
        match self.date {
            Some(date) => update.add("dates", AttributeValue::Ss(vec![date.to_string()])).set(MONTH, text(month(date))),
            None => update,
        }
    }
}

fn set_contradicted(update: Update, contradicted: bool) -> Update {
    if contradicted { update.set("contradicted", AttributeValue::Bool(true)) } else { update.remove(&["contradicted"]) }
}

fn set_version(update: Update, attributes: VersionAttributes, version: &SnapshotVersion) -> Update {
    let update = update.set(attributes.changed_at, text(version.changed_at.as_str()));
    match version.revision {
        Some(revision) => update.set(attributes.revision, number(revision)),
        None => update.remove(&[attributes.revision]),
    }
}

/// Due at once, even if the booking waited for a later time.
fn due_now(update: Update, now: Timestamp) -> Update {
    update.set("due", text(DUE)).set("due_at", milliseconds(now)).set_if_absent("due_since", milliseconds(now))
}
