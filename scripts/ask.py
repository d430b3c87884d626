#!/usr/bin/env python3
"""Asks the function, and prints what a person can read: ask.py [--env ENV] [--json] QUESTION | --file FILE [--deliver]

The function is the running rehearsal's, or with --env the one in AWS. QUESTION is a direct invocation, for example '{"list": {}}'.
Exit code 0; 1 when the answer is 400 or more, or the function failed; 2 when nothing was asked.
"""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

NO_CREDENTIALS = (
    "There are no AWS credentials here, so nothing was asked. Sign in (aws sso login, or set AWS_PROFILE), then ask again."
)
# Where credentials may come from, as the AWS tools look for them.
VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
             "AWS_CONTAINER_CREDENTIALS_FULL_URI")
FILES = (("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"), ("AWS_CONFIG_FILE", ".aws/config"))


class NotAsked(Exception):
    """Nothing was sent, and why."""


def main():
    parser = argparse.ArgumentParser(usage=__doc__.splitlines()[0].split(": ", 1)[1])
    parser.add_argument("question", nargs="?")
    parser.add_argument("--file")
    parser.add_argument("--deliver", action="store_true", help="the file is a captured API Gateway event")
    parser.add_argument("--env", default="")
    parser.add_argument("--json", action="store_true", help="print the answer as it came")
    parser.add_argument("--rehearsal", default="target/rehearsal")
    options = parser.parse_args()
    try:
        payload = question(options)
        answer = in_aws(options.env, payload) if options.env else in_rehearsal(options.rehearsal, payload)
    except NotAsked as why:
        print(why, file=sys.stderr)
        return 2
    print(json.dumps(answer, indent=2, ensure_ascii=False) if options.json else "\n".join(readable(answer)))
    return 1 if is_failure(answer) else 0


def question(options):
    if options.file:
        path = pathlib.Path(options.file)
        if not path.is_file():
            raise NotAsked(f"FILE={options.file} names no file. For example: FILE=tests/fixtures/plan.json")
        text = path.read_text(encoding="utf-8")
    elif options.question:
        text = options.question
    else:
        raise NotAsked("""Nothing is asked. For example: make ask Q='{"list": {}}'""")
    try:
        event = json.loads(text)
    except ValueError as error:
        raise NotAsked(f"That is no JSON: {error}") from error
    return json.dumps({"deliver": event} if options.deliver else event)


def in_rehearsal(folder, payload):
    port = pathlib.Path(folder, "invoke-port")
    if not port.is_file():
        raise NotAsked("No rehearsal is running. Start one with `make run`, or ask AWS with ENV=staging or ENV=production.")
    url = f"http://127.0.0.1:{port.read_text(encoding='utf-8').strip()}/2015-03-31/functions/booking-webhook/invocations"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, payload.encode(), method="POST"), timeout=60) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return {"errorMessage": f"the rehearsal answered {error.code}: {error.read().decode(errors='replace')}"}
    except urllib.error.URLError as error:
        raise NotAsked(f"The rehearsal does not answer ({error.reason}): is it still running?") from error


def has_credentials():
    home = pathlib.Path.home()
    files = (pathlib.Path(os.environ.get(name) or home / path) for name, path in FILES)
    return any(os.environ.get(name) for name in VARIABLES) or any(file.is_file() for file in files)


def in_aws(environment, payload):
    if environment not in ("staging", "production"):
        raise NotAsked("ENV=staging or ENV=production, please")
    if not has_credentials():
        raise NotAsked(NO_CREDENTIALS)
    # Only AWS is called with cargo-lambda, and only once all that was given is known to be right.
    if subprocess.run(["make", "--no-print-directory", ".venv/lambda.stamp"], check=False, stdout=sys.stderr).returncode != 0:
        raise NotAsked("cargo-lambda could not be installed; what make said is above")
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        file.write(payload)
        file.flush()
        command = ["cargo", "lambda", "invoke", "--remote", "--alias", "live", f"booking-webhook-{environment}", "--data-file", file.name]
        path = os.pathsep.join([str(pathlib.Path(".venv/bin").resolve()), os.environ.get("PATH", "")])
        region = os.environ.get("AWS_REGION") or "us-west-2"
        ran = subprocess.run(command, capture_output=True, text=True, check=False,
                             env={**os.environ, "PATH": path, "AWS_REGION": region})
    if ran.returncode != 0:
        lost = any(word in ran.stderr.lower() for word in ("credential", "expiredtoken", "token has expired"))
        words = NO_CREDENTIALS if lost else ran.stderr.strip()
        return {"errorMessage": words}
    try:
        return json.loads(ran.stdout)
    except ValueError:
        return {"errorMessage": f"the answer is no JSON: {ran.stdout.strip()}"}


