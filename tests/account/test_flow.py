"""`make deploy` and its kin, from the command line to AWS's answers, against an account on loopback (recorder.py).

Run by scripts/check-infra.sh. With SHOW_CALLS=1 it prints each flow's calls.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from recorder import World, start

ROOT = Path(__file__).resolve().parents[2]
LIVE = "booking-webhook-staging:live"


# In place of the program that draws (crates/link-pictures has its own tests): one picture, named by what it was drawn from.
DRAWER = """#!/bin/sh
set -eu
[ $# = 2 ] || set -- /dev/null "$1"
! grep -q faulty "$1" || { echo "line 1 is faulty" >&2; exit 2; }
mkdir "$2"
printf picture > "$2/link-$(cksum < "$1" | cut -d ' ' -f 1).png"
printf icon > "$2/touch-icon.png"
"""
SITE = "booking-webhook-staging-site"


def picture_of(operator_file: bytes) -> str:
    """The key of the picture that DRAWER makes of an operator file."""
    digits = subprocess.run(["cksum"], input=operator_file, capture_output=True, check=True).stdout.split()[0].decode()
    return f"{SITE}/g/link-{digits}.png"


class Project:
    """A copy of the project with the parameters filled in and a build that takes no compiler."""

    def __init__(self, folder: Path, parameters: dict[str, str] | None = None) -> None:
        self.folder, self.world = folder, World()
        self.server, self.endpoint = start(self.world)
        for name in ("Makefile", "scripts", "tests", "requirements-deploy.txt", "requirements-lambda.txt", "rust-toolchain.toml"):
            (folder / name).symlink_to(ROOT / name)
        (folder / ".venv").symlink_to(Path(os.environ.get("VENV", ROOT / ".venv")).resolve())
        (folder / "infra").mkdir()
        self.configure(**(parameters or {}))
        self.build("works")
        (folder / "drawer").write_text(DRAWER)
        (folder / "drawer").chmod(0o755)

    def configure(self, **changes: str) -> None:
        text = (ROOT / "infra/samconfig.toml").read_text().replace('"<who is told about staging>"', '"engineer@example.com"')
        head, middle, tail = text.partition("[production.deploy.parameters]")
        for name, value in changes.items():
            head, times = re.subn(rf"(?m)^{name} = .*$", f'{name} = "{value}"', head)
            assert times == 1, name
        (self.folder / "infra/samconfig.toml").write_text(head + middle + tail)

    def build(self, behaviour: str) -> None:
        """What `sam build` leaves behind, with a bootstrap that says how the function behaves (recorder.World.answer)."""
        built = self.folder / "target/sam/build"
        shutil.rmtree(built, ignore_errors=True)
        places: dict[str, str] = {}

        def nested(found: re.Match[str]) -> str:
            places[found["place"]] = found["file"]
            return found[0].replace(found["file"], f"{found['place']}/template.yaml")

        # A template that is used three times lies in three places.
        application = re.compile(r"^  (?P<place>\w+):\n    Type: AWS::Serverless::Application\n(?:    .*\n)*?      Location: (?P<file>.+)$", re.MULTILINE)
        template = application.sub(nested, (ROOT / "infra/template.yaml").read_text())
        for place, text in [("", template), *((place, (ROOT / "infra" / name).read_text()) for place, name in places.items())]:
            text = text.replace("CodeUri: ../crates/booking-webhook", "CodeUri: Webhook").replace("CodeUri: ../crates/simulators", "CodeUri: Simulators")
            file = built / place / "template.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        for folder, text in (("Webhook", behaviour), ("StagingServices/Simulators", "stand-in")):
            (built / folder).mkdir(parents=True)
            (built / folder / "bootstrap").write_text(text + "\n")

    def make(self, *words: str, **variables: str | None) -> subprocess.CompletedProcess:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE", "CLOUDFORMATION"))}
        environment |= {
            "AWS_ENDPOINT_URL": self.endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "BUILT": "1", "CI": "true",
            "ASK_PAUSE_SECONDS": "0", "SAM_CLI_POLL_DELAY": "0.01", "DRAWER": str(self.folder / "drawer"), "HOME": str(self.folder), "AWS_EC2_METADATA_DISABLED": "true",
        }
        environment |= variables
        environment = {name: value for name, value in environment.items() if value is not None}
        return subprocess.run(["make", "--no-print-directory", *words], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300, check=False)

    def flow(self, title: str, *words: str) -> tuple[subprocess.CompletedProcess, list[str]]:
        """Runs a verb; what it called."""
        self.world.calls.clear()
        ended = self.make(*words)
        calls = list(self.world.calls)
        if os.environ.get("SHOW_CALLS"):
            print(f"\n== {title}: make {' '.join(words)} (ends with {ended.returncode})")
            for call in calls:
                print(f"   {call}")
            for line in ended.stdout.splitlines():
                if line.startswith("-- "):
                    print(f" | {line}")
            print("".join(f" ! {line}\n" for line in ended.stderr.splitlines()), end="")
        return ended, calls


def steps(calls: list[str]) -> list[str]:
    """What changes something, or asks the function; without the looks and the waiting in between."""
    kept = ("CreateChangeSet", "ExecuteChangeSet", "Invoke", "PutObject booking", "DeleteObject")
    kept = [call for call in calls if call.startswith(kept)]
    return [re.sub(r" booking-webhook-staging(:live)?", "", re.sub(rf"{SITE}/.*", "pictures", call)) for call in kept if "touch-icon" not in call]


class Flows(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.project = Project(Path(folder.name), {"ConfigurationBucket": "booking-files", "OperatorKey": "operator.toml"})
        self.addCleanup(self.project.server.server_close)
        self.addCleanup(self.project.server.shutdown)
        self.world = self.project.world
        self.world.objects["booking-files/operator.toml"] = b"name = 'JADA'\n"

    def first(self) -> None:
        ended = self.project.make("deploy", "ENV=staging")
        self.assertEqual(ended.returncode, 0, ended.stderr + ended.stdout)

    def test_first_deployment(self):
        self.world.red = {"unknown_link"}
        ended, calls = self.project.flow("first deployment", "deploy", "ENV=staging")
        self.assertEqual(ended.returncode, 0, ended.stderr + ended.stdout)
        self.assertEqual(calls[:2], ["GetCallerIdentity", "DescribeStacks booking-webhook-staging"])
        self.assertEqual(steps(calls), ["CreateChangeSet CREATE everything", "ExecuteChangeSet", "PutObject pictures", "Invoke check -> version 1", "Invoke plan -> version 1"],
                         "staging's bucket is made by the stack, so the pictures come after it")
        self.assertIn("To mend, and not this version's fault: unknown_link", ended.stdout)
        self.assertIn("https://api.example/webhooks/boatsetter", ended.stdout)

    def test_changed_parameter(self):
        self.first()
        self.project.configure(LogRetentionDays="30", ConfigurationBucket="booking-files", OperatorKey="operator.toml")
        ended, calls = self.project.flow("changed parameter", "deploy", "ENV=staging")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        # The mark moves with it: without, SAM would publish no version, and `live` would keep the old variables.
        self.assertIn("CreateChangeSet UPDATE LogRetentionDays=30 mark", steps(calls))
        self.assertEqual(self.world.stack["parameters"]["LogRetentionDays"], "30")

    def test_nothing_changed_keeps_the_mark(self):
        self.first()
        _, calls = self.project.flow("nothing changed", "deploy", "ENV=staging")
        self.assertIn("CreateChangeSet UPDATE nothing", steps(calls))

    def test_changed_operator_file(self):
        self.first()
        (self.project.folder / "operator.toml").write_bytes(b"name = 'JADA Sailing'\n")
        ended, calls = self.project.flow("changed operator file", "operator", "ENV=staging", "FILE=operator.toml")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(steps(calls), [
            "PutObject booking-files/operator.toml", "Invoke check -> version 1", "PutObject pictures", "Invoke check -> version 1", "CreateChangeSet UPDATE mark",
            "ExecuteChangeSet", "Invoke check -> version 2", "Invoke plan -> version 2"])
        self.assertEqual(self.world.objects["booking-files/operator.toml"], b"name = 'JADA Sailing'\n")

    def test_pictures_are_there_before_the_version_that_names_them(self):
        self.first()
        old, new = b"name = 'JADA'\n", b"name = 'JADA Sailing'\n"
        self.assertIn(picture_of(old), self.world.objects)
        self.world.objects["booking-files/operator.toml"] = new
        ended, calls = self.project.flow("pictures of a file that was changed by hand", "fresh", "ENV=staging")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertLess(steps(calls).index("PutObject pictures"), steps(calls).index("ExecuteChangeSet"))
        self.assertIn(picture_of(old), self.world.objects, "pages that are out name it")
        for key in (picture_of(new), f"{SITE}/g/touch-icon.png"):
            self.assertEqual(self.world.headers[key], ("image/png", "public, max-age=86400"), key)

    def test_pictures_that_cannot_be_drawn_stop_a_deployment(self):
        self.first()
        self.world.objects["booking-files/operator.toml"] = b"faulty\n"
        ended, calls = self.project.flow("an operator file that cannot be drawn", "deploy", "ENV=staging")
        self.assertEqual((ended.returncode, steps(calls)), (2, []))
        self.assertIn("cannot be drawn from s3://booking-files/operator.toml: line 1 is faulty", ended.stderr)

    def test_faulty_operator_file_is_put_back(self):
        self.first()
        (self.project.folder / "operator.toml").write_bytes(b"faulty\n")
        ended, calls = self.project.flow("faulty operator file", "operator", "ENV=staging", "FILE=operator.toml")
        self.assertEqual(ended.returncode, 2)
        self.assertIn("The file is not in use: operator_file looked at. mend it", ended.stderr)
        self.assertEqual(self.world.objects["booking-files/operator.toml"], b"name = 'JADA'\n")
        self.assertEqual(self.world.version, 1, "no environment read the faulty one")

    def test_bad_version_is_put_back(self):
        self.first()
        before = dict(self.world.stack)
        for behaviour, said in (("crashes", "exit status 1"), ("loses the calendar", "calendar looked at"), ("cannot plan", "answered 500")):
            with self.subTest(behaviour):
                self.project.build(behaviour)
                self.project.configure(LogRetentionDays="30", ConfigurationBucket="booking-files", OperatorKey="operator.toml")
                ended, calls = self.project.flow(f"bad version ({behaviour}) put back", "deploy", "ENV=staging")
                self.project.configure(ConfigurationBucket="booking-files", OperatorKey="operator.toml")
                self.assertEqual(ended.returncode, 2, "make's own code")
                self.assertIn(said, ended.stderr)
                self.assertEqual(self.world.bootstrap(), "works", "the very bytes of before are live")
                self.assertEqual(self.world.stack["parameters"], before["parameters"], "with the parameters of before")
                self.assertEqual([step for step in steps(calls) if step == "ExecuteChangeSet"], ["ExecuteChangeSet"] * 2)

    def test_a_red_line_of_before_stops_nothing(self):
        self.first()
        self.world.red = {"scc"}
        self.project.build("works ")
        ended, _ = self.project.flow("a service is down meanwhile", "deploy", "ENV=staging")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("not this version's fault: scc", ended.stdout)

    def test_restored_ledger(self):
        self.first()
        self.world.stopped = True
        ended, calls = self.project.flow("restore: the function is pointed at the restored table", "fresh", "ENV=staging", "SET=RestoredLedger=ledger-restored-1")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("CreateChangeSet UPDATE RestoredLedger=ledger-restored-1 mark", steps(calls))
        self.assertIn("The function is stopped, before and after", ended.stdout)
        self.world.stopped = False
        # The next deployment must not lead it back to the old table by the way.
        ended, calls = self.project.flow("restore: a deployment that would undo it", "deploy", "ENV=staging")
        self.assertEqual(ended.returncode, 2)
        self.assertIn('Write RestoredLedger = "ledger-restored-1" there', ended.stderr)
        self.assertEqual(steps(calls), [])

    def test_a_young_account_is_told_before_the_build(self):
        self.world.concurrency = {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}
        ended, calls = self.project.flow("a young account", "deploy", "ENV=staging")
        self.assertEqual(ended.returncode, 2)
        self.assertIn('Write ReservedConcurrency = "0"', ended.stderr)
        self.assertEqual(steps(calls), [])

    def test_a_failed_first_creation_is_named(self):
        self.world.status = "ROLLBACK_COMPLETE"
        ended, calls = self.project.flow("a failed first creation", "deploy", "ENV=staging")
        self.assertEqual((ended.returncode, steps(calls)), (2, []))
        self.assertIn("docs/deploy.md#after-a-failed-first-creation", ended.stderr)

    def test_expired_credentials_are_named(self):
        self.world.expired = True
        ended, _ = self.project.flow("expired credentials", "deploy", "ENV=staging")
        self.assertEqual(ended.returncode, 2)
        self.assertIn("aws sso login", ended.stderr)
        self.assertNotIn("Traceback", ended.stderr)

    def test_nothing_is_compiled_without_credentials(self):
        (self.project.folder / "operator.toml").touch()
        for words in (("smoke",), ("fresh",), ("operator", "FILE=operator.toml")):
            with self.subTest(words):
                ended = self.project.make(*words, "ENV=staging", BUILT=None, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
                self.assertEqual(ended.returncode, 2)
                self.assertIn("No AWS credentials", ended.stderr)
                self.assertNotIn("cargo", ended.stderr.lower())

    def test_a_profile_reaches_programs_that_know_none(self):
        # A process that hands credentials out is to boto3 what SSO is: something that only a profile leads to.
        (self.project.folder / ".aws").mkdir()
        keys = '{"Version": 1, "AccessKeyId": "from-the-profile", "SecretAccessKey": "s", "SessionToken": "t"}'
        (self.project.folder / "keys").write_text(keys)
        (self.project.folder / ".aws/config").write_text(f"[profile office]\ncredential_process = cat {self.project.folder}/keys\nregion = eu-west-1\n")
        program = self.project.folder / "smoke"
        program.write_text("#!/bin/sh\nenv | grep -E '^(AWS_|[A-Z_]+_URL|SECRETS_PREFIX|SECOND_SENDER|DESK_LINK)' | sort\n")
        program.chmod(0o755)
        self.world.stack = {"template": "", "parameters": {"ReadySenders": "getmyboat,mailparser"}}
        self.world.answer = lambda question: ({"url": f"https://desk.example/{next(iter(question))}"}, False)
        shell = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_PROFILE": "office", "AWS_REGION": "eu-west-1", "SMOKE": str(program)}
        ended = self.project.make("smoke", "ENV=staging", **shell)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        for line in ("AWS_ACCESS_KEY_ID=from-the-profile", "AWS_SESSION_TOKEN=t", "AWS_REGION=us-west-2", "SECRETS_PREFIX=booking-webhook-staging", "SECOND_SENDER=getmyboat\n", "DESK_LINK=https://desk.example/desk_link",
                     "GUEST_PAGE_BUCKET_URL=https://booking-webhook-staging-site.s3.us-west-2.amazonaws.com",
                     "MAILBOX_URL=https://calendar.example/office"):
            self.assertIn(line, ended.stdout)
        self.assertNotIn("AWS_PROFILE", ended.stdout)
        ended = self.project.make("smoke", "ENV=staging", **{**shell, "AWS_PROFILE": "nobody"})
        self.assertIn("The config profile (nobody) could not be found. With SSO: aws sso login", ended.stderr)


class Inputs(unittest.TestCase):
    """Said before anything is installed, built or called: the folder has no .venv at all."""

    def test_wrong_inputs_are_named_at_once(self):
        table = [
            (("deploy",), "ENV is not set. Say ENV=staging or ENV=production"),
            (("deploy", "ENV=prod"), "ENV is prod"),
            (("deploy", "ENV=production"), "fill in"),
            (("smoke", "ENV=production"), "fill in"),
            (("invoke", "ENV=staging", "FILE=nowhere.json"), "FILE=nowhere.json names no file"),
            (("operator", "ENV=staging"), "FILE is not set, which is no file. For example: FILE=operator.toml"),
            (("fresh", "ENV=staging", "SET=Nonsense"), "Say SET=Name=Value"),
            (("live-site", "ENV=staging"), "ENV=production"),
            (("logs",), "ENV is not set"),
        ]
        with tempfile.TemporaryDirectory() as folder:
            project = Project(Path(folder))
            project.server.shutdown()
            project.server.server_close()
            (project.folder / ".venv").unlink()
            for words, said in table:
                with self.subTest(words):
                    began = time.monotonic()
                    ended = project.make(*words)
                    self.assertEqual(ended.returncode, 2)
                    self.assertIn(said, ended.stderr)
                    self.assertFalse((project.folder / ".venv").exists(), "nothing was installed")
                    if os.environ.get("SHOW_CALLS"):
                        print(f"   make {' '.join(words)}: {time.monotonic() - began:.2f} s")


if __name__ == "__main__":
    unittest.main()
