"""Before a deployment: who deploys, whether the stack can take it, and on the first one whether the account is ready."""

from __future__ import annotations

from botocore.exceptions import ClientError

from . import preflight as decide
from .account import Account, parameters_of
from .deployment import refuse, say

DENIED = {"AccessDenied", "AccessDeniedException", "403", "UnauthorizedOperation"}


def preflight(account: Account) -> None:
    say(f"Deploying as {account.whoami()}")
    stack = account.stack()
    faults = decide.stack_faults(stack and stack["StackStatus"])
    if stack:
        faults += decide.ledger_faults(parameters_of(stack), account.settings.parameters)
    faults += looked_at("the account's concurrency", concurrency, account)
    faults += looked_at("the configuration bucket", configuration, account)
    if account.settings.environment == "production":
        faults += looked_at("the secrets", secrets, account)
    refuse(faults)
    say("The account is ready")


def looked_at(what: str, look, account: Account) -> list[str]:
    """A look that the credentials do not permit is said and passed over: the pipeline's role sees little."""
    try:
        return look(account)
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:
            raise
        say(f"Not checked: {what}. These credentials may not look")
        return []


def concurrency(account: Account) -> list[str]:
    client = account.client("lambda")
    limits = client.get_account_settings()["AccountLimit"]
    try:
        own = client.get_function_concurrency(FunctionName=account.settings.stack).get("ReservedConcurrentExecutions", 0)
    except client.exceptions.ResourceNotFoundException:
        own = 0
    wanted = int(account.settings.parameters["ReservedConcurrency"])
    return decide.concurrency_faults(
        limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"], own, wanted
    )


def configuration(account: Account) -> list[str]:
    bucket, key = (account.settings.parameters.get(name, "") for name in ("ConfigurationBucket", "OperatorKey"))
    if not bucket or not key:
        return []
    s3 = account.client("s3")
    try:
        region = s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] or "us-east-1"
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "NoSuchBucket":
            return [f"there is no bucket {bucket} (ConfigurationBucket): docs/deploy.md#0-is-the-account-ready"]
        if code in ("NoSuchKey", "404"):
            return [f"there is no s3://{bucket}/{key} (OperatorKey): upload the operator file first"]
        raise
    return decide.region_faults(f"the bucket {bucket}", region, account.settings.region)


def secrets(account: Account) -> list[str]:
    prefix = account.settings.parameters["SecretsPrefix"]
    client = account.client("secretsmanager")
    missing = []
    for name in ("webhook", "calendar", "scc", "guest-page"):
        try:
            client.describe_secret(SecretId=f"{prefix}/{name}")
        except client.exceptions.ResourceNotFoundException:
            missing.append(f"there is no secret {prefix}/{name} in {account.settings.region}: docs/configuration.md#secrets says what belongs into it")
    return missing
