"""What the roles of infra/pipeline.yaml and of the deployment may do, asked of an evaluator of IAM policies.

principalmapper evaluates statements with their resources and conditions as IAM does. A role may do what its own policies allow and
its boundary allows. Needs .venv/lint; run by scripts/check-infra.sh.
"""

from __future__ import annotations

import collections
import collections.abc
import unittest
from pathlib import Path

import yaml

# principalmapper 1.1.5 asks `collections` for what Python 3.10 has moved.
for name in ("Mapping", "MutableMapping"):
    setattr(collections, name, getattr(collections.abc, name))
from principalmapper.common import Policy  # noqa: E402
from principalmapper.querying.local_policy_simulation import policy_has_matching_statement  # noqa: E402
from principalmapper.util.case_insensitive_dict import CaseInsensitiveDict  # noqa: E402

INFRA = Path(__file__).resolve().parents[2] / "infra"
ACCOUNT, REGION = "111122223333", "us-west-2"
PRODUCTION = {
    "GuestPageBucket": "queenofsandiego.com", "DistributionId": "E2LIVE0000000", "SccEventsTable": "scc-events",
    "ConfigurationBucket": "jada-files", "SecretsPrefix": "booking-webhook", "OwnerId": "1", "RepositoryId": "2", "Repository": "jada/hook",
    "ClassicSubject": "no", "OidcProvider": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com", "Environment": "production",
    "OperatorKey": "operator.toml", "MappingsPrefix": "mappings/", "NoticesEmail": "o@example.com", "RestoredLedger": "",
}
STAGING = {**PRODUCTION, "GuestPageBucket": "", "DistributionId": "", "SccEventsTable": "", "ConfigurationBucket": "", "OperatorKey": "", "MappingsPrefix": "",
           "SecretsPrefix": "booking-webhook-staging", "Environment": "staging"}


class Loader(yaml.SafeLoader):
    """Reads `!Ref X` as {"Ref": X}, and so on."""


def function(loader, suffix, node):
    read = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: lambda n: loader.construct_sequence(n, deep=True)}
    return {suffix: read.get(type(node), lambda n: loader.construct_mapping(n, deep=True))(node)}


Loader.add_multi_constructor("!", function)
NO_VALUE = object()


class Stack:
    """A template with its parameters filled in, as far as policies need it."""

    def __init__(self, file: str, parameters: dict[str, str], made: dict[str, str]) -> None:
        self.document = yaml.load((INFRA / file).read_text(), Loader)
        stack = f"booking-webhook-{parameters['Environment']}"
        self.names = {**parameters, **made, "AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::URLSuffix": "amazonaws.com", "AWS::StackName": stack}

    def holds(self, condition) -> bool:
        if isinstance(condition, str):
            return self.holds(self.document["Conditions"][condition])
        (name, given), = condition.items()
        if name == "Condition":
            return self.holds(given)
        return {"Equals": lambda: self.fill(given[0]) == self.fill(given[1]), "Not": lambda: not self.holds(given[0]), "Or": lambda: any(map(self.holds, given))}[name]()

    def fill(self, value):
        if isinstance(value, list):
            return [filled for filled in map(self.fill, value) if filled is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, given), = value.items()
            if name == "Ref":
                return NO_VALUE if given == "AWS::NoValue" else self.names[given]
            if name == "GetAtt":
                return self.names[given]
            if name == "If":
                return self.fill(given[1] if self.holds(given[0]) else given[2])
            if name == "Select":
                return self.fill(given[1])[given[0]]
            if name == "Split":
                return self.fill(given[1]).split(given[0])
            if name == "Sub":
                text, own = (given, {}) if isinstance(given, str) else given
                for key, filled in {**self.names, **{k: self.fill(v) for k, v in own.items()}}.items():
                    text = text.replace("${" + key + "}", filled)
                assert "${" not in text, text
                return text
        return {key: filled for key, filled in ((key, self.fill(one)) for key, one in value.items()) if filled is not NO_VALUE}

    def policies(self, role: str) -> list[dict]:
        properties = self.document["Resources"][role]["Properties"]
        documents = [properties["PolicyDocument"]] if "PolicyDocument" in properties else [one["PolicyDocument"] for one in properties["Policies"]]
        return [self.fill(document) for document in documents]

    def trust(self, role: str) -> dict:
        return self.fill(self.document["Resources"][role]["Properties"]["AssumeRolePolicyDocument"])