def is_failure(answer):
    if not isinstance(answer, dict):
        return True
    status = answer.get("status")
    return "errorMessage" in answer or (isinstance(status, int) and status >= 400)


def readable(answer):
    """The lines of an answer, by what it is."""
    if not isinstance(answer, dict):
        return [json.dumps(answer, ensure_ascii=False)]
    if "errorMessage" in answer:
        return [f"The function failed: {answer['errorMessage']}"]
    if "title" in answer and "status" in answer:
        return problem(answer)
    if answer.get("state") == "quarantined" and "errors" in answer:
        return problem({"status": "In quarantine:", "title": "it is not understood", **answer})
    if "checks" in answer:
        return checks(answer)
    if "planned" in answer:
        return planned(answer)
    if "desired" in answer:
        return plan(answer)
    if "bookings" in answer and "state" in answer:
        return [line for one in answer["bookings"] for line in readable(one)]
    if "bookings" in answer:
        return listed(answer)
    if "replayed" in answer:
        return replayed(answer)
    if "steps" in answer:
        return booking(answer)
    if "body" in answer and "delivery" in answer:
        body = json.dumps(answer["body"], indent=2, ensure_ascii=False)
        return [*delivery(answer["delivery"]), *next_of(answer["delivery"], answer), "", "Body:", body]
    if "delivery" in answer:
        return [*delivery(answer["delivery"]), *next_of(answer["delivery"], answer)]
    if "quarantined" in answer:
        return quarantined(answer["quarantined"], answer.get("booking_id"))
    return [f"{key}: {value if isinstance(value, (str, int)) else json.dumps(value, ensure_ascii=False)}" for key, value in answer.items()]


def problem(answer):
    lines = [f"{answer['status']} {answer['title']}", answer.get("detail", "")]
    lines += [f"  {fault['pointer'] or '(the body)'} {fault['detail']}" for fault in answer.get("errors", [])]
    if "delivery_id" in answer:
        lines.append(f"  kept as {answer['delivery_id']}")
    return lines


def checks(answer):
    lines = []
    for check in answer["checks"]:
        lines.append(f"{'ok ' if check['ok'] else 'BAD'} {check['name']}: {check['detail']}")
        if "next" in check:
            lines.append(f"    -> {check['next']}")
    return lines


def plan(answer):
    lines = [f"{answer['booking_id']} · charter {answer['charter_id']} · {answer['desired']} (on record: {answer['on_record'] or 'nothing'})"]
    lines += flags(answer)
    for name, step in answer["steps"].items():
        what = step["action"]
        where = " ".join(str(step[key]) for key in ("method", "url", "bucket", "why", "until", "because") if key in step)
        lines.append(f"{name:15} {what} {where}".rstrip())
        if "next" in step:
            lines.append(f"{'':15} -> {step['next']}")
        for field, value in (step.get("body") or {}).items():
            lines += folded(f"{'':15}   {field}: ", value)
        for file in step.get("objects", []):
            lines.append(f"{'':15}   {file}")
    return lines


def planned(answer):
    lines = [f"ignored: {answer['ignored']}"] if "ignored" in answer else []
    for one in answer["planned"]:
        if "desired" in one:
            lines += plan(one) + ([f"  {one['not_newer']}"] if "not_newer" in one else [])
        else:
            lines.append("It would be kept in quarantine:")
            lines += [f"  {fault['pointer'] or '(the body)'} {fault['detail']}" for fault in one["errors"]]
    return lines


def folded(before, value):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    first, *rest = text.split("\n")
    return [before + first, *(" " * len(before) + line for line in rest)]


