#!/usr/bin/env python3
"""Reads a booking's confirmation mail from standard input and posts it, signed, to the webhook. Standard library only.

    WEBHOOK_URL=https://…/webhooks/boatsetter WEBHOOK_SECRET=whsec_… ./mail_script.py < mail.eml

Boatsetter and GetMyBoat publish no mail format: PLATFORMS below fits the made-up mails beside this script. Forward one real mail of each
kind to yourself, compare, and change the labels. What cannot be found is left out, never guessed: the webhook then says what is missing,
keeps the delivery and tells the office.

Exit codes: 0 taken (also when it is kept for a person), 1 not taken (send it again), 2 no booking mail.
"""

import base64
import email
import email.policy
import email.utils
import hashlib
import hmac
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime, timezone

# The sender's domain tells the platform; each label stands at the beginning of a line, before a colon.
PLATFORMS = {
    "boatsetter.com": {
        "id": "Booking ID", "date": "Date", "time": "Start time", "hours": "Duration", "boat": "Boat", "party": "Guests",
        "gross": "Total", "guest": "Renter", "notes": "Message", "format": "%B %d, %Y %I:%M %p",
    },
    "getmyboat.com": {
        "id": "Reservation", "date": "Trip date", "time": "Departure", "hours": "Length", "boat": "Listing", "party": "Group size",
        "gross": "Price", "guest": "Customer", "notes": "Note", "format": "%m/%d/%Y %I:%M %p",
    },
}
# In the subject, the first that fits. A subject with none of them is sent with its own words, which the mapping does not know.
STATUSES = [(r"cancel", "cancelled"), (r"inquiry|request", "inquiry"), (r"confirm|changed|updated", "confirmed")]


def booking_of(message):
    """The canonical body, or None when the mail is of no platform that we know."""
    domain = email.utils.parseaddr(str(message["From"] or ""))[1].rpartition("@")[2].lower()
    platform = next((labels for name, labels in PLATFORMS.items() if domain == name or domain.endswith("." + name)), None)
    if platform is None:
        return None
    part = message.get_body(preferencelist=("plain", "html"))
    text = part.get_content() if part else ""
    if part is not None and part.get_content_subtype() == "html":
        text = re.sub(r"<[^>]+>", "", re.sub(r"(?i)<br\s*/?>|</(p|tr|div|li)>", "\n", text))

    def said(key):
        found = re.search(rf"(?im)^\s*{re.escape(platform[key])}\s*:\s*(.+?)\s*$", text)
        return found.group(1) if found else None

    def number(key):
        found = re.search(r"\d+(?:\.\d+)?", said(key) or "")
        return found.group(0) if found else None

    subject = str(message["Subject"] or "")
    status = next((word for pattern, word in STATUSES if re.search(pattern, subject, re.I)), subject[:40])
    sent_at = email.utils.parsedate_to_datetime(message["Date"]).astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    start = None
    if said("date") and said("time"):
        # A local time, without an offset: the webhook reads it in the dock's zone.
        start = datetime.strptime(f'{said("date")} {said("time")}', platform["format"]).strftime("%Y-%m-%dT%H:%M:%S")
    hours = number("hours")
    booking = {
        "id": said("id"), "status": status, "updated_at": sent_at, "start_at": start,
        "duration_minutes": round(float(hours) * 60) if hours else None,
        "boat": {"name": said("boat")}, "party_size": number("party"), "currency": "USD",
        "gross": re.sub(r"[$,]|USD", "", said("gross") or "").strip() or None,
        "guest": {"name": said("guest")}, "notes": said("notes"),
    }
    return {"id": str(message["Message-ID"] or "").strip("<> "), "type": "mail", "created_at": sent_at, "data": {"booking": booking}}


def signed(secret, identifier, body, now):
    """The headers of Standard Webhooks (standardwebhooks.com)."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = b".".join([identifier.encode(), str(now).encode(), body])
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {"webhook-id": identifier, "webhook-timestamp": str(now), "webhook-signature": f"v1,{signature}",
            "content-type": "application/json", "user-agent": "mail-script/1"}


def main():
    message = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
    content = booking_of(message)
    if content is None:
        print("no booking mail", file=sys.stderr)
        return 2
    body = json.dumps(content).encode()
    # The same mail is the same delivery, however often it is read.
    identifier = "mail_" + hashlib.sha256(content["id"].encode()).hexdigest()[:24]
    headers = signed(os.environ["WEBHOOK_SECRET"], identifier, body, int(time.time()))
    request = urllib.request.Request(os.environ["WEBHOOK_URL"], body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            print(answer.read().decode())
            return 0
    except urllib.error.HTTPError as refused:
        print(f"{refused.code}: {refused.read().decode(errors='replace')}", file=sys.stderr)
    except OSError as error:
        print(f"not reached: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
