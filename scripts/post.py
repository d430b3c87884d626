#!/usr/bin/env python3
"""Posts a body to the running rehearsal as a sender would: post.py --sender NAME --body FILE [--secret FILE] [--headers FILE]

With --secret the rehearsal verifies the sender by this secret from now on, so that its own scheme is tried; without it, by the one it
has. Exit code 0; 1 when the answer is 400 or more; 2 when nothing was posted.
"""

import argparse
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from ask import NotAsked, readable

# The emulator looks at no signature, only at which service it is for.
AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=test/20260101/us-west-2/secretsmanager/aws4_request, SignedHeaders=host, Signature=0"
# How long a new secret may take to be read, and some more.
READS_AGAIN_SECONDS = 35
PAUSE_SECONDS = 5
NO_ANSWER = "The rehearsal does not answer ({}): is it still running?"


def main():
    parser = argparse.ArgumentParser(usage=__doc__.splitlines()[0].split(": ", 1)[1])
    for name, default in (("sender", ""), ("body", ""), ("secret", ""), ("headers", ""), ("id", ""),
                          ("rehearsal", "target/rehearsal"), ("tool", "target/debug/sender")):
        parser.add_argument(f"--{name}", default=default)
    options = parser.parse_args()
    try:
        status, answer = post(options)
    except NotAsked as why:
        print(why, file=sys.stderr)
        return 2
    print(f"The rehearsal answered {status}.")
    print("\n".join(readable(answer)))
    return 1 if status >= 400 else 0


def post(options):
    if not options.sender:
        raise NotAsked("Say SENDER=…, the name of its mapping without .toml")
    body = read("BODY", options.body)
    given = lines(read("HEADERS", options.headers).decode()) if options.headers else {"Content-Type": "application/json"}
    environment = rehearsal(options.rehearsal)
    name = environment["SECRETS_PREFIX"] + ("/webhook" if options.sender == "boatsetter" else f"/webhook/{options.sender}")
    found = secrets_manager(environment, "GetSecretValue", {"SecretId": name})
    if found is None:
        raise NotAsked(f"The rehearsal has no mapping {options.sender}.toml. It reads mappings when it starts: start it again.")
    secret = read("SECRET", options.secret).decode() if options.secret else found["SecretString"]
    headers = signed(options, secret)
    is_new = secret != found["SecretString"]
    if is_new:
        secrets_manager(environment, "PutSecretValue", {"SecretId": name, "SecretString": secret})
    url, given_up = f"{environment['DESK_BASE_URL']}/webhooks/{options.sender}", time.monotonic() + READS_AGAIN_SECONDS
    while True:
        status, answer = send(url, body, {**given, **headers})
        if status != 401 or not is_new or time.monotonic() > given_up:
            return status, answer
        print("The secret is new, and the function reads secrets at most once in 30 s: trying again.", file=sys.stderr)
        time.sleep(PAUSE_SECONDS)
        headers = signed(options, secret)


def send(url, body, headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method="POST"), timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
    except urllib.error.URLError as error:
        raise NotAsked(NO_ANSWER.format(error.reason)) from error


def read(name, path):
    if not pathlib.Path(path).is_file():
        raise NotAsked(f"{name}={path} names no file" if path else f"Say {name}=…")
    return pathlib.Path(path).read_bytes()


def lines(text):
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in text.splitlines() if line.strip())}


def rehearsal(folder):
    """The environment of the running rehearsal's function."""
    if not pathlib.Path(folder, "invoke-port").is_file():
        raise NotAsked("No rehearsal is running. Start one with `make run`.")
    text = pathlib.Path(folder, "environment").read_text(encoding="utf-8")
    return dict(line.split("=", 1) for line in text.splitlines())


def secrets_manager(environment, action, payload):
    """Its answer; None if there is no such secret."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"secretsmanager.{action}", "Authorization": AUTHORIZATION}
    request = urllib.request.Request(environment["AWS_ENDPOINT_URL"], json.dumps(payload).encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")
        if "ResourceNotFoundException" in text:
            return None
        raise NotAsked(f"The rehearsal's Secrets Manager answered {error.code}: {text}") from error
    except urllib.error.URLError as error:
        raise NotAsked(NO_ANSWER.format(error.reason)) from error


def signed(options, secret):
    """The headers that the sender would sign this body with."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        file.write(secret)
        file.flush()
        command = [options.tool, "sign", "--secret", file.name, "--body", options.body, "--id", options.id]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise NotAsked(ran.stderr.strip())
    return lines(ran.stdout)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Into `head` it ends as other programs do, without a traceback.
    sys.exit(main())
