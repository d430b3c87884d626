"""A changed operator file: uploaded, read by a health check as a cold start would, then in use by new environments."""

from __future__ import annotations

from pathlib import Path

from botocore.exceptions import ClientError

from .account import Account, parameters_of
from .deployment import CHECK, Failed, redeploy, say
from .settings import Refused
from .verdict import Answer, red_lines

# The lines of the health check that read the file.
LINE = "operator_file"


def put(account: Account, file: Path, drawer: Path) -> None:
    """Puts `file` in the place of the operator file. If anything goes wrong, the one before is back at the end."""
    stack = account.stack()
    where = parameters_of(stack) if stack else {}
    bucket, key = where.get("ConfigurationBucket"), where.get("OperatorKey")
    if not bucket or not key:
        raise Refused("The function has no operator file: ConfigurationBucket and OperatorKey are empty in infra/samconfig.toml")
    s3 = account.client("s3")
    try:
        before = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
            raise
        before = None
    say(f"Uploading {file} to s3://{bucket}/{key}")
    s3.put_object(Bucket=bucket, Key=key, Body=file.read_bytes())
    try:
        say("Asking for a health check, which reads the new file")
        if fault := file_fault(account.ask(CHECK)):
            raise Failed(f"The file is not in use: {fault}")
        redeploy(account, drawer)
    except (Failed, Refused):
        put_back(s3, bucket, key, before)
        raise


def file_fault(check: Answer) -> str | None:
    """Why the file cannot be used, by what a health check says of it."""
    if check.document is None:
        return f"the health check got no answer: {check.failure}"
    return red_lines(check).get(LINE)


def put_back(s3, bucket: str, key: str, before: bytes | None) -> None:
    if before is None:
        say("The file is removed again: there was none before")
        s3.delete_object(Bucket=bucket, Key=key)
    else:
        say("The file before is put back")
        s3.put_object(Bucket=bucket, Key=key, Body=before)
