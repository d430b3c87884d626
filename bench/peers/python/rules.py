"""What the booking becomes in each system."""

import hashlib
import hmac
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/Los_Angeles")
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CREW_HOURLY, CAPTAIN_HOURLY, PORT_TAX = Decimal(25), Decimal(50), Decimal("0.18")
MONEY = ("revenue", "gross", "net", "payout", "rate", "captainfee", "captaincost", "crewcost", "porttax")


def charter_id(booking, secrets):
    digest = hmac.new(secrets["guest-page"]["link_key"].encode(), booking["id"].encode(), hashlib.sha256).digest()
    number = int.from_bytes(digest[:5], "big")
    return "".join(CROCKFORD[(number >> shift) & 31] for shift in range(35, -1, -5))


def cents(amount):
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def times(booking):
    start = datetime.fromisoformat(booking["start_at"]).astimezone(ZONE)
    return start, start + timedelta(minutes=booking["duration_minutes"])


def dock_time(at):
    return at.strftime("%a %-d %b %Y, %-I:%M %p %Z")


def calendar_entry(booking):
    start, end = times(booking)
    hours = Decimal(booking["duration_minutes"]) / 60
    gross = cents(Decimal(booking["gross"]))
    crew = cents(len(booking["crew_ids"]) * (hours + 2) * CREW_HOURLY)
    captain, port_tax = cents(hours * CAPTAIN_HOURLY), cents(gross * PORT_TAX)
    title = [booking["guest"]["name"], str(booking["party_size"]), booking["boat"]["name"],
             f"{start.strftime('%-I:%M')}–{end.strftime('%-I:%M %p')}", booking["id"]]
    return {
        "date": start.date().isoformat(), "start": start.isoformat(), "end": end.isoformat(), "title": " · ".join(title),
        "booking_id": booking["id"], "event_id": booking["charter_id"], "revenue": float(gross),
        "expenses": {"crew": float(crew), "captain": float(captain), "port_tax": float(port_tax)},
        "net": float(gross - crew - captain - port_tax), "crew_ids": booking["crew_ids"], "captain_id": booking["captain_id"],
        "notes": f"Boatsetter charter {booking['id']} + SCC event {booking['charter_id']}\nGuest: “{booking.get('notes', '')}”",
    }


def crew_event(booking, entry_id, site):
    start, end = times(booking)
    report, released = start - timedelta(hours=1), end + timedelta(hours=1)
    notes = [line for line in (booking.get("notes") or "").splitlines() if "$" not in line]
    return {
        "event_id": booking["charter_id"], "name": f"Boatsetter charter · {booking['boat']['name']}", "date": start.isoformat(),
        "report_at": report.isoformat(), "released_at": released.isoformat(), "local_time": dock_time(start),
        "duration_hours": booking["duration_minutes"] / 60, "location": "Harbor Island, San Diego",
        "guest": {"first_name": booking["guest"]["name"].split(" ")[0], "party_size": booking["party_size"]},
        "guest_page": f"{site}/g/{booking['charter_id']}", "crew_ids": booking["crew_ids"], "captain_id": booking["captain_id"],
        "status": "pending_confirmation",
        "notes": "\n".join([f"Guest: “{' '.join(notes)[:2000]}”", f"Report {dock_time(report)}, released {dock_time(released)}",
                            f"Boatsetter booking ref: {booking['id']} · calendar {entry_id or 'pending'}"]),
        "checklist": ["Fuel", "Ice", "Life jackets", "Safety briefing"],
    }


def is_money(name):
    return name.lower().replace("_", "").replace("-", "") in MONEY


def page_words(booking, ics_url):
    start, end = times(booking)
    return {
        "cancelled": booking["status"] != "confirmed", "first_name": booking["guest"]["name"].split(" ")[0], "start": start, "end": end,
        "check_in": start - timedelta(minutes=20), "boat": booking["boat"]["name"], "party_size": booking["party_size"],
        "meeting_point": "Harbor Island, San Diego", "ics_url": ics_url,
        "bring": ["Soft-soled shoes", "A jacket", "Sunscreen", "Food and drinks"],
        "safety": ["One hand for the boat", "Life jackets are under the seats", "The captain has the last word"],
    }


def utc(at):
    return at.astimezone(ZoneInfo("UTC")).strftime("%Y%m%dT%H%M%SZ")


def ics(booking, words):
    status = "CANCELLED" if words["cancelled"] else "CONFIRMED"
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//peer//EN", "BEGIN:VEVENT", f"UID:{booking['charter_id']}@queenofsandiego.com",
             f"SEQUENCE:{booking['revision']}", f"DTSTAMP:{utc(words['start'])}", f"DTSTART:{utc(words['start'])}", f"DTEND:{utc(words['end'])}",
             f"SUMMARY:Charter on {words['boat']}", f"LOCATION:{words['meeting_point']}", f"STATUS:{status}", "END:VEVENT", "END:VCALENDAR"]
    return ("\r\n".join(lines) + "\r\n").encode()
