"""The verbs that hand over to another program, with the account's credentials as variables."""

from __future__ import annotations

import argparse
import json
import os
import sys

from .account import Account, outputs_of, parameters_of
from .settings import Refused


def ask(account: Account, question: str) -> None:
    """Prints what `live` answers; ends with 1 from status 400 on."""
    answer = account.ask(question)
    if answer.document is None:
        print(answer.failure, file=sys.stderr)
        sys.exit(1)
    print(json.dumps(answer.document, indent=2, ensure_ascii=False))
    status = answer.document.get("status")
    sys.exit(1 if isinstance(status, int) and status >= 400 else 0)


def invoke(account: Account, given: argparse.Namespace) -> None:
    hand_over(account, ["cargo", "lambda", "invoke", "--remote", "--alias", "live", account.settings.stack, "--data-file", given.file])


def logs(account: Account, _given: argparse.Namespace) -> None:
    settings = account.settings
    hand_over(account, ["sam", "logs", "--stack-name", settings.stack, "--name", "Webhook", "--region", settings.region, "--tail"])


def smoke(account: Account, given: argparse.Namespace) -> None:
    stack = account.stack()
    if stack is None:
        raise Refused(f"There is no stack {account.settings.stack}. Deploy first: make deploy ENV={account.settings.environment}")
    outputs = outputs_of(stack)
    variables = {
        "WEBHOOK_URL": outputs["WebhookUrl"],
        "GUEST_PAGE_BASE_URL": outputs["GuestPageBaseUrl"],
        "GUEST_PAGE_BUCKET_URL": f"https://{outputs['GuestPageBucket']}.s3.{account.settings.region}.amazonaws.com",
        "SECRETS_PREFIX": outputs["SecretsPrefix"],
        "SECOND_SENDER": parameters_of(stack).get("ReadySenders", "").split(",")[0],
        # When there is none of these, the smoke test says so.
        "MAILBOX_URL": outputs.get("OfficeMailboxUrl", "none"),
        "DESK_LINK": (account.ask('{"desk_link": {"days": 1}}').document or {}).get("url", "none"),
    }
    hand_over(account, [str(given.program)], variables)


def hand_over(account: Account, command: list[str], variables: dict[str, str] | None = None) -> None:
    """Becomes the command. It finds credentials in variables: it need not know profiles or SSO."""
    environment = {**os.environ, **account.credentials(), **(variables or {})}
    environment.pop("AWS_PROFILE", None)
    environment |= {"AWS_REGION": account.settings.region, "SAM_CLI_TELEMETRY": "0"}
    try:
        os.execvpe(command[0], command, environment)
    except FileNotFoundError as error:
        raise Refused(f"{command[0]} is not there: {error}") from error
