"""The same job as a Python team would do it: boto3, Powertools for idempotency, Jinja for the page.

A signed booking goes to the calendar, to SCC, and to a guest page in S3; money is taken out of SCC's table. The page is made beside the
other two. What it leaves out is in bench/README.md.
"""

import base64
import hashlib
import hmac
import json
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import boto3
import jinja2
import urllib3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function
from botocore.config import Config

from rules import calendar_entry, charter_id, crew_event, ics, is_money, page_words

logger = Logger(service="booking-peer", level=logging.INFO)
session = boto3.session.Session()
settings = Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 3, "mode": "standard"})
dynamodb, s3, cloudfront, secrets_manager = (
    session.client(name, config=settings) for name in ("dynamodb", "s3", "cloudfront", "secretsmanager")
)
tables = session.resource("dynamodb", config=settings)
bookings, events = tables.Table(os.environ["PEER_TABLE"]), tables.Table(os.environ["SCC_EVENTS_TABLE"])
http = urllib3.PoolManager(timeout=urllib3.Timeout(connect=1, read=5), retries=urllib3.Retry(connect=2, read=0, redirect=0))
beside = ThreadPoolExecutor(max_workers=3)
bucket, site = os.environ["GUEST_PAGE_BUCKET"], os.environ["GUEST_PAGE_BASE_URL"]
pages = jinja2.Environment(loader=jinja2.FileSystemLoader(os.path.dirname(__file__)), autoescape=True)
page = pages.get_template("page.html.j2")


def read_secrets():
    prefix = os.environ["SECRETS_PREFIX"]
    names = ["webhook/boatsetter", "webhook", "calendar", "scc", "guest-page"]
    found = secrets_manager.batch_get_secret_value(SecretIdList=[f"{prefix}/{name}" for name in names])["SecretValues"]
    return {secret["Name"].removeprefix(prefix + "/"): json.loads(secret["SecretString"]) for secret in found}


secrets = read_secrets()
persistence = DynamoDBPersistenceLayer(table_name=os.environ["PEER_TABLE"], boto3_client=dynamodb)
idempotency = IdempotencyConfig(event_key_jmespath="[id, status, revision, start_at]", expires_after_seconds=90 * 24 * 3600)


def is_authentic(headers, body):
    """Standard Webhooks: HMAC-SHA256 over id.timestamp.body."""
    name, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent_at.isdigit() or abs(time.time() - int(sent_at)) > 300:
        return False
    signed = f"{name}.{sent_at}.{body}".encode()
    given = [part.removeprefix("v1,") for part in headers.get("webhook-signature", "").split(" ")]
    webhook = secrets.get("webhook/boatsetter") or secrets["webhook"]
    for secret in webhook["signing_secrets"]:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        if any(hmac.compare_digest(right, one) for one in given):
            return True
    return False


def call(method, url, headers, body=None):
    answer = http.request(method, url, headers={"content-type": "application/json", **headers}, body=json.dumps(body) if body else None)
    if answer.status >= 300 and not (method == "DELETE" and answer.status == 404):
        raise RuntimeError(f"{method} {url} answered {answer.status}")
    return json.loads(answer.data) if answer.data else {}


def tell_the_calendar(booking, entry_id):
    calendar = secrets["calendar"]
    token = {"X-Dashboard-Token": calendar["dashboard_token"]}
    url = calendar["url"] + "/calendar"
    if booking["status"] != "confirmed":
        if entry_id:
            call("DELETE", f"{url}/{entry_id}", token)
        return None
    entry = calendar_entry(booking)
    if not entry_id:
        return call("POST", url, token, entry)["id"]
    call("PATCH", f"{url}/{entry_id}", token, {name: value for name, value in entry.items() if name not in ("booking_id", "event_id")})
    return entry_id


def tell_the_crew(booking, entry_id, is_known):
    scc = secrets["scc"]
    token, url = {"Authorization": f"Bearer {scc['service_key']}"}, scc["url"] + "/events"
    event = crew_event(booking, entry_id, site)
    if booking["status"] != "confirmed":
        if is_known:
            call("PATCH", f"{url}/{event['event_id']}", token, {"status": "cancelled"})
    elif is_known:
        changed = {name: event[name] for name in ("name", "date", "report_at", "released_at", "local_time", "duration_hours", "notes")}
        call("PATCH", f"{url}/{event['event_id']}", token, changed)
    else:
        call("POST", url, token, event)
    take_money_out(event["event_id"])


def take_money_out(event_id):
    query = events.query(KeyConditionExpression="event_id = :id", ExpressionAttributeValues={":id": event_id}, ConsistentRead=True)
    for item in query["Items"]:
        names = [name for name in item if is_money(name)]
        if names:
            events.update_item(
                Key={"event_id": item["event_id"], "created_timestamp": item["created_timestamp"]},
                UpdateExpression="REMOVE " + ", ".join(f"#n{i}" for i in range(len(names))),
                ExpressionAttributeNames={f"#n{i}": name for i, name in enumerate(names)},
            )


def publish(booking, was_published):
    key = f"g/{charter_id(booking, secrets)}"
    headers = {"Bucket": bucket, "CacheControl": "public, max-age=0, s-maxage=86400, must-revalidate"}
    words = page_words(booking, site + "/" + key + ".ics")
    html = beside.submit(s3.put_object, Key=key + ".html", Body=page.render(words).encode(), ContentType="text/html; charset=utf-8", **headers)
    s3.put_object(Key=key + ".ics", Body=ics(booking, words), ContentType="text/calendar; charset=utf-8", **headers)
    html.result()
    if was_published:
        paths = ["/" + key, "/" + key + ".html", "/" + key + ".ics"]
        batch = {"Paths": {"Quantity": len(paths), "Items": paths}, "CallerReference": f"{key}-{booking['revision']}"}
        cloudfront.create_invalidation(DistributionId=secrets["guest-page"]["distribution_id"], InvalidationBatch=batch)


@idempotent_function(data_keyword_argument="booking", persistence_store=persistence, config=idempotency)
def bring_in_step(booking):
    known = bookings.get_item(Key={"id": "booking#" + booking["id"]}, ConsistentRead=True).get("Item", {})
    booking = dict(booking, charter_id=charter_id(booking, secrets))
    published = beside.submit(publish, booking, bool(known))
    entry_id = tell_the_calendar(booking, known.get("entry_id"))
    tell_the_crew(booking, entry_id, bool(known))
    published.result()
    bookings.put_item(
        Item={"id": "booking#" + booking["id"], "entry_id": entry_id, "charter_id": booking["charter_id"], "status": booking["status"],
              "revision": booking["revision"], "start_at": booking["start_at"], "updated_at": datetime.now().isoformat()}
    )
    logger.info("in step", extra={"booking_id": booking["id"], "charter_id": booking["charter_id"], "entry_id": entry_id})
    return {"booking_id": booking["id"], "charter_id": booking["charter_id"], "state": "in_step",
            "guest_page": f"{site}/g/{booking['charter_id']}"}


def answer(status, body):
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body), "isBase64Encoded": False}


@logger.inject_lambda_context
def handle(event, context):
    headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body).decode()
    if not is_authentic(headers, body):
        return answer(401, {"title": "the signature is not right"})
    try:
        booking = json.loads(body)["data"]["booking"]
    except (ValueError, KeyError, TypeError):
        return answer(422, {"title": "not a booking"})
    try:
        idempotency.register_lambda_context(context)
        return answer(200, bring_in_step(booking=booking))
    except Exception:
        logger.exception("not in step", extra={"booking_id": booking.get("id")})
        return answer(500, {"title": "not in step: deliver it again"})
