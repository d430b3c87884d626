"""What would make a deployment fail after minutes, found in seconds. Pure: what AWS says goes in, reasons come out."""

from __future__ import annotations

# AWS keeps this many invocations unreserved; a young account may have fewer in all, and then can reserve none.
KEPT_UNRESERVED = 100

WHAT_TO_DO = {
    "ROLLBACK_COMPLETE": "its first creation failed. Read why in its events, then delete it: docs/deploy.md#after-a-failed-first-creation",
    "ROLLBACK_FAILED": "its first creation failed, and so did its clean-up: docs/deploy.md#after-a-failed-first-creation",
    "DELETE_FAILED": "a deletion did not end: docs/deploy.md#after-a-failed-first-creation",
    "UPDATE_ROLLBACK_FAILED": "going back failed. In the CloudFormation console choose Stack actions, Continue update rollback",
}


def stack_faults(status: str | None) -> list[str]:
    """Why a stack with this status cannot be deployed to; None is a stack that is not there yet."""
    if status is None or status == "REVIEW_IN_PROGRESS":
        return []
    if status in WHAT_TO_DO:
        return [f"the stack is {status}: {WHAT_TO_DO[status]}"]
    if status.endswith("_IN_PROGRESS"):
        return [f"the stack is {status}: another deployment is at work. Wait for it"]
    return []


def concurrency_faults(total: int, unreserved: int, own: int, wanted: int) -> list[str]:
    """Whether the account's limit leaves room for `wanted` reserved invocations; `own` are already this function's."""
    must_stay = min(KEPT_UNRESERVED, total)
    room = unreserved + own - must_stay
    if wanted <= max(room, 0):
        return []
    return [
        f"ReservedConcurrency={wanted}, but of the account's {total} invocations AWS keeps {must_stay} unreserved, which leaves "
        f"{max(room, 0)}. Write ReservedConcurrency = \"{max(room, 0)}\" into infra/samconfig.toml, or ask AWS for a higher limit"
    ]


def ledger_faults(deployed: dict[str, str], wanted: dict[str, str]) -> list[str]:
    """A deployment never points the function at another ledger by the way: that would be an old one, or an empty one."""
    name = "RestoredLedger"
    if deployed.get(name, "") == wanted.get(name, ""):
        return []
    return [
        f"the function uses the ledger {deployed.get(name) or 'of the stack'}, and infra/samconfig.toml says {name} = "
        f"\"{wanted.get(name, '')}\". Write {name} = \"{deployed.get(name, '')}\" there. To change the ledger on purpose: "
        "docs/runbook.md#the-whole-table"
    ]


def region_faults(what: str, found: str | None, wanted: str) -> list[str]:
    """A bucket in another region is one that the function would be redirected to, which it does not follow."""
    if found in (None, wanted):
        return []
    return [f"{what} is in {found}, and the function in {wanted}"]
