"""The template as text: the mark in the function's description that makes every deployment a new version."""

from __future__ import annotations

import hashlib
import re

from .settings import Refused

# In infra/template.yaml the digits are zeros.
MARK = re.compile(r"deployment-[0-9a-f]{12}")


def digest(*parts: str) -> str:
    """Twelve hexadecimal digits over all that can change a deployment: templates, parameters, a nonce."""
    whole = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return whole[:12]


def mark(template: str, digits: str) -> str:
    """The template with these digits in the description.

    SAM publishes a version when the function's properties change, and compares before parameters and outputs of nested stacks
    are filled in. With this mark every change is a change of the function, and reaches the alias.
    """
    marked, times = MARK.subn(f"deployment-{digits}", template)
    if times != 1:
        raise Refused(f"The template has the mark deployment-000000000000 {times} times; it belongs into the function's description, once")
    return marked
