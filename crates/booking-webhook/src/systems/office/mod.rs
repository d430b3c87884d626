//! The office: people with a mailbox and a phone, who decide what the function must not decide.

pub mod desk_links;
pub mod desk_page;
pub mod desk_token;
pub mod notices;

pub use desk_links::DeskLinks;
pub use notices::{Case, Change, Concern, DeskWay, Notice, Notices, mails};
