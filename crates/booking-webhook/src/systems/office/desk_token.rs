//! What a link to the desk lets its holder do, until when, and that nobody else can have made it.
//!
//! A page's token only shows. Each button has one of its own, which names what was seen when it was drawn: it is good for that one action
//! on that one subject in that one state, and for a quarter of an hour. HMAC-SHA256 over all of it; compared in constant time.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::{booking::BookingId, runtime::secrets::DeskKey};

/// So that no other HMAC under the same key could pass for one.
const PURPOSE: &[u8] = b"desk link 1\n";
const MAC_BYTES: usize = 32;
/// Longer than any that is made: a delivery's id has 128 bytes of its sender's choice.
const LONGEST_TEXT_BYTES: usize = 600;
const NAME_BYTES: usize = 3;

/// What one link is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeskToken {
    /// What its holder may do.
    pub(crate) grants: Grant,
    /// To what.
    pub(crate) subject: Subject,
    /// Until when, in whole seconds.
    pub(crate) expires_at: Timestamp,
}

/// What a page or a button is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The desk as a whole: every booking and delivery may be looked at.
    Everything,
    /// One booking.
    Booking(BookingId),
    /// One delivery, by its id.
    Delivery(String),
}

/// What a token lets its holder do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// Look.
    Show,
    /// Press one button.
    Press(Press),
}

/// One button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Press {
    /// What it does.
    pub(crate) action: DeskAction,
    /// In which state it was drawn.
    pub(crate) seen: Seen,
}

/// The state in which somebody saw a booking or a delivery: a button is good for no other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The decision's number; 0 when nothing was decided.
    pub(crate) decided_seq: u64,
    /// How often the office had acted.
    pub(crate) acts: u64,
}

/// What the office can do at the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeskAction {
    /// A replay.
    TryAgain,
    /// The decision that was seen is carried out.
    Approve,
    /// Dismissed: it stays as it is.
    LeaveIt,
    /// A person's own entry.
    EnterIt,
    /// The message to the guest was sent.
    Sent,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// Nobody here made it, or not with this key.
    NotOurs,
    /// It was good once.
    Expired,
}

impl DeskAction {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::TryAgain, Self::Approve, Self::LeaveIt, Self::EnterIt, Self::Sent];

    /// As tokens and logs name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TryAgain => "try_again",
            Self::Approve => "approve",
            Self::LeaveIt => "leave_it",
            Self::EnterIt => "enter_it",
            Self::Sent => "sent",
        }
    }
}

impl Subject {
    /// As a part of a token or of a path: one letter, then the id.
    fn text(&self) -> String {
        match self {
            Self::Everything => "e".to_owned(),
            Self::Booking(id) => format!("b{id}"),
            Self::Delivery(id) => format!("d{id}"),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match (text.get(..1)?, text.get(1..)?) {
            ("e", "") => Some(Self::Everything),
            ("b", id) => BookingId::parse(id).ok().map(Self::Booking),
            ("d", id) => (!id.is_empty()).then(|| Self::Delivery(id.to_owned())),
            _ => None,
        }
    }

    /// As a path's segment. What a sender calls its deliveries may be anything, and gateways disagree about escapes in paths.
    pub(crate) fn segment(&self) -> String {
        BASE64URL_NOPAD.encode(self.text().as_bytes())
    }

    /// The subject of a path's segment.
    pub(crate) fn of_segment(segment: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(segment.as_bytes()).ok()?;
        Self::parse(std::str::from_utf8(&bytes).ok()?)
    }
}

impl DeskToken {
    /// The token as it stands in a link.
    pub(crate) fn seal(&self, key: &DeskKey) -> String {
        let text = self.text();
        let mac = mac(key, &text).finalize().into_bytes();
        BASE64URL_NOPAD.encode(&[text.as_bytes(), &mac].concat())
    }

    /// The token that stands in a link.
    ///
    /// # Errors
    /// [`TokenError`] when it was not made with this key, or its time is over.
    pub(crate) fn open(key: &DeskKey, sealed: &str, now: Timestamp) -> Result<Self, TokenError> {
        let sealed = BASE64URL_NOPAD.decode(sealed.as_bytes()).map_err(|_no_base64| TokenError::NotOurs)?;
        let (text, sent) = sealed
            .split_last_chunk::<MAC_BYTES>()
            .filter(|(text, _)| text.len() <= LONGEST_TEXT_BYTES)
            .ok_or(TokenError::NotOurs)?;
        let text = std::str::from_utf8(text).map_err(|_no_text| TokenError::NotOurs)?;
        mac(key, text).verify_slice(sent).map_err(|_differs| TokenError::NotOurs)?;
        let token = Self::parse(text).ok_or(TokenError::NotOurs)?;
        if token.expires_at <= now { Err(TokenError::Expired) } else { Ok(token) }
    }