def permits(policies: list[dict], action: str, resource: str, **context: str) -> bool:
    keys = CaseInsensitiveDict({name.replace("__", ":").replace("_SLASH_", "/"): value for name, value in context.items()})
    asked = [policy_has_matching_statement(Policy("arn:aws:iam::0:policy/p", "p", document), effect, action, resource, keys)
             for document in policies for effect in ("Allow", "Deny")]
    return any(asked[0::2]) and not any(asked[1::2])


def pipeline(parameters: dict[str, str]) -> Stack:
    environment = parameters["Environment"]
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/boundary-of-booking-webhook-{environment}"
    return Stack("pipeline.yaml", parameters, {"Boundary": boundary, "CloudFormationRole.Arn": f"arn:aws:iam::{ACCOUNT}:role/cloudformation-of-booking-webhook-{environment}"})


def deployed(parameters: dict[str, str]) -> Stack:
    stack = f"booking-webhook-{parameters['Environment']}"
    made = {"Ledger": f"{stack}-Ledger-1", "Notices": f"arn:aws:sns:{REGION}:{ACCOUNT}:{stack}-notices", "GuestSite.Outputs.Bucket": "queenofsandiego.com",
            "GuestSite.Outputs.DistributionId": "E2LIVE0000000", "WebhookLog.Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{stack}:*"}
    return Stack("template.yaml", parameters, made)


ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
API = f"arn:aws:apigateway:{REGION}::"
CLOUDFRONT = f"arn:aws:cloudfront::{ACCOUNT}:"
BOUNDARY = {"iam__PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/boundary-of-booking-webhook-production"}
OWN_TAGS = {"aws__ResourceTag_SLASH_project": "booking-webhook", "aws__ResourceTag_SLASH_environment": "production"}
OWN_ROLE = ROLE + "booking-webhook-production-WebhookRole-1"


