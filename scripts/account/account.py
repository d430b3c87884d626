"""The operator's AWS account, through boto3: credentials from wherever boto3 finds them (variables, profiles, SSO, a role)."""

from __future__ import annotations

import json
from contextlib import contextmanager

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .settings import Refused, Settings
from .verdict import Answer

# Above the function's own 29 s.
ANSWER_WITHIN_SECONDS = 40


class Account:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        with understood():
            self.session = boto3.Session(region_name=settings.region)

    def client(self, service: str):
        # One try for an invocation: a second one would ask twice.
        config = Config(read_timeout=ANSWER_WITHIN_SECONDS, retries={"total_max_attempts": 1 if service == "lambda" else 3})
        return self.session.client(service, config=config)

    def whoami(self) -> str:
        with understood():
            identity = self.client("sts").get_caller_identity()
        return f"{identity['Arn']} in {self.settings.region}"

    def credentials(self) -> dict[str, str]:
        """The session's credentials as variables, for programs that know no profiles and no SSO."""
        with understood():
            found = self.session.get_credentials()
            if found is None:
                raise Refused(NO_CREDENTIALS)
            frozen = found.get_frozen_credentials()
        variables = {"AWS_ACCESS_KEY_ID": frozen.access_key, "AWS_SECRET_ACCESS_KEY": frozen.secret_key}
        if frozen.token:
            variables["AWS_SESSION_TOKEN"] = frozen.token
        return variables

    def stack(self) -> dict | None:
        """The stack as CloudFormation describes it; None if there is none."""
        try:
            with understood():
                return self.client("cloudformation").describe_stacks(StackName=self.settings.stack)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise

    def template(self) -> str:
        """The template of the last deployment, with the places of its artifacts."""
        answer = self.client("cloudformation").get_template(StackName=self.settings.stack, TemplateStage="Original")
        body = answer["TemplateBody"]
        return body if isinstance(body, str) else json.dumps(body)

    def ask(self, question: str) -> Answer:
        """Invokes what `live` points at."""
        try:
            answer = self.client("lambda").invoke(FunctionName=self.settings.stack, Qualifier="live", Payload=question.encode())
            text = answer["Payload"].read().decode(errors="replace")
        except ClientError as error:
            stopped = error.response.get("Reason") == "ReservedFunctionConcurrentInvocationLimitExceeded"
            return Answer(failure=STOPPED if stopped else str(error))
        except BotoCoreError as error:
            return Answer(failure=str(error))
        if answer.get("FunctionError"):
            return Answer(failure=f"the function failed ({answer['FunctionError']}): {text[:500]}")
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            return Answer(failure=f"the answer is not a JSON object: {text[:200]}")
        return Answer(document=document)


STOPPED = "the function has no invocation left: its reserved concurrency is 0, or all of it is busy"
NO_CREDENTIALS = (
    "No AWS credentials. Set AWS_PROFILE (with SSO: aws sso login --profile NAME first), or AWS_ACCESS_KEY_ID and the rest"
)
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"}


@contextmanager
def understood():
    """Says in words what is wrong with credentials; other errors pass through."""
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in EXPIRED:
            raise Refused(f"AWS does not take these credentials any more: {error}. With SSO: aws sso login") from error
        raise
    except BotoCoreError as error:
        kind = type(error).__name__
        if kind in ("NoCredentialsError", "PartialCredentialsError"):
            raise Refused(NO_CREDENTIALS) from error
        if kind == "ProfileNotFound" or "SSO" in kind or "Token" in kind or "Login" in kind:
            raise Refused(f"{error}. With SSO: aws sso login --profile NAME") from error
        raise


def parameters_of(stack: dict) -> dict[str, str]:
    return {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}


def outputs_of(stack: dict) -> dict[str, str]:
    return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
