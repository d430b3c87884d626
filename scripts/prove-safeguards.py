#!/usr/bin/env python3
"""Takes each safeguard of the ledger away, one at a time, in a copy of the project, and shows which test turns red.

A proof that stays green without the thing that it proves is none. Each line of SAFEGUARDS is one breakage: where, what stands
there, what is put in its place, and the tests that must notice. A text that is no longer there stops the run, and `--list`,
which `make check` calls: the list is kept true or it is worth nothing.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
COPY = ROOT / "target" / "safeguards" / "tree"
SOURCE = "crates/booking-webhook/src/"

# (the safeguard, file, what stands there, what takes its place, tests that must notice)
SAFEGUARDS = [
    (
        "fence: an invocation that lost the lease releases nothing",
        "ledger/release.rs",
        '.on(holds(record).and(Condition::equal("seq", number(record.seq))))',
        '.on(Condition::equal("seq", number(record.seq)))',
        "prove::conditions::dynoxide",
    ),
    (
        "seq: a newer snapshot is not released unseen",
        "ledger/release.rs",
        '.on(holds(record).and(Condition::equal("seq", number(record.seq))))',
        ".on(holds(record))",
        "prove::conditions::dynoxide prove::crashes::every_scenario_comes_in_step",
    ),
    (
        "holder: a late journal write changes nothing after the release",
        "ledger/release.rs",
        'Condition::equal("fence", number(record.fence)).and(Condition::equal("holder", text(&lease.holder)))',
        'Condition::equal("fence", number(record.fence))',
        "prove::conditions::dynoxide",
    ),
    (
        "holder: a lost answer to a claim is recognised",
        "ledger/record.rs",
        "Ok(if lease.is_held_in(&record) {",
        "Ok(if lease.is_held_in(&record) && false {",
        "prove::conditions::dynoxide",
    ),
    (
        "order: an older snapshot changes nothing",
        "ledger/version.rs",
        "Condition::Absent(changed_at).or(known)",
        "Condition::Absent(changed_at).or(known).or(Condition::Present(changed_at))",
        "prove::schedules::two_snapshots_in_the_wrong_order prove::conditions::dynoxide",
    ),
    (
        "order: what is decided late counts when the newest snapshot decides nothing",
        "ledger/record.rs",
        "if new.decides_after(&record) {",
        "if new.decides_after(&record) && false {",
        "prove::schedules::the_newest_wins prove::conditions::dynoxide guard_rails",
    ),
    (
        "order: a repeat of a sender without times is no new arrival",
        "commands/accept.rs",
        "if !version(delivery.received_at).states_time && snapshot.revision.is_none() {",
        "if !version(delivery.received_at).states_time && snapshot.revision.is_none() && false {",
        "deliveries::without_times prove::counts",
    ),
    (
        "contradiction: of one version one snapshot counts, and a person hears of it",
        "ledger/record.rs",
        "if let Some(same) = new.same_version(&record) {",
        "if let Some(same) = new.same_version(&record).filter(|_| false) {",
        "deliveries::of_contradicting prove::conditions::dynoxide prove::crashes::every_scenario_comes_in_step",
    ),
    (
        "contradiction: a cancellation counts in either order",
        "ledger/version.rs",
        "    new > recorded\n",
        "    new.received_at > recorded.received_at\n",
        "deliveries::of_contradicting prove::conditions::dynoxide",
    ),
    (
        "entry: a person's entry is no later than what the person could know",
        "ledger/record.rs",
        'Place::Entry { seq: Some(seq) } => Condition::equal("seq", number(seq)),',
        'Place::Entry { seq: Some(_) } => Condition::Present("seq"),',
        "prove::conditions::dynoxide",
    ),
    (
        "approval: only the decision that was seen is approved",
        "ledger/claim.rs",
        '.on(Condition::Present(STATUS).and(Condition::equal("decided_seq", number(decided_seq))))',
        ".on(Condition::Present(STATUS))",
        "prove::conditions::dynoxide guard_rails",
    ),
    (
        "approval: it holds for that decision alone",
        "ledger/state/reading.rs",
        "approved: approved_seq.is_some() && decision.as_ref().map(|decision| decision.seq) == approved_seq,",
        "approved: approved_seq.is_some(),",
        "prove::conditions::dynoxide guard_rails",
    ),
    (
        "guard rails: what a person must decide is carried out by nobody else",
        "reconcile/desired.rs",
        "guard_rail(record, decision, sale, operator).filter(|_| !record.approved)",
        "guard_rail(record, decision, sale, operator).filter(|_| false)",
        "guard_rails",
    ),
    (
        "restored ledger: a mark is no booking",
        "ledger/state.rs",
        "    item.contains_key(STATUS)\n",
        "    item.contains_key(STATUS) || true\n",
        "prove::conditions::dynoxide",
    ),
    (
        "settling: nothing is written while a request may still land",
        "reconcile/plan.rs",
        "known.settles_at.filter(|_| known.is_settling(self.now))",
        "known.settles_at.filter(|_| false)",
        "slow:: prove::crashes::nothing_happens_twice",
    ),
    (
        "settling: of two puts the one that may still land counts",
        "outbound/error.rs",
        "(Err(one), Err(other)) if one.class.severity() < other.class.severity() => Err(other),",
        "(Err(one), Err(_)) => Err(one),",
        "publication::an_unanswered_file",
    ),
    (
        "read-back: an entry that may be there is looked for before it is created",
        "reconcile/plan.rs",
        "_ if known.step.unknown => Action::ReadBack,",
        "_ if known.step.unknown && false => Action::ReadBack,",
        "prove::crashes::nothing_happens_twice",
    ),
    (
        "read-back: an event that may be there is looked for before it is created",
        "reconcile/plan.rs",
        "_ if known.step.unknown => return Action::ReadBack,",
        "_ if known.step.unknown && false => return Action::ReadBack,",
        "slow:: prove::crashes::nothing_happens_twice",
    ),
    (
        "made anew: the ledger is told before a second entry is created",
        "reconcile/execute/calendar.rs",
        "if context.record.journal.calendar.shown.is_some() {",
        "if context.record.journal.calendar.shown.is_some() && false {",
        "prove::crashes::nothing_happens_twice",
    ),
    (
        "crash: a lease that expired unreleased leaves every step in doubt",
        "commands/work.rs",
        "if crashed {",
        "if crashed && false {",
        "prove::crashes::nothing_happens_twice",
    ),
    (
        "write-ahead: what was begun leaves the world in doubt",
        "reconcile/execute/write_ahead.rs",
        "let written = ledger.journal(record, &steps, deadline).await;",
        "let written: Written = Ok(true);",
        "prove::crashes::nothing_happens_twice",
    ),
    (
        "deadline: a process that slept past its lease sends nothing",
        "outbound/attempts.rs",
        "self.call_timeout.min(deadline.remaining())",
        "self.call_timeout",
        "prove::schedules",
    ),
    (
        "redaction gate: no booking is in step before crew can see no money",
        "reconcile/execute/crew.rs",
        "match take_money_out(context, &shown.id, &mut attempt).await {",
        "match Ok::<(), CallError>(()) {",
        "money::",
    ),
    (
        "only changed fields: nobody's hand edit is undone",
        "reconcile/fields.rs",
        ".filter(|(name, value)| must_go(name, value))",
        ".filter(|(name, value)| must_go(name, value) || true)",
        "prove::crashes::every_scenario_comes_in_step",
    ),
    (
        "edge: a first publication after an unknown put still invalidates",
        "reconcile/plan.rs",
        "Action::Publish { invalidate: known.may_show_something() }",
        "Action::Publish { invalidate: known.shown.is_some() }",
        "publication::after_an_unknown_put prove::crashes::nothing_happens_twice",
    ),
    (
        "after the end: crew are told nothing of a charter that is over",
        "reconcile/plan.rs",
        "Action::Create | Action::Change(_) | Action::ReadNotes(_) if when.is_over() => {",
        "Action::Create | Action::Change(_) | Action::ReadNotes(_) if when.is_over() && false => {",
        "main_job::crew_are_not_mailed",
    ),
    (
        "desk: a button needs the decision that was seen",
        "commands/desk/press.rs",
        "    if case.seen() != press.seen {",
        "    if case.seen().acts != press.seen.acts {",
        "desk::a_button_is_for_the_decision_that_was_seen",
    ),
    (
        "desk: of two who saw the same one acts",
        "ledger/acts.rs",
        "        update.on(unseen)\n",
        "        update.on(unseen.or(Condition::Present(COUNT)))\n",
        "prove::conditions::dynoxide",
    ),
    (
        "commands: what a person decides is noted with the claim that carries it out",
        "ledger/claim.rs",
        "            Some(act) => act.noted(update),\n",
        "            Some(_) => update,\n",
        "acts:: prove::conditions::dynoxide",
    ),
    (
        "desk: a page's token presses nothing",
        "commands/desk/press.rs",
        "    let Grant::Press(press) = token.grants else { return Err(wrong_button().back_to(visit)) };",
        "    let seen = crate::systems::office::desk_token::Seen { decided_seq: 1, acts: 0 };\n"
        "    let press = if let Grant::Press(press) = token.grants { press } else { Press { action: DeskAction::LeaveIt, seen } };",
        "desk::a_link_is_good_for_nothing_else",
    ),
    (
        "notices: a cancelled charter's message for the guest is sent",
        "ledger/release.rs",
        "record.should_know != record.told",
        "record.should_know.concerns != record.told.concerns",
        "guest_news::no_crash_of_a_cancellation",
    ),
    (
        "notices: a dismissal loses no message for the guest",
        "ledger/notices.rs",
        "        let update = notice_due(update, dismissal.at);\n",
        "        let update = nothing_new(update);\n",
        "guest_news::a_dismissal_loses_no_message",
    ),
    (
        "releases: what a later one adds to stored terms is ignored",
        "booking/money.rs",
        "#[serde(default)]\npub(crate) struct Rates {",
        "#[serde(deny_unknown_fields, default)]\npub(crate) struct Rates {",
        "releases::what_a_later_release_adds",
    ),
    (
        "overlap: what else is in the calendar is read beside the crew event, once the entry is placed",
        "reconcile/execute/overlap.rs",
        "if placed.wait_for(|placed| *placed).await.is_err() {",
        "if placed.has_changed().is_err() {",
        "overlap::the_look_leaves_after",
    ),
    (
        "overlap: a look that was not made in time is owed",
        "reconcile/execute/overlap.rs",
        "            overlaps.look_owed = true;",
        "            overlaps.look_owed = false;",
        "overlap::a_look_that_fails",
    ),
    (
        "overlap: both that overlap are told",
        "commands/overlap.rs",
        "    tell_others(app, &mut claim.record, &deadline).await;\n",
        "",
        "overlap::both_that_overlap",
    ),
    (
        "audit: it never creates",
        "commands/audit/charter.rs",
        "        journal.crew_redaction.status = StepStatus::Due;\n",
        "        journal.crew_redaction.status = StepStatus::Due;\n        journal.crew_event.shown = None;\n",
        "audit::each_kind_of_drift",
    ),
    (
        "audit: of what a person leaves as it is nothing is done but to take money out",
        "reconcile/mod.rs",
        "left_as_it_is: self.record.is_dismissed(),",
        "left_as_it_is: false,",
        "audit_money::money_in_a_dismissed",
    ),
    (
        "audit: a dismissal is no reason to leave money",
        "commands/audit/charter.rs",
        "    if !put && money.is_empty() {\n",
        "    if (!put && money.is_empty()) || record.is_dismissed() {\n",
        "audit_money::money_in_a_dismissed",
    ),
    (
        "audit: money is said to be taken out only once it was",
        "reconcile/drift.rs",
        "        return Some(Drift::Money { attributes: found, still_there: true });\n",
        "        return Some(taken_out(&found));\n",
        "audit_money::money_is_said",
    ),
    (
        "quarantine: what a person has dismissed may come again",
        "commands/intake.rs",
        "let closed_because = outcome.closed_because;",
        "let closed_because = None;",
        "office::what_a_person_has_dismissed",
    ),
]


def copy_project():
    """The tracked and new files, so that a copy is what a commit would be. Times stay, so that only what differs is built."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = ROOT / name, COPY / name
        if not source.is_file():
            continue
        if not target.exists() or source.read_bytes() != target.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            target.chmod(source.stat().st_mode)
    if (ROOT / ".venv").exists() and not (COPY / ".venv").exists():
        (COPY / ".venv").symlink_to(ROOT / ".venv")


