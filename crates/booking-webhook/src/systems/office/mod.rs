//! The office: people with a mailbox and a phone, who decide what the function must not decide.

pub mod notices;

pub use notices::{Case, Change, Concern, Notice, Notices, mails};
