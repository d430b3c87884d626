//! One synthetic booking through a whole deployment: booked, rescheduled, cancelled, and after each read back in all four systems.
//! A second sender's is booked and cancelled: senders differ in path, secret and mapping alone.
//!
//! It is what CI runs after it has deployed to staging, and what can be run against a rehearsal: the same program, which knows
//! nothing but addresses and keys. It looks where people and services look, over HTTP; what the function answers is printed and
//! not believed.

mod booking;
mod faults;
mod look;
mod services;

use std::{
    io::{self, Write},
    time::Instant,
};

pub use booking::Stage;
use http::StatusCode;
use serde_json::Value;
use services::Marketplace;
pub use services::Services;
use simulators::{clock::Clock, settings::Missing, staging::SecretError};

use self::{
    booking::Booking,
    faults::faults,
    look::{Names, World, in_words, without_query},
};

/// How much of an answer is printed.
const ANSWER_SHOWN: usize = 2_000;

/// Why a smoke test cannot be run.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says itself what it is")]
pub enum SmokeError {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error("SMOKE_WITHIN_SECONDS is {0}, which is no whole number of seconds")]
    Within(String),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("the secret {name} has the scheme {scheme}; the smoke test signs by standard-webhooks")]
    Scheme { name: String, scheme: String },
    #[error("the secret {0} has no signing_secrets, or the first of them is not whsec_ and base64")]
    SigningSecret(String),
    #[error(
        "this ShipCaptainCrew has no outbox, so it may be the real one and mail its crew: nothing was sent. Is SECRETS_PREFIX that of \
         staging? ({0})"
    )]
    NotStaging(String),
    #[error("nothing can be printed: {0}")]
    Io(#[from] io::Error),
}

/// One run of one marketplace's booking.
struct Run<'a, W> {
    services: &'a Services,
    marketplace: &'a Marketplace,
    booking: Booking,
    out: &'a mut W,
}

