"""Reads a calendar file from standard input with Python's icalendar and says as JSON what is in it."""

import json
import sys
from datetime import datetime, timezone

from icalendar import Calendar


def milliseconds(time: datetime) -> int:
    return round(time.astimezone(timezone.utc).timestamp() * 1000)


calendar = Calendar.from_ical(sys.stdin.read())
[event] = calendar.walk("VEVENT")
if event.errors or calendar.errors:
    sys.exit(f"{calendar.errors} {event.errors}")
position = event.get("GEO")
print(
    json.dumps(
        {
            "uid": str(event["UID"]),
            "summary": str(event["SUMMARY"]),
            "location": str(event["LOCATION"]) if "LOCATION" in event else None,
            "description": str(event["DESCRIPTION"]),
            "sequence": int(event["SEQUENCE"]),
            "status": str(event["STATUS"]),
            "url": str(event["URL"]),
            "stamp": milliseconds(event["DTSTAMP"].dt),
            "starts": milliseconds(event["DTSTART"].dt),
            "ends": milliseconds(event["DTEND"].dt),
            "alarms": [round(alarm["TRIGGER"].dt.total_seconds()) for alarm in event.walk("VALARM")],
            "position": [position.latitude, position.longitude] if position else None,
        }
    )
)
