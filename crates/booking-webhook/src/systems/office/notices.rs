//! What the office is mailed when a booking or a delivery begins to need a person, and when that is over.
//!
//! Plain words, the dock's time, the guest's first name; never a token, a key or a guest's address. A notice may come twice and is never
//! lost, so the words say how things are and not what has just happened.

use jiff::Zoned;

use crate::outbound::{Answered, Call, CallError, Class, Deadline, Effect, Outbound, Service, from_sdk};

const PUBLISH: Call = Call { service: Service::Notices, operation: "publish_notice", effect: Effect::Repeatable };
const SUBSCRIBERS: Call =
    Call { service: Service::Notices, operation: "list_subscriptions", effect: Effect::Repeatable };
/// More than these in one sweep would fill a mailbox: they become one mail.
const MOST_MAILS: usize = 10;
/// SNS takes fewer than 100 characters, ASCII alone.
const LONGEST_SUBJECT_CHARACTERS: usize = 99;
/// SNS answers 'PendingConfirmation' where an ARN will be.
const ARN: &str = "arn:";

/// A booking or a delivery, and why a person must look at it, if so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    /// Its id, for the subject of a mail.
    pub(crate) id: String,
    /// Who and when: `BS-1048813 · Dana · Wed Dec 9, 2:00 PM`.
    pub(crate) heading: String,
    /// Everything that a person should look at; empty when nothing is.
    pub(crate) concerns: Vec<Concern>,
    /// Who has the booking despite the concerns, or how the case ended: `Crew and guest have it.`
    pub(crate) besides: String,
    /// What the office is to tell the guest, ready to paste.
    pub(crate) guest_message: Option<String>,
}

/// One thing that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Concern {
    /// What is the matter, as the heading's predicate: `is not in the calendar: …`.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) next: String,
}

/// What is new for the office.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It has not heard of the case.
    Begins,
    /// It knows the case; something about it is different now.
    Changed,
    /// Nothing is left that needs a person.
    Over,
    /// The charter is off, as it should be, and its guest is to be told.
    Cancelled,
}

/// One case, and what is new about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    /// How the case stands.
    pub(crate) case: Case,
    /// What is new.
    pub(crate) change: Change,
    /// Where the office sees the case and decides.
    pub(crate) desk: DeskWay,
}

/// Where the office sees a case and decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum DeskWay {
    /// Nowhere, and nothing is said of it.
    #[default]
    Unsaid,
    /// By this link.
    Link(String),
    /// Nowhere, for this reason.
    None(String),
}

/// A mail to the office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mail {
    /// ASCII, in one line.
    pub(crate) subject: String,
    /// The words.
    pub(crate) text: String,
}

