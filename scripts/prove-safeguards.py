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
        "fence: whoever lost the lease lets go of nothing",
        "ledger/release.rs",
        '"fence = :fence AND seq = :seq"',
        '"fence >= :fence AND seq = :seq"',
        "prove::conditions::dynoxide",
    ),
    (
        "seq: a newer snapshot is not let go of unseen",
        "ledger/release.rs",
        '"fence = :fence AND seq = :seq"',
        '"fence = :fence AND seq >= :seq"',
        "prove::conditions::dynoxide prove::crashes::every_scenario_comes_in_step",
    ),
    (
        "holder: a late journal write changes nothing after the release",
        "ledger/journal.rs",
        '"fence = :fence AND holder = :holder"',
        '"fence = :fence AND (attribute_not_exists(holder) OR holder = :holder)"',
        "prove::conditions::dynoxide",
    ),
    (
        "holder: a lost answer to a claim is recognised",
        "ledger/snapshots.rs",
        "if lease.is_held_in(&record) {",
        "if lease.is_held_in(&record) && false {",
        "prove::conditions::dynoxide",
    ),
    (
        "order: an older snapshot changes nothing",
        "ledger/snapshots.rs",
        "(attribute_not_exists(#order) OR #order < :order)",
        "(attribute_not_exists(#order) OR #order <> :order)",
        "prove::schedules::two_snapshots_in_the_wrong_order",
    ),
    (
        "order: what is decided late counts when the newest snapshot decides nothing",
        "ledger/snapshots.rs",
        "if new.decides_after(&record) {",
        "if new.decides_after(&record) && false {",
        "prove::schedules::the_newest_wins prove::conditions::dynoxide guard_rails",
    ),
    (
        "settling: nothing is written while a request may still land",
        "reconcile/attempt.rs",
        "if known.is_settling(now) {",
        "if known.is_settling(now) && false {",
        "slow:: prove::crashes::nothing_happens_twice",
    ),
    (
        "read-back: what may be there is looked for before it is created",
        "reconcile/calendar.rs",
        "if attempt.known.unknown {\n            self.adopt",
        "if attempt.known.unknown && false {\n            self.adopt",
        "prove::crashes::nothing_happens_twice",
    ),
    (
        "made anew: the ledger is told before a second entry is created",
        "reconcile/calendar.rs",
        "if self.round.record.journal.calendar.remote_id.is_some() {",
        "if self.round.record.journal.calendar.remote_id.is_some() && false {",
        "prove::crashes::nothing_happens_twice",
    ),
    (
        "crash: whoever never let go leaves every step in doubt",
        "commands/accept.rs",
        "if crashed {",
        "if crashed && false {",
        "prove::crashes::nothing_happens_twice",
    ),
    (
        "write-ahead: what was begun leaves the world in doubt",
        "reconcile/mod.rs",
        "if self.ledger.journal(self.record, step, known, &self.deadline).await? {",
        "if true || self.ledger.journal(self.record, step, known, &self.deadline).await? {",
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
        "reconcile/crew.rs",
        "take_money_out(round, &id, &mut attempt).await;",
        "Ok::<(), CallError>(());",
        "money::",
    ),
    (
        "only changed fields: nobody's hand edit is undone",
        "reconcile/difference.rs",
        ".filter(|(name, value)| must_go(name, value))",
        ".filter(|(name, value)| must_go(name, value) || true)",
        "prove::crashes::every_scenario_comes_in_step",
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
