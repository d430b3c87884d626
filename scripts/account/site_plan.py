"""What the live site's distribution needs for /g/*, decided from what is there. Pure.

The distribution and the bucket serve the whole site and are older than this project. Only one behaviour, g/*, is ever added or
changed. Who may read the bucket is never changed here: a bucket policy is one document for the whole site, and one that names g/*
alone would answer 403 to everything else.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

PATTERN = "g/*"
# AWS's CachingOptimized: neither query strings nor cookies nor headers are part of the key.
CACHE_POLICY = "658327ea-f89d-4fab-a63d-7e88639e58f6"


@dataclass(frozen=True)
class Pieces:
    """What the stack has made for /g/*, and the bucket that its pages lie in."""

    function_arn: str
    headers_policy: str
    bucket: str


def refusals(config: dict, pieces: Pieces) -> list[str]:
    """Why the pieces cannot be attached to this distribution as it is."""
    behaviour = own_behaviour(config) or config["DefaultCacheBehavior"]
    origins = {origin["Id"]: origin for origin in config["Origins"]["Items"]}
    origin = origins.get(behaviour["TargetOriginId"])
    if origin is None:
        return [f"g/* goes to {behaviour['TargetOriginId']}, which is no single origin (an origin group?): give g/* an origin of its own"]
    return origin_refusals(origin, pieces) + function_refusals(own_behaviour(config), pieces)


def origin_refusals(origin: dict, pieces: Pieces) -> list[str]:
    domain = origin["DomainName"]
    if ".s3-website" in domain:
        return [
            f"the origin {domain} is a website endpoint: it is plain http, it reads public buckets alone, and it answers with error and "
            "index pages and redirects of its own. Add the bucket's REST endpoint as a second origin, with an origin access control, "
            "and let g/* go there; leave the site's other paths where they are (docs/deploy.md#a-website-endpoint)"
        ]
    if not domain.startswith(f"{pieces.bucket}.s3"):
        return [f"the origin {domain} is not the bucket {pieces.bucket}, where the pages are put: add that bucket as an origin and let g/* go there"]
    found = []
    if origin.get("OriginPath"):
        found.append(f"the origin has the path {origin['OriginPath']}, so /g/X is looked for below it: add an origin without a path for g/*")
    identity = (origin.get("S3OriginConfig") or {}).get("OriginAccessIdentity")
    if not origin.get("OriginAccessControlId") and not identity:
        found.append("the origin has neither an origin access control nor an identity, so the bucket must be public: give it one first (docs/deploy.md#who-may-read-the-bucket)")
    return found


def function_refusals(behaviour: dict | None, pieces: Pieces) -> list[str]:
    """An event has one function only, and somebody else's is not ours to replace."""
    if behaviour is None:
        return []
    functions = (behaviour.get("FunctionAssociations") or {}).get("Items") or []
    found = [
        f"g/* has a viewer-request function already, {one['FunctionARN']}: the two must be made one"
        for one in functions
        if one["EventType"] == "viewer-request" and one["FunctionARN"] != pieces.function_arn
    ]
    edges = (behaviour.get("LambdaFunctionAssociations") or {}).get("Items") or []
    if any(one["EventType"].startswith("viewer-") for one in edges):
        found.append("g/* has a Lambda@Edge function on a viewer event, beside which CloudFront takes no function of its own")
    return found


def own_behaviour(config: dict) -> dict | None:
    return next((one for one in config["CacheBehaviors"].get("Items") or [] if one["PathPattern"].lstrip("/") == PATTERN), None)


def attached(config: dict, pieces: Pieces) -> dict:
    """The configuration with the behaviour of g/*; nothing else differs."""
    after = copy.deepcopy(config)
    behaviour = own_behaviour(after)
    others = [one for one in after["CacheBehaviors"].get("Items") or [] if one is not behaviour]
    behaviour = behaviour or after["DefaultCacheBehavior"]
    # A cache policy and these exclude each other.
    kept = {key: copy.deepcopy(value) for key, value in behaviour.items() if key not in ("ForwardedValues", "MinTTL", "DefaultTTL", "MaxTTL")}
    kept |= {
        "PathPattern": PATTERN,
        "CachePolicyId": CACHE_POLICY,
        "ResponseHeadersPolicyId": pieces.headers_policy,
        "ViewerProtocolPolicy": "redirect-to-https",
        "FunctionAssociations": {"Quantity": 1, "Items": [{"EventType": "viewer-request", "FunctionARN": pieces.function_arn}]},
    }
    after["CacheBehaviors"] = {"Quantity": len(others) + 1, "Items": [kept, *others]}
    return after


def error_notes(config: dict) -> list[str]:
    """What an unknown link gets. Error pages are the whole site's, so they are said and not changed."""
    found = (config.get("CustomErrorResponses") or {}).get("Items") or []
    ours = {one["ErrorCode"] for one in found if one.get("ResponsePagePath") == "/g/not-found.html"}
    if ours >= {403, 404}:
        return []
    if found:
        return ["The site has error pages of its own. Leave them: an unknown link shows those, and the check's line unknown_link stays red"]
    return ["The site has no error pages: an unknown link shows S3's XML. Its owner may add /g/not-found.html for 403 and 404 (docs/deploy.md)"]


def bucket_notes(policy: dict | None) -> list[str]:
    """What the bucket's policy says of who may read. It is never changed here."""
    if policy is None:
        return ["The bucket has no policy: CloudFront can read it only if its objects are public, or by an identity that their ACLs name"]
    notes = []
    for statement in policy["Statement"]:
        if statement["Effect"] != "Allow":
            continue
        if statement.get("Principal") in ("*", {"AWS": "*"}) and not statement.get("Condition"):
            notes.append("Everybody may read the bucket past CloudFront. To end that, first docs/deploy.md#who-may-read-the-bucket")
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        if all("/g/" in resource for resource in resources) and "cloudfront" in str(statement.get("Principal")):
            notes.append("CloudFront may read g/* alone: is the rest of the site served from elsewhere?")
    return notes