def flags(answer):
    names = [flag if isinstance(flag, str) else json.dumps(flag, ensure_ascii=False) for flag in answer.get("flags", [])]
    return [f"  look at: {', '.join(names)}"] if names else []


def listed(answer):
    lines = []
    # What waits for a person first; both parts stay in the order of their days.
    for one in sorted(answer["bookings"], key=lambda one: not one.get("next")):
        cancelled = "cancelled · " if one.get("desired") == "cancelled" else ""
        dismissed = " (left as it is)" if one.get("dismissed") else ""
        words = [one["booking_id"], one["first_name"], one["local"], one["boat"], one["sender"] or "entered by hand"]
        lines.append(" · ".join(word for word in words if word) + f" · {cancelled}{one['state']}{dismissed}")
        lines += flags(one)
        for what, then in zip(one.get("detail", []), one.get("next", [])):
            lines += [f"  {what}", f"  -> {then}"]
    lines = lines or ["No booking fits. Charters more than 400 days ahead are asked for by \"from\"."]
    if answer.get("left_off"):
        lines.append("There are more: ask for fewer days, or by name.")
    waiting = answer.get("quarantined", [])
    return ([*quarantined(waiting, None), ""] if waiting else []) + lines


def quarantined(waiting, booking_id):
    if not waiting:
        return ["Nothing is in quarantine."]
    lines = [f"In quarantine{f' for {booking_id}' if booking_id else ''}: {len(waiting)}"]
    for one in waiting:
        lines += delivery(one) + next_of(one, {})
    return lines


def delivery(one):
    names = ", ".join(one.get("booking_ids", [])) or "no booking that could be read"
    lines = [f"{one['delivery_id']}", f"  from {one['sender']}, {one['local']} ({one['received_at']}), for {names}"]
    lines += [f"  {fault['pointer'] or '(the body)'} {fault['detail']}" for fault in one.get("why", [])]
    lines.append(f"  it has: {' '.join(one['keys']) or 'no JSON'}")
    return lines


def next_of(one, answer):
    """What to do about a delivery, or why there is nothing left to do."""
    because = answer.get("closed_because")
    return [f"  closed: {because}" if because else f"  -> {one['next']}"]


def replayed(answer):
    lines = [] if not answer["dry_run"] else ["A dry run: nothing was changed."]
    for one in answer["replayed"]:
        says = f" ({one['says']})" if "says" in one else ""
        lines.append(f"{one['delivery_id']} · {one.get('booking_id', 'not understood')} · {one['state']}{says}")
        faults = one.get("why") or one.get("problem", {}).get("errors", [])
        lines += [f"  {fault['pointer'] or '(the body)'} {fault['detail']}" for fault in faults]
        if "problem" in one and not faults:
            lines.append(f"  {one['problem']['title']}: {one['problem']['detail']}")
    if answer["left"]:
        lines.append(f"No time was left for {answer['left']}: send it again.")
    lines += [f"{name} does not wait in quarantine" for name in answer.get("not_in_quarantine", [])]
    return lines or ["Nothing is in quarantine."]


def booking(answer):
    head = [answer["booking_id"], answer.get("local"), f"charter {answer['charter_id']}", answer["state"]]
    lines = [" · ".join(word for word in head if word), f"  {answer['guest_page']}", *flags(answer)]
    if answer.get("dismissed"):
        lines.append(f"  left as it is: {answer['dismissed']['why']}")
    for name, step in answer["steps"].items():
        lines.append(f"{name:15} {step['state']:11} {step.get('detail', '')}".rstrip())
        if "next" in step:
            lines.append(f"{'':15} -> {step['next']}")
    if answer.get("decided_seq") is not None:
        lines.append(f"decided_seq     {answer['decided_seq']}")
    for line in answer.get("timeline", []):
        step = f"{line['step']}: " if "step" in line else ""
        lines.append(f"{line['local']} ({line['at']})  {step}{line['what']}")
    waiting = answer.get("quarantined", [])
    return lines + ([""] + quarantined(waiting, None) if waiting else [])


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Into `head` it ends as other programs do, without a traceback.
    sys.exit(main())