class CloudFormationsRole(unittest.TestCase):
    # (permitted, action, resource, what the request has with it)
    TABLE = [
        # No administrator.
        (False, "iam:CreateRole", OWN_ROLE, {}),
        (True, "iam:CreateRole", OWN_ROLE, BOUNDARY),
        (False, "iam:CreateRole", OWN_ROLE, {"iam__PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        (True, "iam:PutRolePolicy", OWN_ROLE, BOUNDARY),
        (False, "iam:PutRolePolicy", OWN_ROLE, {}),
        (False, "iam:PutRolePermissionsBoundary", OWN_ROLE, {"iam__PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        (False, "iam:DeleteRolePermissionsBoundary", OWN_ROLE, BOUNDARY),
        (False, "iam:AttachRolePolicy", OWN_ROLE, {**BOUNDARY, "iam__PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        (False, "iam:CreatePolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/boundary-of-booking-webhook-production", {}),
        (False, "iam:PutRolePolicy", ROLE + "cloudformation-of-booking-webhook-production", BOUNDARY),
        (False, "iam:UpdateAssumeRolePolicy", ROLE + "pipeline-of-booking-webhook-production", {}),
        (False, "iam:PassRole", ROLE + "admin", {"iam__PassedToService": "lambda.amazonaws.com"}),
        (True, "iam:PassRole", OWN_ROLE, {"iam__PassedToService": "lambda.amazonaws.com"}),
        (False, "iam:PassRole", OWN_ROLE, {"iam__PassedToService": "ec2.amazonaws.com"}),
        (False, "iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/me", {}),
        (False, "sts:AssumeRole", ROLE + "admin", {}),
        # No foreign function, table, secret, stack, bucket, topic, schedule.
        (True, "lambda:UpdateFunctionCode", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:booking-webhook-production", {}),
        (False, "lambda:UpdateFunctionCode", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shipcaptaincrew", {}),
        (False, "lambda:UpdateFunctionCode", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:booking-webhook-staging", {}),
        (False, "dynamodb:DeleteTable", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/scc-events", {}),
        (False, "secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:booking-webhook/webhook-AbCdEf", {}),
        (False, "s3:PutBucketPolicy", "arn:aws:s3:::queenofsandiego.com", {}),
        (False, "s3:PutObject", "arn:aws:s3:::queenofsandiego.com/index.html", {}),
        (False, "cloudformation:DeleteStack", f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/website/1", {}),
        (False, "sns:DeleteTopic", f"arn:aws:sns:{REGION}:{ACCOUNT}:website", {}),
        # No foreign API.
        (True, "apigateway:POST", API + "/apis", {}),
        (True, "apigateway:PATCH", API + "/apis/ours/routes/r", OWN_TAGS),
        (False, "apigateway:PATCH", API + "/apis/sccs/routes/r", {}),
        (False, "apigateway:DELETE", API + "/apis/sccs", {}),
        (False, "apigateway:DELETE", API + "/restapis/dashboards", {}),
        (False, "apigateway:DELETE", API + "/apis/stagings", {**OWN_TAGS, "aws__ResourceTag_SLASH_environment": "staging"}),
        # No foreign CloudFront function, and no distribution in production at all.
        (True, "cloudfront:UpdateFunction", CLOUDFRONT + "function/booking-webhook-production-viewer-request", {}),
        (False, "cloudfront:UpdateFunction", CLOUDFRONT + "function/the-sites-own", {}),
        (False, "cloudfront:UpdateDistribution", CLOUDFRONT + "distribution/E2LIVE0000000", OWN_TAGS),
        (False, "cloudfront:CreateDistribution", CLOUDFRONT + "distribution/*", {}),
        (False, "cloudfront:TagResource", CLOUDFRONT + "distribution/E2LIVE0000000", {}),
        (False, "cloudfront:CreateInvalidation", CLOUDFRONT + "distribution/E2LIVE0000000", {}),
    ]

    def test_what_it_may_do_and_what_not(self):
        policies = pipeline(PRODUCTION).policies("CloudFormationRole")
        for expected, action, resource, context in self.TABLE:
            with self.subTest(f"{action} {resource} {context}"):
                self.assertEqual(permits(policies, action, resource, **context), expected)

    def test_staging_changes_its_own_distribution_alone(self):
        policies = pipeline(STAGING).policies("CloudFormationRole")
        tags = {"aws__ResourceTag_SLASH_project": "booking-webhook", "aws__ResourceTag_SLASH_environment": "staging"}
        new = {name.replace("ResourceTag", "RequestTag"): value for name, value in tags.items()}
        distribution = CLOUDFRONT + "distribution/E2LIVE0000000"
        self.assertTrue(permits(policies, "cloudfront:CreateDistribution", CLOUDFRONT + "distribution/*"))
        self.assertTrue(permits(policies, "cloudfront:TagResource", distribution, **new))
        self.assertFalse(permits(policies, "cloudfront:TagResource", distribution))
        self.assertTrue(permits(policies, "cloudfront:UpdateDistribution", distribution, **tags))
        self.assertFalse(permits(policies, "cloudfront:UpdateDistribution", distribution))


class DeployRole(unittest.TestCase):
    TABLE = [
        (True, "cloudformation:CreateChangeSet", f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/booking-webhook-production/1", {}),
        (True, "cloudformation:GetTemplate", f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/booking-webhook-production/1", {}),
        (False, "cloudformation:DeleteStack", f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/booking-webhook-production/1", {}),
        (False, "cloudformation:CreateChangeSet", f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/booking-webhook-staging/1", {}),
        (True, "lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:booking-webhook-production:live", {}),
        (False, "lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shipcaptaincrew", {}),
        (False, "lambda:UpdateFunctionCode", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:booking-webhook-production", {}),
        (True, "iam:PassRole", ROLE + "cloudformation-of-booking-webhook-production", {"iam__PassedToService": "cloudformation.amazonaws.com"}),
        (False, "iam:PassRole", ROLE + "admin", {"iam__PassedToService": "cloudformation.amazonaws.com"}),
        (False, "iam:CreateRole", OWN_ROLE, BOUNDARY),
        (False, "secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:booking-webhook/scc-AbCdEf", {}),
        (False, "s3:PutObject", "arn:aws:s3:::queenofsandiego.com/g/x.html", {}),
        (True, "s3:PutObject", "arn:aws:s3:::queenofsandiego.com/g/link-0123456789.png", {}),
        (True, "s3:PutObject", "arn:aws:s3:::queenofsandiego.com/g/touch-icon.png", {}),
        (False, "s3:PutObject", "arn:aws:s3:::queenofsandiego.com/touch-icon.png", {}),
        (True, "s3:GetObject", "arn:aws:s3:::jada-files/operator.toml", {}),
        (False, "s3:PutObject", "arn:aws:s3:::jada-files/operator.toml", {}),
    ]

    def test_what_it_may_do_and_what_not(self):
        policies = pipeline(PRODUCTION).policies("DeployRole")
        for expected, action, resource, context in self.TABLE:
            with self.subTest(f"{action} {resource}"):
                self.assertEqual(permits(policies, action, resource, **context), expected)

    def test_in_staging_it_reads_what_the_smoke_test_signs_and_looks_with(self):
        policies = pipeline(STAGING).policies("DeployRole")
        for name, expected in (("webhook", True), ("webhook/getmyboat", True), ("calendar", True), ("scc", True), ("guest-page", False), ("desk", False)):
            secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:booking-webhook-staging/{name}-AbCdEf"
            self.assertEqual(permits(policies, "secretsmanager:GetSecretValue", secret), expected, name)

    def test_whose_tokens_it_trusts(self):
        new, classic = "repo:jada@1/hook@2:environment:production", "repo:jada/hook:environment:production"
        for form, trusted, refused in (("no", new, classic), ("yes", classic, new)):
            conditions = pipeline({**PRODUCTION, "ClassicSubject": form}).trust("DeployRole")["Statement"][0]["Condition"]
            self.assertEqual(list(conditions), ["StringEquals"], "no pattern: each token is whole")
            self.assertEqual(conditions["StringEquals"]["token.actions.githubusercontent.com:sub"], trusted)
            self.assertNotEqual(trusted, refused)


class TheFunction(unittest.TestCase):
    TABLE = [
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:booking-webhook/webhook-AbCdEf"),
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:booking-webhook/webhook/getmyboat-AbCdEf"),
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:booking-webhook/desk-AbCdEf"),
        ("dynamodb:UpdateItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/booking-webhook-production-Ledger-1"),
        ("dynamodb:Query", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/booking-webhook-production-Ledger-1/index/due"),
        ("dynamodb:Query", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/booking-webhook-production-Ledger-1/index/notice"),
        ("dynamodb:Query", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/booking-webhook-production-Ledger-1/index/by_day"),
        ("dynamodb:UpdateItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/scc-events"),
        ("s3:PutObject", "arn:aws:s3:::queenofsandiego.com/g/XHQGMDH1.html"),
        ("s3:PutObject", "arn:aws:s3:::queenofsandiego.com/g/XHQGMDH1.ics"),
        ("s3:GetObject", "arn:aws:s3:::queenofsandiego.com/g/XHQGMDH1.html"),
        ("s3:GetObject", "arn:aws:s3:::queenofsandiego.com/g/XHQGMDH1.ics"),
        ("s3:ListBucket", "arn:aws:s3:::queenofsandiego.com"),
        ("s3:GetObject", "arn:aws:s3:::jada-files/operator.toml"),
        ("s3:GetObject", "arn:aws:s3:::jada-files/mappings/getmyboat.toml"),
        ("cloudfront:CreateInvalidation", CLOUDFRONT + "distribution/E2LIVE0000000"),
        ("sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:booking-webhook-production-notices"),
        ("logs:PutLogEvents", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/booking-webhook-production:log-stream:x"),
    ]
    NEVER = [
        ("dynamodb:Scan", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/booking-webhook-production-Ledger-1"),
        ("dynamodb:DeleteItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/scc-events"),
        ("s3:GetObject", "arn:aws:s3:::queenofsandiego.com/index.html"),
        ("s3:PutObject", "arn:aws:s3:::queenofsandiego.com/index.html"),
        ("s3:PutObject", "arn:aws:s3:::queenofsandiego.com/g/link-0123456789.png"),
        ("s3:DeleteObject", "arn:aws:s3:::queenofsandiego.com/g/XHQGMDH1.html"),
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:website/database-AbCdEf"),
        ("secretsmanager:PutSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:booking-webhook/scc-AbCdEf"),
        ("iam:CreateRole", OWN_ROLE),
        ("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shipcaptaincrew"),
        ("ses:SendEmail", "*"),
    ]

    def setUp(self):
        self.own = deployed(PRODUCTION).policies("WebhookRole")
        self.boundary = pipeline(PRODUCTION).policies("Boundary")

    def test_its_policy_and_the_boundary_permit_what_it_needs(self):
        for action, resource in self.TABLE:
            with self.subTest(f"{action} {resource}"):
                self.assertTrue(permits(self.own, action, resource), "its own policy")
                self.assertTrue(permits(self.boundary, action, resource), "the boundary")

    def test_neither_permits_what_it_never_needs(self):
        for action, resource in self.NEVER:
            with self.subTest(f"{action} {resource}"):
                self.assertFalse(permits(self.own, action, resource), "its own policy")
                self.assertFalse(permits(self.boundary, action, resource), "the boundary")

    def test_a_restored_ledger_stands_in_for_the_stacks_own(self):
        own = deployed({**PRODUCTION, "RestoredLedger": "ledger-restored-1"}).policies("WebhookRole")
        table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/"
        for action, resource in (("dynamodb:UpdateItem", "ledger-restored-1"), ("dynamodb:Query", "ledger-restored-1/index/due")):
            self.assertTrue(permits(own, action, table + resource) and permits(self.boundary, action, table + resource))
        self.assertFalse(permits(own, "dynamodb:UpdateItem", table + "booking-webhook-production-Ledger-1"))

    def test_every_role_of_every_template_has_the_boundary(self):
        for file, parameters in (("template.yaml", PRODUCTION), ("staging.yaml", STAGING)):
            stack = Stack(file, parameters, {})
            for name, resource in stack.document["Resources"].items():
                if resource["Type"] == "AWS::IAM::Role":
                    boundary = stack.fill(resource["Properties"]["PermissionsBoundary"])
                    self.assertEqual(boundary, f"arn:aws:iam::{ACCOUNT}:policy/boundary-of-booking-webhook-{parameters['Environment']}", name)


class ThePoliciesAreReallyAsked(unittest.TestCase):
    def test_a_widened_policy_is_seen(self):
        policies = pipeline(PRODUCTION).policies("CloudFormationRole")
        roles = next(one for one in policies[0]["Statement"] if one["Sid"] == "RolesWithTheBoundary")
        del roles["Condition"]
        self.assertTrue(permits(policies, "iam:CreateRole", OWN_ROLE))


if __name__ == "__main__":
    unittest.main()