/// Makes a booking of each sender, leads it through its stages and tells `out` what it does; whether all was as it should be.
///
/// # Errors
/// [`SmokeError::NotStaging`] before anything is sent, if mail could reach somebody; else when `out` cannot be written.
pub async fn run(services: &Services, out: &mut impl Write) -> Result<bool, SmokeError> {
    services.keep_their_mail().await.map_err(SmokeError::NotStaging)?;
    let boatsetter: (_, &'static [Stage]) = (&services.boatsetter, &Stage::ALL);
    let second = services.second.iter().map(|marketplace| (marketplace, &Stage::UNMOVED[..]));
    for (marketplace, stages) in [boatsetter].into_iter().chain(second) {
        let booking = Booking::new(Clock::system().now(), stages);
        let day = booking.start(Stage::Booked).strftime("%a %-d %b %Y").to_string();
        writeln!(out, "Smoke test of {}\nBooking {}, a charter on {day}\n", marketplace.webhook_url, booking.id)?;
        if !(Run { services, marketplace, booking, out }).pass_all(stages).await? {
            return Ok(false);
        }
        writeln!(out)?;
    }
    writeln!(out, "All four systems are as they should be.")?;
    Ok(true)
}

impl<W: Write> Run<'_, W> {
    /// Leads the booking through `stages`, and calls it off at the first that fails; whether none did.
    async fn pass_all(&mut self, stages: &[Stage]) -> Result<bool, SmokeError> {
        for &stage in stages {
            if !self.pass(stage).await? {
                self.call_off(stage).await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Brings the booking to `stage` and waits until every system shows it; whether they did.
    async fn pass(&mut self, stage: Stage) -> Result<bool, SmokeError> {
        let since = Instant::now();
        let until = since + self.services.within;
        write!(self.out, "{:<13}", stage.name())?;
        let names = match self.deliver(stage, until).await {
            Ok((names, answered)) => {
                writeln!(self.out, "answered {answered} after {:.1} s", since.elapsed().as_secs_f64())?;
                names
            }
            Err(refusal) => {
                writeln!(self.out, "not as it should be: {refusal}")?;
                return Ok(false);
            }
        };
        let mut left = self.faults(&names, stage).await;
        while !left.is_empty() && Instant::now() < until {
            tokio::time::sleep(self.services.between_looks).await;
            left = self.faults(&names, stage).await;
        }
        if left.is_empty() {
            writeln!(self.out, "{:<13}shown by all four systems after {:.1} s", "", since.elapsed().as_secs_f64())?;
            writeln!(self.out, "{:<13}{} {}", "", names.booking_id, names.guest_page)?;
            return Ok(true);
        }
        writeln!(self.out, "\nAfter {} s, not as it should be:", self.services.within.as_secs())?;
        for fault in &left {
            writeln!(self.out, "  - {fault}")?;
        }
        Ok(false)
    }

    async fn faults(&self, names: &Names, stage: Stage) -> Vec<String> {
        faults(&World::look(self.services, &self.booking, names).await, &self.booking, names, stage)
    }

    /// Sends the webhook, again while it is not taken, as a marketplace would. What it is called, and what was answered.
    async fn deliver(&self, stage: Stage, until: Instant) -> Result<(Names, String), String> {
        let body = self.booking.webhook(stage, Clock::system().now()).to_string();
        let id = format!("msg_{:016x}", rand::random::<u64>());
        loop {
            let refusal = match self.send(&id, &body).await {
                Ok((status, answer)) if [StatusCode::OK, StatusCode::ACCEPTED].contains(&status) => {
                    return self.understood(status, &answer);
                }
                Ok((status, answer)) if !(status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS) => {
                    return Err(format!("{status}: {}", shortened(&answer)));
                }
                Ok((status, answer)) => format!("{status}: {}", shortened(&answer)),
                Err(error) => error,
            };
            if Instant::now() >= until {
                return Err(refusal);
            }
            tokio::time::sleep(self.services.between_looks).await;
        }
    }

    /// One attempt: signed anew, under the same id.
    async fn send(&self, id: &str, body: &str) -> Result<(StatusCode, String), String> {
        let mut request = self.services.client.post(&self.marketplace.webhook_url).body(body.to_owned());
        for (name, value) in self.marketplace.sender.sign(id, body, Clock::system().now()) {
            request = request.header(name, value);
        }
        let answer = request.send().await.map_err(in_words)?;
        Ok((answer.status(), answer.text().await.map_err(in_words)?))
    }

    fn understood(&self, status: StatusCode, answer: &str) -> Result<(Names, String), String> {
        let parsed: Value = serde_json::from_str(answer).unwrap_or_default();
        let text = |name: &str| parsed[name].as_str().map(str::to_owned);
        let (Some(booking_id), Some(charter_id), Some(guest_page), Some(state)) =
            (text("booking_id"), text("charter_id"), text("guest_page"), text("state"))
        else {
            return Err(format!(
                "{status} without booking_id, charter_id, guest_page and state: {}",
                shortened(answer)
            ));
        };
        let prefix = booking_id.strip_suffix(&*self.booking.id);
        if prefix.is_none_or(|prefix| prefix.is_empty() == self.marketplace.has_prefix) {
            let wanted = if self.marketplace.has_prefix { "a prefix and " } else { "" };
            return Err(format!(
                "{status}, but the booking is called {booking_id} instead of {wanted}{}",
                self.booking.id
            ));
        }
        let base = &self.services.guest_page_base_url;
        if guest_page != format!("{base}/g/{charter_id}") {
            return Err(format!("the guest page is {}, which is not below {base}/g/", without_query(&guest_page)));
        }
        // The state does not count, only what the systems show in the end. But it says where to look.
        let said = if state == "in_step" { String::new() } else { format!(": {}", shortened(answer)) };
        Ok((Names { booking_id, charter_id, guest_page }, format!("{} {state}{said}", status.as_u16())))
    }

    /// Leaves nothing standing behind a run that failed at `stage`, as far as that is possible.
    async fn call_off(&mut self, stage: Stage) -> Result<(), SmokeError> {
        if stage == Stage::Cancelled {
            return Ok(writeln!(self.out, "\nThe booking {} is left as it is.", self.booking.id)?);
        }
        let called_off = self.deliver(Stage::Cancelled, Instant::now()).await;
        let how = called_off.map_or_else(|fault| format!("not as it should be: {fault}"), |(_, answered)| answered);
        Ok(writeln!(self.out, "\nThe cancellation of {} was sent: {how}", self.booking.id)?)
    }
}

fn shortened(answer: &str) -> String {
    answer.chars().take(ANSWER_SHOWN).collect()
}

#[cfg(test)]
mod tests;
