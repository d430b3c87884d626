"""Whether a version that was just deployed holds. Pure: what was asked and answered goes in, a decision comes out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class Answer:
    """What a question was answered. Exactly one of the two is set."""

    document: dict | None = None
    failure: str | None = None


class Outcome(Enum):
    HOLDS = "holds"
    PUT_BACK = "put back"
    # It does not hold, but there is nothing better to go back to.
    LEAVE = "leave"


@dataclass(frozen=True)
class Verdict:
    outcome: Outcome
    faults: tuple[str, ...]
    # Red before the deployment too, or on a first one: something to mend, and no reason to go back.
    to_mend: tuple[str, ...]


def red_lines(check: Answer | None) -> dict[str, str]:
    """The lines of a health check that are not ok, each with what to do."""
    if check is None or check.document is None:
        return {}
    lines = [line for line in check.document.get("checks", []) if not line.get("ok")]
    return {line["name"]: ". ".join(filter(None, [line.get("detail"), line.get("next")])) for line in lines}


def judge(before: Answer | None, check: Answer, plan: Answer) -> Verdict:
    """Judges the new version's answers against what the version before it answered; None if there was none.

    A line of the check that was red before is not the new version's fault. A version before that did not answer at all is
    nothing to go back to: the deployment may be the one that mends it.
    """
    faults = [fault for fault in (_fault_of_check(check), _fault_of_plan(plan)) if fault]
    red, red_before = red_lines(check), red_lines(before)
    comparable = before is not None and _fault_of_check(before) is None
    newly = [f"{name}: {text}" for name, text in red.items() if comparable and name not in red_before]
    to_mend = [f"{name}: {text}" for name, text in red.items() if not comparable or name in red_before]
    faults += newly
    if not faults:
        outcome = Outcome.HOLDS
    else:
        outcome = Outcome.PUT_BACK if comparable else Outcome.LEAVE
    return Verdict(outcome, tuple(faults), tuple(to_mend))


def _fault_of_check(answer: Answer) -> str | None:
    if answer.failure:
        return f'{{"check": {{}}}} got no answer: {answer.failure}'
    if not isinstance((answer.document or {}).get("checks"), list):
        return '{"check": {}} was answered without a list of checks'
    return None


def _fault_of_plan(answer: Answer) -> str | None:
    if answer.failure:
        return f'{{"plan": …}} got no answer: {answer.failure}'
    status = (answer.document or {}).get("status", 200)
    if isinstance(status, int) and status >= 400:
        return f'{{"plan": …}} was answered {status}: {(answer.document or {}).get("detail", "")}'
    return None