    fn text(&self) -> String {
        let (expires, subject) = (self.expires_at.as_second(), self.subject.text());
        match self.grants {
            Grant::Show => format!("show {expires} {subject}"),
            Grant::Press(Press { action, seen: Seen { decided_seq, acts } }) => {
                format!("{} {decided_seq} {acts} {expires} {subject}", action.name())
            }
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (verb, rest) = text.split_once(' ')?;
        let (grants, rest) = if verb == "show" {
            (Grant::Show, rest)
        } else {
            let action = DeskAction::ALL.into_iter().find(|action| action.name() == verb)?;
            let (decided_seq, rest) = rest.split_once(' ')?;
            let (acts, rest) = rest.split_once(' ')?;
            let seen = Seen { decided_seq: decided_seq.parse().ok()?, acts: acts.parse().ok()? };
            (Grant::Press(Press { action, seen }), rest)
        };
        let (expires, subject) = rest.split_once(' ')?;
        let expires_at = Timestamp::from_second(expires.parse().ok()?).ok()?;
        Some(Self { grants, subject: Subject::parse(subject)?, expires_at })
    }
}

/// Enough of a link's digest to tell it from the others in a history; it opens nothing.
pub(crate) fn link_name(sealed: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(sealed)[..NAME_BYTES])
}

fn mac(key: &DeskKey, text: &str) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(key.expose()).expect("HMAC takes keys of any length");
    mac.chain_update(PURPOSE).chain_update(text)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> DeskKey {
        DeskKey::new(vec![byte; 32])
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn booking(id: &str) -> Subject {
        Subject::Booking(BookingId::parse(id).expect("valid"))
    }

    fn tokens() -> Vec<DeskToken> {
        let subjects = [Subject::Everything, booking("BS-1"), Subject::Delivery("boatsetter~a b\n~c~0".into())];
        let presses = DeskAction::ALL.map(|action| Press { action, seen: Seen { decided_seq: 3, acts: 1 } });
        let grants: Vec<Grant> = presses.into_iter().map(Grant::Press).chain([Grant::Show]).collect();
        let of = |subject: &Subject| {
            let subject = subject.clone();
            grants.iter().map(move |&grants| DeskToken { grants, subject: subject.clone(), expires_at: at(1_000) })
        };
        subjects.iter().flat_map(of).collect()
    }

    #[test]
    fn a_token_is_good_until_it_expires_and_for_its_key_alone() {
        for token in tokens() {
            let sealed = token.seal(&key(1));
            assert_eq!(DeskToken::open(&key(1), &sealed, at(999)), Ok(token.clone()));
            assert_eq!(DeskToken::open(&key(1), &sealed, at(1_000)), Err(TokenError::Expired), "{token:?}");
            assert_eq!(DeskToken::open(&key(2), &sealed, at(999)), Err(TokenError::NotOurs), "{token:?}");
            assert_eq!(DeskToken::open(&key(2), &sealed, at(1_001)), Err(TokenError::NotOurs), "{token:?}");
        }
    }

    #[test]
    fn no_two_tokens_are_one_text() {
        let sealed: std::collections::BTreeSet<String> = tokens().iter().map(|token| token.seal(&key(1))).collect();
        assert_eq!(sealed.len(), tokens().len());
    }

    #[test]
    fn what_nobody_made_is_nobodys() {
        for text in ["", "a", "====", "Zm9v", &"A".repeat(2_000), "show 99999999999 e", "..", "%00"] {
            assert_eq!(DeskToken::open(&key(1), text, at(0)), Err(TokenError::NotOurs), "{text}");
        }
    }

    #[test]
    fn a_subject_survives_a_path() {
        for token in tokens() {
            assert_eq!(Subject::of_segment(&token.subject.segment()), Some(token.subject));
        }
        for segment in ["", "%", "ZQ==", "eA", "Yg"] {
            assert_eq!(Subject::of_segment(segment), None, "{segment}");
        }
    }

    #[test]
    fn a_links_name_opens_nothing() {
        let sealed = tokens()[0].seal(&key(1));
        assert_eq!(link_name(&sealed).len(), 2 * NAME_BYTES);
        assert!(!sealed.contains(&link_name(&sealed)));
    }

    proptest! {
        /// One bit of the link is another, wherever: nobody takes it.
        #[test]
        fn any_flipped_bit_is_refused(place in 0..2_000_usize, bit in 0..8_u32, which in 0..18_usize) {
            let token = &tokens()[which];
            let mut sealed = token.seal(&key(1)).into_bytes();
            let place = place % sealed.len();
            sealed[place] ^= 1 << bit;
            // What is no text cannot stand in a path at all.
            if let Ok(flipped) = String::from_utf8(sealed) {
                prop_assert_eq!(DeskToken::open(&key(1), &flipped, at(0)), Err(TokenError::NotOurs));
            }
        }

        /// The same of what was signed: of bytes, not of letters.
        #[test]
        fn any_flipped_bit_of_its_bytes_is_refused(place in 0..2_000_usize, bit in 0..8_u32, which in 0..18_usize) {
            let token = &tokens()[which];
            let mut bytes = BASE64URL_NOPAD.decode(token.seal(&key(1)).as_bytes()).expect("ours");
            let place = place % bytes.len();
            bytes[place] ^= 1 << bit;
            let flipped = BASE64URL_NOPAD.encode(&bytes);
            prop_assert_eq!(DeskToken::open(&key(1), &flipped, at(0)), Err(TokenError::NotOurs));
        }

        #[test]
        fn a_token_never_outlives_its_second(expires in 1_i64..2_000_000_000, late in 0_i64..100_000) {
            let token = DeskToken { grants: Grant::Show, subject: booking("BS-1"), expires_at: at(expires) };
            let now = at(expires) + SignedDuration::from_secs(late);
            prop_assert_eq!(DeskToken::open(&key(1), &token.seal(&key(1)), now), Err(TokenError::Expired));
        }
    }
}
