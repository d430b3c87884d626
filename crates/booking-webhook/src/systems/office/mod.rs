//! The office: people with a mailbox and a phone, who decide what the function must not decide.

pub(crate) mod desk_links;
pub(crate) mod desk_page;
pub(crate) mod desk_token;
pub(crate) mod notices;

pub(crate) use desk_links::DeskLinks;
pub(crate) use notices::{Case, Change, Concern, DeskWay, Notice, Notices, mails};
