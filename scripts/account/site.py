"""The live site: reads what is there, says what would change, and with APPLY=1 adds the one behaviour of g/*."""

from __future__ import annotations

import difflib
import json
from pathlib import Path

from botocore.exceptions import ClientError

from . import site_plan
from .account import Account, outputs_of
from .deployment import say
from .settings import Refused


def run(account: Account, *, apply: bool) -> None:
    stack = account.stack()
    if stack is None:
        raise Refused("The pieces are made by the stack: make deploy ENV=production first")
    outputs = outputs_of(stack)
    pieces = site_plan.Pieces(outputs["ViewerRequestArn"], outputs["GuestPageHeadersPolicyId"], outputs["GuestPageBucket"])
    identifier = outputs["GuestPageDistributionId"]
    client = account.client("cloudfront")
    answer = client.get_distribution_config(Id=identifier)
    config, etag = answer["DistributionConfig"], answer["ETag"]
    copy = Path(f"distribution-{identifier}-before.json")
    copy.write_text(json.dumps(config, indent=2, default=str))
    say(f"The distribution {identifier} as it is: {copy}")
    for note in site_plan.bucket_notes(bucket_policy(account, pieces.bucket)) + site_plan.error_notes(config):
        say(note)
    if refused := site_plan.refusals(config, pieces):
        raise Refused("\n".join(["Nothing was changed.", *refused]))
    after = site_plan.attached(config, pieces)
    if after == config:
        say("g/* is as it should be")
        return
    lines = [json.dumps(one, indent=2, sort_keys=True, default=str).splitlines() for one in (config, after)]
    print("\n".join(difflib.unified_diff(*lines, "as it is", "as it would be", lineterm="")))
    if not apply:
        say("Nothing was changed. Read the difference, then: make live-site ENV=production APPLY=1")
        return
    client.update_distribution(Id=identifier, IfMatch=etag, DistributionConfig=after)
    say("The behaviour of g/* is in place; CloudFront takes some minutes to bring it everywhere. Then send a health check")


def bucket_policy(account: Account, bucket: str) -> dict | None:
    try:
        return json.loads(account.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucketPolicy":
            return None
        raise
