//! What the office pastes to the guest, in the guest's language. No other system sends the guest the link.

use jiff::Timestamp;

use super::{Charter, Language, PublicText, charter::GUEST, clock_on, day_of, span};

/// What to tell the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// The charter is confirmed.
    Confirmed,
    /// It is at another time.
    Moved {
        /// The start before.
        from: Timestamp,
    },
    /// It does not sail.
    Cancelled,
}

/// A message ready to paste.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GuestMessage<'a> {
    /// What it is about.
    pub(crate) charter: &'a Charter,
    /// Who writes.
    pub(crate) operator_name: &'a str,
    /// The page's address.
    pub(crate) guest_page: &'a str,
    /// What happened.
    pub(crate) news: News,
}

impl GuestMessage<'_> {
    /// The message, in one paragraph.
    pub(crate) fn text(&self) -> String {
        match self.charter.language {
            Language::English => self.english(),
            Language::Spanish => self.spanish(),
        }
    }

    fn english(&self) -> String {
        let (hello, boat) = (self.greeting("Hi"), self.boat("your boat"));
        let Times { day, span, arrive_by, before } = self.times();
        let (operator, page) = (self.operator_name, self.guest_page);
        let arrive = format!("Please arrive by {arrive_by}. Everything for the day: {page}");
        match before {
            _ if self.news == News::Cancelled => {
                format!("{hello}, this is {operator}. Your charter on {boat} on {day}, {span}, is cancelled. {page}")
            }
            None => {
                format!("{hello}, this is {operator}. Your charter on {boat} is confirmed for {day}, {span}. {arrive}")
            }
            Some(before) => format!(
                "{hello}, this is {operator}. Your charter on {boat} has moved. It is now on {day}, {span}, and no longer on {before}. {arrive}"
            ),
        }
    }

    fn spanish(&self) -> String {
        let (hello, boat) = (self.greeting("Hola"), self.boat("su barco"));
        let Times { day, span, arrive_by, before } = self.times();
        let (operator, page) = (self.operator_name, self.guest_page);
        let arrive = format!("Hora límite de llegada: {} Todo para el día: {page}", ended(&arrive_by));
        match before {
            _ if self.news == News::Cancelled => format!(
                "{hello}, le escribimos de {operator}. Su paseo en {boat} del {day}, {span}, está cancelado. {page}"
            ),
            None => format!(
                "{hello}, le escribimos de {operator}. Su paseo en {boat} está confirmado para el {day}, {} {arrive}",
                ended(&span)
            ),
            Some(before) => format!(
                "{hello}, le escribimos de {operator}. Su paseo en {boat} cambió de horario. Ahora es el {day}, {span}, y ya no el {} {arrive}",
                ended(&before)
            ),
        }
    }

    fn greeting(&self, hello: &str) -> String {
        let name = &self.charter.guest_first_name;
        if **name == *GUEST { hello.to_owned() } else { format!("{hello} {name}") }
    }

    fn boat(&self, unnamed: &str) -> String {
        let name = &self.charter.boat.name;
        if *name == PublicText::default() { unnamed.to_owned() } else { name.to_string() }
    }

    fn times(&self) -> Times {
        let (charter, language) = (self.charter, self.charter.language);
        let (start, end) = (charter.time.start(), charter.time.end());
        let arrive_by = start.saturating_sub(charter.boat.check_in());
        let said = |time: &jiff::Zoned| format!("{}, {}", day_of(time, language), clock_on(time, time, language));
        Times {
            day: day_of(start, language),
            span: span(start, end, language),
            arrive_by: clock_on(start, &arrive_by, language),
            before: match self.news {
                News::Moved { from } => Some(said(&from.to_zoned(start.time_zone().clone()))),
                News::Confirmed | News::Cancelled => None,
            },
        }
    }
}

/// A sentence's full stop, unless "p. m." has it already.
fn ended(sentence: &str) -> String {
    if sentence.ends_with('.') { sentence.to_owned() } else { format!("{sentence}.") }
}

struct Times {
    day: String,
    span: String,
    arrive_by: String,
    before: Option<String>,
}
