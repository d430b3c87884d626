"""The decisions of scripts/account, as tables: whether a version holds, and what stops a deployment before it begins."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from account import preflight, settings, site_plan, template_text  # noqa: E402
from account.verdict import Answer, Outcome, judge  # noqa: E402


def check(*red: str) -> Answer:
    names = ("secrets", "calendar", "unknown_link")
    return Answer(document={"checks": [{"name": name, "ok": name not in red, "detail": "d", "next": "n"} for name in names]})


SILENT, PLAN = Answer(failure="exit status 1"), Answer(document={"would_send": {}})
NO_PLAN = Answer(document={"status": 422, "detail": "no crew"})


class Verdicts(unittest.TestCase):
    TABLE = [
        # before, check, plan -> outcome, faults, to mend
        (None, check(), PLAN, Outcome.HOLDS, 0, 0),
        (None, check("unknown_link"), PLAN, Outcome.HOLDS, 0, 1),
        (None, SILENT, PLAN, Outcome.LEAVE, 1, 0),
        (check(), check(), PLAN, Outcome.HOLDS, 0, 0),
        (check("calendar"), check("calendar"), PLAN, Outcome.HOLDS, 0, 1),
        (check("calendar"), check(), PLAN, Outcome.HOLDS, 0, 0),
        (check(), check("calendar"), PLAN, Outcome.PUT_BACK, 1, 0),
        (check("calendar"), check("calendar", "secrets"), PLAN, Outcome.PUT_BACK, 1, 1),
        (check(), SILENT, SILENT, Outcome.PUT_BACK, 2, 0),
        (check(), check(), NO_PLAN, Outcome.PUT_BACK, 1, 0),
        (check(), Answer(document={"message": "hello"}), PLAN, Outcome.PUT_BACK, 1, 0),
        # The version before did not answer either: this deployment may be the one that mends it.
        (SILENT, check("calendar"), PLAN, Outcome.HOLDS, 0, 1),
        (SILENT, SILENT, PLAN, Outcome.LEAVE, 1, 0),
    ]

    def test_whether_a_version_holds(self):
        for number, (before, asked, plan, outcome, faults, to_mend) in enumerate(self.TABLE):
            with self.subTest(number):
                verdict = judge(before, asked, plan)
                self.assertEqual((verdict.outcome, len(verdict.faults), len(verdict.to_mend)), (outcome, faults, to_mend), verdict)


class Preflight(unittest.TestCase):
    def test_room_for_reserved_concurrency(self):
        table = [  # total, unreserved, own, wanted -> may be
            (1000, 1000, 0, 10, True), (10, 10, 0, 0, True), (10, 10, 0, 1, False), (1000, 105, 0, 5, True), (1000, 105, 0, 6, False),
            (1000, 100, 10, 10, True), (50, 50, 0, 5, False),
        ]
        for total, unreserved, own, wanted, fits in table:
            with self.subTest(f"{wanted} of {total}"):
                self.assertEqual(preflight.concurrency_faults(total, unreserved, own, wanted) == [], fits)

    def test_stacks_that_cannot_be_deployed_to(self):
        for status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED", "UPDATE_IN_PROGRESS"):
            self.assertEqual(len(preflight.stack_faults(status)), 1, status)
        for status in (None, "REVIEW_IN_PROGRESS", "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
            self.assertEqual(preflight.stack_faults(status), [], status)

    def test_the_ledger_is_changed_on_purpose_alone(self):
        restored, own = {"RestoredLedger": "ledger-restored-1"}, {"RestoredLedger": ""}
        self.assertEqual(preflight.ledger_faults(restored, restored), [])
        self.assertEqual(preflight.ledger_faults({}, own), [])
        self.assertIn('Write RestoredLedger = "ledger-restored-1"', preflight.ledger_faults(restored, own)[0])
        self.assertEqual(len(preflight.ledger_faults(own, restored)), 1)


class Samconfig(unittest.TestCase):
    ROOT = Path(__file__).resolve().parents[2]

    def test_every_parameter_of_the_template_is_written_for_both_environments(self):
        text = (self.ROOT / "infra/samconfig.toml").read_text().replace('"<', '"')
        template = (self.ROOT / "infra/template.yaml").read_text()
        block = template.split("\nParameters:\n")[1].split("\nConditions:\n")[0]
        parameters = {line.strip().rstrip(":") for line in block.splitlines() if line.startswith("  ") and not line.startswith("   ")}
        for environment in settings.ENVIRONMENTS:
            self.assertEqual(set(settings.read(environment, text).parameters), parameters)

    def test_ready_senders_are_there_and_staging_makes_their_secrets(self):
        text = (self.ROOT / "infra/samconfig.toml").read_text().replace('"<', '"')
        staging = (self.ROOT / "infra/staging.yaml").read_text()
        for environment in settings.ENVIRONMENTS:
            senders = settings.read(environment, text).parameters["ReadySenders"].split(",")
            for sender in filter(None, senders):
                self.assertTrue((self.ROOT / f"mappings/{sender}.toml").exists(), sender)
                if environment == "staging":
                    # The smoke test posts as the first of them, in the canonical shape.
                    self.assertEqual(senders[0], "getmyboat")
                    self.assertIn("Name: !Sub ${SecretsPrefix}/webhook/" + sender + "\n", staging)

    def test_what_is_wrong_is_named(self):
        good = (self.ROOT / "infra/samconfig.toml").read_text().replace('"<', '"')
        table = [
            ("", good, "ENV is not set"), ("prod", good, "ENV is prod"), ("staging", good + "[", "not TOML"),
            ("staging", good.replace('region = "us-west-2"', ""), "has no 'region'"), ("staging", good.replace("us-west-2", "us-west"), "region is 'us-west'"),
        ]
        for environment, text, said in table:
            with self.subTest(said), self.assertRaises(settings.Refused) as refused:
                settings.read(environment, text)
            self.assertIn(said, str(refused.exception))

    def test_the_mark_stands_in_the_template_once(self):
        template = (self.ROOT / "infra/template.yaml").read_text()
        marked = template_text.mark(template, "0123456789ab")
        self.assertIn("guest page. deployment-0123456789ab\n", marked)
        self.assertEqual(template_text.mark(marked, "000000000000"), template)
        with self.assertRaises(settings.Refused):
            template_text.mark("Description: none", "0123456789ab")


def distribution(**changes) -> dict:
    origin = {"Id": "site", "DomainName": "queenofsandiego.com.s3.us-west-2.amazonaws.com", "OriginPath": "", "OriginAccessControlId": "OAC1", "S3OriginConfig": {"OriginAccessIdentity": ""}}
    origin |= changes.pop("origin", {})
    config = {
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {"TargetOriginId": "site", "ViewerProtocolPolicy": "allow-all", "ForwardedValues": {"QueryString": False}, "MinTTL": 0, "FunctionAssociations": {"Quantity": 0}},
        "CacheBehaviors": {"Quantity": 0},
        "CustomErrorResponses": {"Quantity": 0},
    }
    return {**config, **changes}


PIECES = site_plan.Pieces("arn:function", "headers-1", "queenofsandiego.com")
WEBSITE = {"DomainName": "queenofsandiego.com.s3-website-us-west-2.amazonaws.com", "CustomOriginConfig": {}, "S3OriginConfig": None}
OTHERS = {"Quantity": 1, "Items": [{"EventType": "viewer-request", "FunctionARN": "arn:theirs"}]}


class LiveSite(unittest.TestCase):
    def test_what_cannot_be_attached_is_refused_with_its_reason(self):
        theirs = {**distribution()["DefaultCacheBehavior"], "FunctionAssociations": OTHERS}
        behaviour = {"PathPattern": "g/*", "TargetOriginId": "site", "FunctionAssociations": OTHERS}
        edge = {"PathPattern": "g/*", "TargetOriginId": "site", "LambdaFunctionAssociations": {"Quantity": 1, "Items": [{"EventType": "viewer-request"}]}}
        table = [
            (distribution(origin=WEBSITE), "website endpoint"),
            (distribution(origin={"DomainName": "other.s3.us-west-2.amazonaws.com"}), "other.s3.us-west-2.amazonaws.com"),
            (distribution(origin={"OriginPath": "/public"}), "/public"),
            (distribution(origin={"OriginAccessControlId": ""}), "neither an origin access control"),
            (distribution(CacheBehaviors={"Quantity": 1, "Items": [behaviour]}), "arn:theirs"),
            (distribution(CacheBehaviors={"Quantity": 1, "Items": [edge]}), "Lambda@Edge"),
            (distribution(DefaultCacheBehavior=theirs), None),
            (distribution(), None),
        ]
        for config, said in table:
            with self.subTest(said):
                refusals = site_plan.refusals(config, PIECES)
                self.assertEqual(bool(refusals), said is not None, refusals)
                if said:
                    self.assertIn(said, " ".join(refusals))

    def test_only_the_behaviour_of_guest_pages_is_added(self):
        before = distribution()
        after = site_plan.attached(before, PIECES)
        self.assertEqual(before, distribution(), "what was read stays as it was")
        self.assertEqual({**after, "CacheBehaviors": before["CacheBehaviors"]}, before, "nothing else changes")
        behaviour, = after["CacheBehaviors"]["Items"]
        self.assertEqual(after["CacheBehaviors"]["Quantity"], 1)
        self.assertEqual(behaviour["PathPattern"], "g/*")
        self.assertEqual(behaviour["FunctionAssociations"]["Items"], [{"EventType": "viewer-request", "FunctionARN": "arn:function"}])
        self.assertNotIn("ForwardedValues", behaviour)
        self.assertEqual(site_plan.attached(after, PIECES), after, "a second time changes nothing")

    def test_other_behaviours_stay_and_come_after(self):
        theirs = {"PathPattern": "*.jpg", "TargetOriginId": "site"}
        after = site_plan.attached(distribution(CacheBehaviors={"Quantity": 1, "Items": [theirs]}), PIECES)
        self.assertEqual([one["PathPattern"] for one in after["CacheBehaviors"]["Items"]], ["g/*", "*.jpg"])
        self.assertEqual(after["CacheBehaviors"]["Items"][1], theirs)

    def test_who_may_read_the_bucket_is_said_and_not_changed(self):
        public = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::queenofsandiego.com/*"}]}
        own = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::queenofsandiego.com/*"}]}
        narrow = {"Statement": [{**own["Statement"][0], "Resource": "arn:aws:s3:::queenofsandiego.com/g/*"}]}
        self.assertIn("Everybody may read", site_plan.bucket_notes(public)[0])
        self.assertEqual(site_plan.bucket_notes(own), [])
        self.assertIn("g/* alone", site_plan.bucket_notes(narrow)[0])
        self.assertIn("no policy", site_plan.bucket_notes(None)[0])


if __name__ == "__main__":
    unittest.main()
