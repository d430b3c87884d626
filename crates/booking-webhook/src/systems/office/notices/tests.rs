use super::*;

fn case(concerns: &[(&str, &str)], besides: &str) -> Case {
    let start: Zoned = "2031-12-10T14:00:00-08:00[America/Los_Angeles]".parse().expect("a time");
    let concerns = concerns.iter().map(|&(what, next)| Concern { what: what.into(), next: next.into() });
    Case {
        id: "BS-1048813".into(),
        heading: heading("BS-1048813", Some("Dana"), Some(&start)),
        concerns: concerns.collect(),
        besides: besides.into(),
        guest_message: None,
    }
}

fn cancelled(concerns: &[(&str, &str)]) -> Case {
    Case { guest_message: Some("Hi Dana, it is cancelled.".into()), ..case(concerns, "All have it.") }
}

const REFUSED: (&str, &str) =
    ("is not in the calendar: it refused the entry (calendar answered 422)", "Mend what it objects to, then replay");
const FULL: (&str, &str) = ("has 20 guests, room for 12", "Ask the guest");

#[test]
fn a_notice_begins_changes_and_ends_in_plain_words() {
    let rows = [
        (
            case(&[REFUSED], "Crew and guest have it."),
            false,
            "BS-1048813 needs a person",
            "BS-1048813 · Dana · Wed Dec 10, 2:00 PM is not in the calendar: it refused the entry (calendar answered 422). Crew and guest have it.\n\n\
             What to do: Mend what it objects to, then replay.",
        ),
        (
            case(&[REFUSED, FULL], ""),
            true,
            "BS-1048813 still needs a person, and something has changed",
            "Changed: BS-1048813 · Dana · Wed Dec 10, 2:00 PM is not in the calendar: it refused the entry (calendar answered 422).\n\n\
             What to do: Mend what it objects to, then replay.\n\nIt also has 20 guests, room for 12.\nWhat to do: Ask the guest.",
        ),
        (
            case(&[], "Calendar, crew and guest have it."),
            true,
            "BS-1048813: over",
            "BS-1048813 · Dana · Wed Dec 10, 2:00 PM: over. Calendar, crew and guest have it.",
        ),
    ];
    for (case, told, subject, text) in rows {
        let mail = mails(&[Notice::new(case, told)]).pop().expect("one mail");
        assert_eq!((mail.subject.as_str(), mail.text.as_str()), (subject, text));
    }
}

#[test]
fn what_the_guest_is_to_hear_is_in_the_mail() {
    const TELL: &str = "\n\nTell the guest. This is ready to paste:\n\nHi Dana, it is cancelled.";
    for (case, told, subject, text) in [
        (
            cancelled(&[]),
            false,
            "BS-1048813 is cancelled: tell the guest",
            "BS-1048813 · Dana · Wed Dec 10, 2:00 PM is cancelled.",
        ),
        (cancelled(&[]), true, "BS-1048813: over", "BS-1048813 · Dana · Wed Dec 10, 2:00 PM: over. All have it."),
        (
            cancelled(&[FULL]),
            false,
            "BS-1048813 needs a person",
            "BS-1048813 · Dana · Wed Dec 10, 2:00 PM has 20 guests, room for 12. All have it.\n\nWhat to do: Ask the guest.",
        ),
    ] {
        let mail = mails(&[Notice::new(case, told)]).pop().expect("one mail");
        assert_eq!((mail.subject.as_str(), mail.text), (subject, format!("{text}{TELL}")));
    }
    let [mail] = &mails(&vec![Notice::new(cancelled(&[]), false); 11])[..] else { panic!("one mail") };
    assert_eq!(mail.subject, "11 notices: 0 need a person, 0 are over, 11 are cancelled");
    assert_eq!(mail.text.matches("is cancelled\n  Tell the guest: Hi Dana, it is cancelled.\n").count(), 11);
}

#[test]
fn more_than_ten_become_one_mail() {
    let begins = Notice::new(case(&[REFUSED, FULL], ""), false);
    let over = Notice::new(case(&[], "All have it."), true);
    assert_eq!(mails(&vec![begins.clone(); 10]).len(), 10);
    let many = [vec![over; 2], vec![begins; 9]].concat();
    let [mail] = &mails(&many)[..] else { panic!("one mail") };
    assert_eq!(mail.subject, "11 notices: 9 need a person, 2 are over");
    assert_eq!(
        mail.text.matches("refused the entry (calendar answered 422); it also has 20 guests, room for 12\n").count(),
        9
    );
    assert_eq!(mail.text.matches(": over\n").count(), 2);
    assert!(mails(&[]).is_empty());
}

#[test]
fn a_mail_says_the_way_to_the_desk_or_that_there_is_none() {
    let link = || DeskWay::Link("https://hooks.example.com/desk/abc".into());
    let none = || DeskWay::None("Put a key into the secret p/desk".into());
    let begins = |desk| Notice::new(case(&[REFUSED], ""), false).with(desk);
    let over = |desk| Notice::new(case(&[], "All have it."), true).with(desk);
    for (notice, end) in [
        (begins(link()), "then replay.\n\nSee it and decide: https://hooks.example.com/desk/abc"),
        (begins(none()), "then replay.\n\nThere is no link to the desk. Put a key into the secret p/desk"),
        (over(link()), "All have it.\n\nSee it: https://hooks.example.com/desk/abc"),
        (over(none()), "over. All have it."),
    ] {
        let mail = mails(&[notice]).pop().expect("one mail");
        assert!(mail.text.ends_with(end), "{}", mail.text);
    }
    let [mail] = &mails(&vec![begins(link()); 11])[..] else { panic!("one mail") };
    assert_eq!(mail.text.matches("\n  See it and decide: https://hooks.example.com/desk/abc\n").count(), 11);
}

#[test]
fn a_subject_is_what_sns_takes() {
    let case = Case { id: format!("sender~Ünïcode\n{}", "x".repeat(200)), ..case(&[FULL], "") };
    let mail = Notice::new(case, false).mail();
    assert!(
        mail.subject.is_ascii() && mail.subject.len() < 100 && mail.subject.starts_with("sender~ncodex"),
        "{mail:?}"
    );
}