/// Who and when, as the office speaks of a charter: `BS-1048813 · Dana · Wed Dec 9, 2:00 PM`.
pub(crate) fn heading(booking_id: &str, first_name: Option<&str>, start: Option<&Zoned>) -> String {
    let start = start.map(dock_time);
    [Some(booking_id), first_name, start.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// A time as people at the dock say it: `Wed Dec 9, 2:00 PM`.
pub(crate) fn dock_time(at: &Zoned) -> String {
    at.strftime("%a %b %-d, %-I:%M %p").to_string()
}

/// One mail for each notice, or one for all of them when there are many.
pub(crate) fn mails(notices: &[Notice]) -> Vec<Mail> {
    match notices {
        [] => Vec::new(),
        few if few.len() <= MOST_MAILS => few.iter().map(Notice::mail).collect(),
        many => vec![digest_of(many)],
    }
}

impl Notice {
    /// What is new, given whether the office knows of anything that needs a person.
    pub(crate) fn new(case: Case, told: bool) -> Self {
        let change = match (told, case.concerns.is_empty()) {
            (true, true) => Change::Over,
            (false, true) => Change::Cancelled,
            (false, false) => Change::Begins,
            (true, false) => Change::Changed,
        };
        Self { case, change, desk: DeskWay::Unsaid }
    }

    /// The same, with the way to the desk.
    #[must_use]
    pub(crate) fn with(self, desk: DeskWay) -> Self {
        Self { desk, ..self }
    }

    fn mail(&self) -> Mail {
        let id = &self.case.id;
        let subject = match self.change {
            Change::Begins => format!("{id} needs a person"),
            Change::Changed => format!("{id} still needs a person, and something has changed"),
            Change::Over => format!("{id}: over"),
            Change::Cancelled => format!("{id} is cancelled: tell the guest"),
        };
        Mail { subject: plain(&subject), text: format!("{}{}", self.text(), self.way("\n\n")) }
    }

    /// How to come to the desk, if that is to be said.
    fn way(&self, before: &str) -> String {
        match &self.desk {
            DeskWay::Link(link) if !self.needs_a_person() => format!("{before}See it: {link}"),
            DeskWay::Link(link) => format!("{before}See it and decide: {link}"),
            DeskWay::None(why) if self.needs_a_person() => format!("{before}There is no link to the desk. {why}"),
            DeskWay::None(_) | DeskWay::Unsaid => String::new(),
        }
    }

    fn needs_a_person(&self) -> bool {
        matches!(self.change, Change::Begins | Change::Changed)
    }

    /// The words of its mail.
    pub(crate) fn text(&self) -> String {
        let message = self.case.guest_message.as_ref();
        let message = message.map(|message| format!("\n\nTell the guest. This is ready to paste:\n\n{message}"));
        self.about_the_case() + &message.unwrap_or_default()
    }

    fn about_the_case(&self) -> String {
        let Case { heading, concerns, besides, .. } = &self.case;
        let [first, rest @ ..] = &**concerns else {
            let is_over = self.change == Change::Over;
            return if is_over { format!("{heading}: over. {besides}") } else { format!("{heading} is cancelled.") };
        };
        let changed = if self.change == Change::Changed { "Changed: " } else { "" };
        let mut paragraphs = vec![format!("{changed}{heading} {}. {besides}", first.what).trim_end().to_owned()];
        paragraphs.push(format!("What to do: {}.", first.next));
        for concern in rest {
            paragraphs.push(format!("It also {}.\nWhat to do: {}.", concern.what, concern.next));
        }
        paragraphs.join("\n\n")
    }

    /// Its line in a mail for many.
    fn line(&self) -> String {
        let Case { heading, concerns, guest_message, .. } = &self.case;
        let what: Vec<&str> = concerns.iter().map(|concern| &*concern.what).collect();
        let about = match self.change {
            Change::Over => format!("{heading}: over"),
            Change::Cancelled => format!("{heading} is cancelled"),
            Change::Begins | Change::Changed => format!("{heading} {}", what.join("; it also ")),
        };
        let message = guest_message.as_ref().map(|message| format!("\n  Tell the guest: {message}"));
        about + &message.unwrap_or_default()
    }
}

/// One mail for many: what needs a person first, then whom to tell, then what is over.
fn digest_of(notices: &[Notice]) -> Mail {
    let lines = |is_meant: fn(&Notice) -> bool| -> Vec<String> {
        let of_kind = notices.iter().filter(|notice| is_meant(notice));
        of_kind.map(|notice| notice.line() + &notice.way("\n  ")).collect()
    };
    let open = lines(Notice::needs_a_person);
    let cancelled = lines(|notice| notice.change == Change::Cancelled);
    let over = lines(|notice| notice.change == Change::Over);
    let part = |title: String, lines: &[String]| {
        (!lines.is_empty())
            .then(|| format!("{title}\n\n{}", lines.iter().map(|line| format!("- {line}\n")).collect::<String>()))
    };
    let parts = [
        part(format!("{} need a person:", open.len()), &open),
        part(format!("{} are cancelled, and their guests are to be told:", cancelled.len()), &cancelled),
        part(format!("{} are over:", over.len()), &over),
        Some("Each one's page says what to do; so does its status.".to_owned()),
    ];
    let mut subject = format!("{} notices: {} need a person, {} are over", notices.len(), open.len(), over.len());
    if !cancelled.is_empty() {
        subject.push_str(&format!(", {} are cancelled", cancelled.len()));
    }
    Mail { subject, text: parts.into_iter().flatten().collect::<Vec<_>>().join("\n") }
}

/// What SNS takes as a subject.
fn plain(subject: &str) -> String {
    subject.chars().filter(|character| (' '..='~').contains(character)).take(LONGEST_SUBJECT_CHARACTERS).collect()
}

/// The way to the office's mailbox.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notices<'a> {
    /// The topic's client.
    pub(crate) client: &'a aws_sdk_sns::Client,
    /// The topic's ARN.
    pub(crate) topic: &'a str,
    /// How it is called.
    pub(crate) outbound: &'a Outbound,
}

impl Notices<'_> {
    /// Sends one mail. It may arrive twice.
    ///
    /// # Errors
    /// [`CallError`] if it may not have been sent.
    pub(crate) async fn send(&self, mail: &Mail, deadline: &Deadline) -> Result<(), CallError> {
        let once = || async {
            let publish = self.client.publish().topic_arn(self.topic).subject(&mail.subject).message(&mail.text);
            publish.send().await.map_err(|error| from_sdk(PUBLISH, error))?;
            Ok(Answered::ok(()))
        };
        self.outbound.attempts(PUBLISH, deadline, once).await
    }

    /// How many have confirmed that they want the notices.
    ///
    /// # Errors
    /// [`CallError`] if the topic cannot be asked; refused if there is no confirmed subscription.
    pub(crate) async fn subscribers(&self, deadline: &Deadline) -> Result<usize, CallError> {
        let once = || async {
            let list = self.client.list_subscriptions_by_topic().topic_arn(self.topic);
            let answer = list.send().await.map_err(|error| from_sdk(SUBSCRIBERS, error))?;
            let confirmed = |arn: Option<&str>| arn.is_some_and(|arn| arn.starts_with(ARN));
            let confirmed = answer.subscriptions().iter().filter(|one| confirmed(one.subscription_arn())).count();
            Ok(Answered::ok(confirmed))
        };
        match self.outbound.attempts(SUBSCRIBERS, deadline, once).await? {
            0 => Err(CallError::new(
                SUBSCRIBERS,
                Class::Refused,
                "has no confirmed subscription: nobody hears of anything",
            )),
            confirmed => Ok(confirmed),
        }
    }
}

#[cfg(test)]
mod tests;
