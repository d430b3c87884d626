"""What infra/samconfig.toml says about one environment, checked before anything is installed, built or called."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENTS = ("staging", "production")
FILE = Path("infra/samconfig.toml")
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


class Refused(Exception):
    """Something that a person must change first. The text says what, where and how."""


@dataclass(frozen=True)
class Settings:
    environment: str
    stack: str
    region: str
    parameters: dict[str, str]


def read(environment: str, text: str | None = None) -> Settings:
    """Reads the section of one environment. `text` stands in for the file in tests."""
    if environment not in ENVIRONMENTS:
        raise Refused(f"ENV is {environment or 'not set'}. Say ENV=staging or ENV=production")
    try:
        document = tomllib.loads(FILE.read_text() if text is None else text)
        section = document[environment]["deploy"]["parameters"]
        stack, region, parameters = section["stack_name"], section["region"], section["parameter_overrides"]
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{FILE} is not TOML: {error}") from error
    except KeyError as error:
        raise Refused(f"{FILE} has no {error} under [{environment}.deploy.parameters]") from error
    parameters = {name: str(value) for name, value in parameters.items()}
    if blank := [f"  {name} = {value!r}" for name, value in parameters.items() if value.startswith("<")]:
        raise Refused("\n".join([f"{FILE}, {environment}: fill in (docs/deploy.md says with what)", *blank]))
    if not REGION.fullmatch(region):
        raise Refused(f"{FILE}, {environment}: region is {region!r}; a region looks like us-west-2")
    return Settings(environment, stack, region, parameters)


def change(parameters: dict[str, str], assignment: str) -> dict[str, str]:
    """The parameters with one of them changed by `Name=Value`."""
    name, equals, value = assignment.partition("=")
    if not equals or name not in parameters:
        known = ", ".join(sorted(parameters))
        raise Refused(f"SET is {assignment!r}. Say SET=Name=Value, with one of: {known}")
    return {**parameters, name: value}
