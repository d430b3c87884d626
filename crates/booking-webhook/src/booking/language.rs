//! In which language a guest is addressed, and what the operator says in each.

use serde::{Deserialize, Serialize};

/// A language that guests are addressed in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Language {
    /// What the operator's own texts are in unless they say otherwise.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Spanish.
    #[serde(rename = "es")]
    Spanish,
}

impl Language {
    /// Each of them.
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Spanish];

    /// The one that fits a BCP 47 tag such as `es-MX`; English for every language that we do not speak.
    pub(crate) fn of(locale: &str) -> Self {
        let primary = locale.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary)).unwrap_or_default()
    }

    /// BCP 47: `en`.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }
}

/// Something that the operator says, in English and perhaps in other languages. In the operator file it is the thing itself, or a table
/// by language: `{ en = "the dock office", es = "la oficina del muelle" }`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written<T>")]
pub(crate) struct Translated<T> {
    #[serde(rename = "en")]
    english: T,
    #[serde(rename = "es", skip_serializing_if = "Option::is_none")]
    spanish: Option<T>,
}

impl<T> Translated<T> {
    /// As everybody reads it who was not asked for a language.
    pub(crate) fn english(&self) -> &T {
        &self.english
    }

    /// In `language` if it is there, else in English; and in which it is.
    pub(crate) fn in_language(&self, language: Language) -> (&T, Language) {
        match (language, &self.spanish) {
            (Language::Spanish, Some(spanish)) => (spanish, Language::Spanish),
            (Language::Spanish, None) | (Language::English, _) => (&self.english, Language::English),
        }
    }
}

impl<T> Translated<T> {
    /// The same thing read in each language.
    ///
    /// # Errors
    /// The first one that `read` gives.
    pub(super) fn try_map<U, E>(self, read: impl Fn(T) -> Result<U, E>) -> Result<Translated<U>, E> {
        Ok(Translated { english: read(self.english)?, spanish: self.spanish.map(read).transpose()? })
    }
}

impl<T> From<T> for Translated<T> {
    fn from(english: T) -> Self {
        Self { english, spanish: None }
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "must be written once, or once for each language: { en = …, es = … }")]
enum Written<T> {
    Once(T),
    ByLanguage(ByLanguage<T>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByLanguage<T> {
    en: T,
    es: Option<T>,
}

impl<T> From<Written<T>> for Translated<T> {
    fn from(written: Written<T>) -> Self {
        match written {
            Written::Once(english) => english.into(),
            Written::ByLanguage(ByLanguage { en, es }) => Self { english: en, spanish: es },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_of_the_locale_and_else_english() {
        for (locale, language) in [
            ("en", Language::English),
            ("es", Language::Spanish),
            ("es-MX", Language::Spanish),
            ("ES_us", Language::Spanish),
            (" es ", Language::Spanish),
            ("est", Language::English),
            ("de-DE", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::of(locale), language, "{locale}");
        }
    }

    #[derive(Deserialize)]
    struct Localized {
        words: Translated<Vec<String>>,
    }

    #[test]
    fn what_is_not_translated_is_said_in_english_and_known_to_be() {
        let said = |text: &str| toml::from_str::<Localized>(text).map(|said| said.words);
        let both = said(r#"words = { en = ["a hat"], es = ["un sombrero"] }"#).expect("valid");
        assert_eq!(both.in_language(Language::Spanish), (&vec!["un sombrero".to_owned()], Language::Spanish));
        assert_eq!(both.in_language(Language::English), (both.english(), Language::English));
        for once in [r#"words = ["a hat"]"#, r#"words = { en = ["a hat"] }"#] {
            let words = said(once).expect("valid");
            assert_eq!(words.in_language(Language::Spanish), (&vec!["a hat".to_owned()], Language::English));
        }
        for mistyped in [r#"words = { es = ["un sombrero"] }"#, r#"words = { en = ["a hat"], sp = [] }"#, "words = 1"] {
            let refused = said(mistyped).expect_err(mistyped).to_string();
            assert!(refused.contains("{ en = …, es = … }"), "{refused}");
        }
    }
}