def run_tests(tests):
    """The names of the tests that failed; an empty list when all passed."""
    command = ["cargo", "test", "--workspace", "--locked", "--test", "it", "--", "--test-threads=2", *tests.split()]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(COPY.parent / "target"), "RUST_BACKTRACE": "0"}
    ended = subprocess.run(command, cwd=COPY, env=environment, capture_output=True, text=True)
    (COPY.parent / "last.log").write_text(ended.stdout + ended.stderr)
    failed = sorted(set(re.findall(r"^test (\S+) \.\.\. FAILED$", ended.stdout, re.MULTILINE)))
    if ended.returncode != 0 and not failed:
        sys.exit(f"it does not build, or no test was run; see {COPY.parent / 'last.log'}")
    return failed, re.findall(r"^((?!  not met)\S.* · .* · then \w+|\S.* · no fault): ?", ended.stdout, re.MULTILINE)


def check_list():
    """Ends with a message unless every safeguard is where the list says."""
    for name, file, old, _, _ in SAFEGUARDS:
        found = (ROOT / SOURCE / file).read_text().count(old)
        if found != 1:
            sys.exit(f"{name}: {file} holds {old!r} {found} times; mend the list in {__file__}")


def main():
    wanted = sys.argv[1:]
    check_list()
    if wanted == ["--list"]:
        print(f"{len(SAFEGUARDS)} safeguards are where the list says")
        return
    unnoticed = 0
    for name, file, old, new, tests in SAFEGUARDS:
        if wanted and not any(word in name for word in wanted):
            continue
        copy_project()
        path = COPY / SOURCE / file
        path.write_text(path.read_text().replace(old, new))
        since = time.monotonic()
        failed, cases = run_tests(tests)
        took = f"{time.monotonic() - since:.0f} s"
        print(f"{'red  ' if failed else 'GREEN'}  {name}  ({took})", flush=True)
        for line in failed[:3] + cases[:2]:
            print(f"         {line}", flush=True)
        unnoticed += not failed
    copy_project()
    print(f"{unnoticed} safeguards were taken away unnoticed")
    sys.exit(1 if unnoticed else 0)


if __name__ == "__main__":
    main()
