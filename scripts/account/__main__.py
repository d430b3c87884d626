"""What is done in the operator's AWS account. scripts/aws.sh calls it, twice: `inputs` before anything is installed."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from .settings import Refused, change, read

VERBS = ("preflight", "whoami", "deploy", "fresh", "operator", "ask", "invoke", "logs", "smoke", "site")
NEEDS_FILE = {"operator": "operator.toml", "invoke": "tests/fixtures/plan.json"}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/aws.sh")
    parser.add_argument("--inputs", action="store_true", help="only check what was given")
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("environment")
    parser.add_argument("--file", default="")
    parser.add_argument("--set", dest="assignment", default="")
    parser.add_argument("--question", default="")
    parser.add_argument("--built", type=Path, default=Path("target/sam/build"))
    parser.add_argument("--program", type=Path, default=Path("target/debug/smoke"))
    parser.add_argument("--drawer", type=Path, default=Path("target/debug/link-pictures"))
    parser.add_argument("--apply", action="store_true")
    return parser.parse_args()


def check_inputs(given: argparse.Namespace):
    """Everything that can be said without AWS and without a package."""
    settings = read(given.environment)
    if given.verb in NEEDS_FILE and not Path(given.file).is_file():
        raise Refused(f"FILE is {given.file or 'not set'}, which is no file. For example: FILE={NEEDS_FILE[given.verb]}")
    if given.assignment:
        change(settings.parameters, given.assignment)
    if given.verb == "smoke" and given.environment != "staging":
        # It makes bookings and cancels them: nobody's crew is told that way.
        raise Refused("The smoke test runs in staging only: ENV=staging")
    if given.verb == "site" and given.environment != "production":
        raise Refused("Staging's distribution is made by its own template. The live site is ENV=production")
    return settings


def run(given: argparse.Namespace) -> None:
    settings = check_inputs(given)
    if given.inputs:
        return
    from . import deployment, first, operator_file, site, verbs  # boto3 is there only once it is installed
    from .account import Account

    account = Account(settings)
    if given.verb == "preflight":
        first.preflight(account)
    elif given.verb == "whoami":
        account.whoami()
    elif given.verb == "deploy":
        deployment.deploy(account, given.built, given.drawer)
    elif given.verb == "fresh":
        stack = account.stack() or {}
        parameters = deployment.parameters_of(stack)
        deployment.redeploy(account, given.drawer, change(parameters, given.assignment) if given.assignment else None)
    elif given.verb == "operator":
        operator_file.put(account, Path(given.file), given.drawer)
    elif given.verb == "ask":
        verbs.ask(account, given.question)
    elif given.verb == "site":
        site.run(account, apply=given.apply)
    else:
        {"invoke": verbs.invoke, "logs": verbs.logs, "smoke": verbs.smoke}[given.verb](account, given)


def main() -> int:
    given = arguments()
    try:
        run(given)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 an answer of AWS's that nobody foresaw is shown, not hidden
        if os.environ.get("ACCOUNT_TRACEBACK"):
            raise
        print(f"{type(error).__name__}: {error}" if type(error).__name__ != "Failed" else error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
