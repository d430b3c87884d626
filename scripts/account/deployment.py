"""Deploys, asks the new version, and puts the previous one back if it does not hold.

One phase: CloudFormation moves the alias, and the new version is asked right after. What it is given besides its code (role,
tables, variables) belongs to the same stack, so a version that was asked before the alias moved would have been asked with half of
it. Until a bad version is put back, senders are answered 5xx and repeat, the sweep comes a minute later, and what is on record
stays: versions read each other's records.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from . import link_pictures, preflight, template_text
from .account import STOPPED, Account, outputs_of, parameters_of
from .settings import Refused
from .verdict import Answer, Outcome, judge, red_lines

CHECK = '{"check": {}}'
PLAN = Path("tests/fixtures/plan.json")
# The edge keeps a miss for some seconds, so a line about the guest site may be red for as long after a deployment.
ASKED_AT_MOST = 8
# A version that does not answer at all is asked once more, and then put back.
ASKED_WITHOUT_ANSWER = 2
PAUSE_SECONDS = float(os.environ.get("ASK_PAUSE_SECONDS", "10"))


class Failed(Exception):
    """The deployment did not come to a good end; the text says how things stand now."""


def deploy(account: Account, built: Path, drawer: Path) -> None:
    """Deploys what SAM has built, with the parameters of infra/samconfig.toml."""
    stack = account.stack()
    refuse(preflight.stack_faults(stack and stack["StackStatus"]))
    wanted = account.settings.parameters
    if stack:
        refuse(preflight.ledger_faults(parameters_of(stack), wanted))
    template = (built / "template.yaml").read_text()
    nested = [path.read_text() for path in sorted(built.glob("*/template.yaml"))]
    digits = template_text.digest(template, *nested, json.dumps(wanted, sort_keys=True))
    change(account, stack, template_text.mark(template, digits), wanted, built, drawer)


def redeploy(account: Account, drawer: Path, parameters: dict[str, str] | None = None) -> None:
    """Deploys what is deployed once more: a new version, so new environments; perhaps with other parameters."""
    stack = account.stack()
    if stack is None:
        raise Refused(f"There is no stack {account.settings.stack}. Deploy first: make deploy ENV={account.settings.environment}")
    refuse(preflight.stack_faults(stack["StackStatus"]))
    template = template_text.mark(account.template(), template_text.digest(str(time.time_ns())))
    with tempfile.TemporaryDirectory() as folder:
        change(account, stack, template, parameters or parameters_of(stack), Path(folder), drawer)


def change(account: Account, stack: dict | None, template: str, parameters: dict[str, str], folder: Path, drawer: Path) -> None:
    """Brings the stack to this template and these parameters, or back to where it was. `drawer` draws the pictures of links."""
    complete = stack if stack and stack["StackStatus"] != "REVIEW_IN_PROGRESS" else None
    previous = (account.template(), parameters_of(complete)) if complete else None
    say("Drawing the pictures of links")
    pictures = link_pictures.draw(account, parameters, drawer)
    site = guest_site(complete, parameters)
    if site:
        say(f"Putting them into s3://{site}/g/, where the new version's pages look for them")
        link_pictures.put(account, site, pictures)
    say(f"Asking the version before: {CHECK}" if previous else "There is no version before this one")
    before = account.ask(CHECK) if previous else None
    sam_deploy(account, template, parameters, folder, confirm=True)
    if not site:
        site = guest_site(account.stack(), parameters)
        say(f"Putting the pictures into s3://{site}/g/, which is there now")
        link_pictures.put(account, site, pictures)
    check, plan = ask_new(account, before)
    if before and before.failure == check.failure == STOPPED:
        say("The function is stopped, before and after, so the new version was not asked. Start it, then send a health check")
        return
    verdict = judge(before, check, plan)
    for line in verdict.to_mend:
        say(f"To mend, and not this version's fault: {line}")
    if verdict.outcome is Outcome.HOLDS:
        say("The new version answers as it should.")
        for name, value in outputs_of(account.stack() or {}).items():
            print(f"  {name:<26}{value}")
        return
    faults = "\n".join(f"  {fault}" for fault in verdict.faults)
    if verdict.outcome is Outcome.LEAVE or previous is None:
        raise Failed(f"The new version does not hold, and there is none before it that did. It stays:\n{faults}")
    say(f"The new version does not hold:\n{faults}\nThe previous one is put back")
    sam_deploy(account, *previous, folder, confirm=False)
    again = account.ask(CHECK)
    how = "answers as before" if again.document else f"does not answer either: {again.failure}"
    raise Failed(f"Not deployed. The new version did not hold:\n{faults}\nThe previous one is back, and {how}.")


def guest_site(stack: dict | None, parameters: dict[str, str]) -> str | None:
    """The guest site's bucket: the one that is there in production, staging's own as soon as its stack has made it."""
    return parameters.get("GuestPageBucket") or outputs_of(stack or {}).get("GuestPageBucket")


def ask_new(account: Account, before: Answer | None) -> tuple[Answer, Answer]:
    """Both questions; the first one again while something is red that was not red before."""
    for asked in range(1, ASKED_AT_MOST + 1):
        say(f"Asking the new version: {CHECK}")
        check = account.ask(CHECK)
        newly_red = sorted(set(red_lines(check)) - set(red_lines(before)))
        if not may_change(check, newly_red, before, asked):
            break
        say(f"  not yet: {check.failure or ', '.join(newly_red)}")
        time.sleep(PAUSE_SECONDS)
    say(f"Asking the new version: {PLAN}, a dry run")
    return check, account.ask(PLAN.read_text())


def may_change(check: Answer, newly_red: list[str], before: Answer | None, asked: int) -> bool:
    """Whether a further question may be answered better."""
    if check.document is None:
        return asked < ASKED_WITHOUT_ANSWER
    return before is not None and bool(newly_red) and asked < ASKED_AT_MOST


def sam_deploy(account: Account, template: str, parameters: dict[str, str], folder: Path, *, confirm: bool) -> None:
    """One change set, shown and carried out by SAM, event by event. SAM waits for a yes where infra/samconfig.toml says so."""
    settings = account.settings
    handed = folder / f"handed-over-{settings.environment}.yaml"
    handed.write_text(template)
    # A file, for a command line has no way to write an empty value.
    values = folder / f"parameters-{settings.environment}.yaml"
    values.write_text(json.dumps(parameters, indent=2))
    command = ["sam", "deploy", "--template-file", str(handed), "--parameter-overrides", f"file://{values.resolve()}"]
    command += ["--config-file", str(Path("infra/samconfig.toml").resolve()), "--config-env", settings.environment]
    if os.environ.get("CI") or not confirm:
        command.append("--no-confirm-changeset")
    if role := os.environ.get("CLOUDFORMATION_ROLE"):
        command += ["--role-arn", role]
    say(f"sam deploy: {settings.stack}")
    environment = {**os.environ, **account.credentials(), "AWS_REGION": settings.region, "SAM_CLI_TELEMETRY": "0"}
    environment.pop("AWS_PROFILE", None)  # Its credentials are there already, as variables.
    ended = subprocess.run(command, env=environment, check=False)
    if ended.returncode:
        raise Failed("CloudFormation did not carry the change out; it has gone back to where it was by itself. The events above say why.")


def refuse(faults: list[str]) -> None:
    if faults:
        raise Refused("\n".join(faults))


def say(text: str) -> None:
    print(f"-- {text}", flush=True)
