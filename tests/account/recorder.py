"""An AWS account on loopback, as far as a deployment calls it: it records each call, and answers by what was deployed.

CloudFormation here carries a change set out by remembering its template and parameters. The function answers as the `bootstrap`
that the template's artifact holds says, so a test that puts a bad version back proves that the good bytes are live again.
"""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import yaml

ACCOUNT = "111122223333"
BUCKET = "aws-sam-cli-managed-default-samclisourcebucket"


class AwsTags(yaml.SafeLoader):
    """Reads a template with any of CloudFormation's functions in it."""


AwsTags.add_multi_constructor("!", lambda loader, suffix, node: {suffix: getattr(node, "value", None) if isinstance(node, yaml.ScalarNode) else None})


class World:
    """What is in the account."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.objects: dict[str, bytes] = {}
        # (Content-Type, Cache-Control) of what was put.
        self.headers: dict[str, tuple[str | None, str | None]] = {}
        self.stack: dict | None = None
        self.status = "CREATE_COMPLETE"
        self.change_set: dict | None = None
        self.version = 0
        # SAM shows the events that are newer than the last one that it saw before.
        self.changed_at = datetime(2026, 1, 1)
        self.concurrency = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}
        self.secrets = {"webhook", "calendar", "scc", "guest-page"}
        # Names of lines of the health check that are red with any version.
        self.red: set[str] = set()
        self.refuses_operator_file = lambda body: body.startswith(b"faulty")
        self.expired = False
        # Somebody has set the reserved concurrency to 0.
        self.stopped = False

    def execute(self) -> None:
        change, self.change_set = self.change_set, None
        before = self.stack or {"parameters": {}}
        parameters = {**before["parameters"], **change["parameters"]}
        self.stack = {"template": change["template"], "parameters": parameters, "events": change["id"]}
        self.status = "UPDATE_COMPLETE" if before.get("template") else "CREATE_COMPLETE"
        self.version += 1
        self.changed_at = datetime.now(timezone.utc)

    def bootstrap(self) -> str:
        template = yaml.load(self.stack["template"], AwsTags)
        uri = template["Resources"]["Webhook"]["Properties"]["CodeUri"]
        archive = self.objects[uri.removeprefix("s3://")]
        return zipfile.ZipFile(io.BytesIO(archive)).read("bootstrap").decode().strip()

    def answer(self, question: dict) -> tuple[dict, bool]:
        """What `live` answers, and whether it failed."""
        behaviour = self.bootstrap()
        if behaviour == "crashes":
            return {"errorType": "Runtime.ExitError", "errorMessage": "exit status 1"}, True
        if "plan" in question:
            return ({"status": 500, "detail": "the guest page cannot be rendered"} if behaviour == "cannot plan" else {"would_send": {}}), False
        red = set(self.red) | ({"calendar"} if behaviour == "loses the calendar" else set())
        parameters = self.stack["parameters"]
        file = self.objects.get(f"{parameters.get('ConfigurationBucket')}/{parameters.get('OperatorKey')}")
        if file is not None and self.refuses_operator_file(file):
            red.add("operator_file")
        names = ["environment", "secrets", "operator_file", "ledger", "calendar", "scc", "unknown_link"]
        lines = [{"name": name, "ok": name not in red, "detail": f"{name} looked at", **({"next": "mend it"} if name in red else {})} for name in names]
        return {"ok": not red, "status": 503 if red else 200, "checks": lines}, False


class Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world: World

    def log_message(self, *_):  # the calls are the record
        pass

    def reply(self, status: int, body: bytes | str = b"", kind: str = "text/xml", **headers: str) -> None:
        body = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def note(self, call: str) -> None:
        self.world.calls.append(call)

    def handle_any(self) -> None:
        body = self.read_body()
        address = urlsplit(self.path)
        service = re.search(r"/([a-z0-9-]+)/aws4_request", self.headers.get("Authorization", ""))
        service = service.group(1) if service else "?"
        if service in ("cloudformation", "sts"):
            self.query({name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()})
        elif service == "lambda":
            self.functions(unquote(address.path), address.query, body)
        elif service == "s3":
            self.s3(unquote(address.path).lstrip("/"), address.query, body)
        elif service == "secretsmanager":
            self.secret(json.loads(body))
        else:
            self.note(f"{service} {self.command} {self.path}")
            self.reply(501)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any

    def read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            whole = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return whole
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            rest, body = body, b""
            while rest:
                head, _, rest = rest.partition(b"\r\n")
                size = int(head.split(b";")[0], 16)
                if not size:
                    break
                body, rest = body + rest[:size], rest[size + 2 :]
        return body

    # --- CloudFormation and STS: the query protocol ------------------------------------------------------------------------

    def query(self, form: dict[str, str]) -> None:
        action, world = form["Action"], self.world
        name = form.get("StackName", "")
        stack = name.split("/")[1] if name.startswith("arn:") else name
        shown = {"CreateChangeSet": lambda: f"{stack} {form['ChangeSetType']} {self.changed(form)}"}.get(action, lambda: stack)()
        self.note(f"{action} {shown}".strip())
        if world.expired:
            return self.query_error(403, "ExpiredToken", "The security token included in the request is expired")
        handler = getattr(self, f"on_{action}", None)
        if handler is None:
            return self.query_error(400, "InvalidAction", f"{action} is not recorded here")
        return handler(form, stack)

    def changed(self, form: dict[str, str]) -> str:
        """What this change set changes, for the record."""
        new = self.change_of(form)
        before = self.world.stack
        if before is None:
            return "everything"
        names = {name for name in new["parameters"] if before["parameters"].get(name) != new["parameters"][name]}
        parts = [f"{name}={new['parameters'][name]}" for name in sorted(names)]
        mark = re.compile("deployment-[0-9a-f]{12}")
        if mark.sub("", new["template"]) != mark.sub("", before["template"]):
            parts.append("template")
        if mark.findall(new["template"]) != mark.findall(before["template"]):
            parts.append("mark")
        return " ".join(parts) or "nothing"

    def change_of(self, form: dict[str, str]) -> dict:
        template = form.get("TemplateBody")
        if url := form.get("TemplateURL"):
            key = unquote(re.sub(r"^https?://[^/]+/", "", url).split("?")[0])
            template = self.world.objects[key].decode()
        # SAM writes nested templates' places with the endpoint that it was given; on AWS that is S3's.
        template = re.sub(r"http://127\.0\.0\.1:\d+/", "https://s3.us-west-2.amazonaws.com/", template)
        parameters, n = {}, 1
        while f"Parameters.member.{n}.ParameterKey" in form:
            if f"Parameters.member.{n}.ParameterValue" in form:
                parameters[form[f"Parameters.member.{n}.ParameterKey"]] = form[f"Parameters.member.{n}.ParameterValue"]
            n += 1
        return {"template": template, "parameters": parameters, "type": form["ChangeSetType"]}

    def query_reply(self, form: dict[str, str], inner: str) -> None:
        action = form["Action"]
        self.reply(200, f'<{action}Response xmlns="http://{"sts" if action == "GetCallerIdentity" else "cloudformation"}.amazonaws.com/doc/"><{action}Result>{inner}</{action}Result>'
                        f"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>")

    def query_error(self, status: int, code: str, message: str) -> None:
        self.reply(status, f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error><RequestId>r</RequestId></ErrorResponse>")

    def on_GetCallerIdentity(self, form, _stack):
        self.query_reply(form, f"<Arn>arn:aws:sts::{ACCOUNT}:assumed-role/engineer/me</Arn><UserId>me</UserId><Account>{ACCOUNT}</Account>")

    def on_DescribeStacks(self, form, stack):
        if stack == "aws-sam-cli-managed-default":
            outputs = f"<Outputs><member><OutputKey>SourceBucket</OutputKey><OutputValue>{BUCKET}</OutputValue></member></Outputs>"
            tags = "<Tags><member><Key>ManagedStackSource</Key><Value>AwsSamCli</Value></member></Tags>"
            return self.query_reply(form, self.member(stack, "CREATE_COMPLETE", outputs + tags))
        world = self.world
        if world.stack is None and not (world.change_set or world.status.startswith("ROLLBACK")):
            return self.query_error(400, "ValidationError", f"Stack with id {stack} does not exist")
        if world.stack is None:
            return self.query_reply(form, self.member(stack, world.status if not world.change_set else "REVIEW_IN_PROGRESS", ""))
        pairs = "".join(f"<member><ParameterKey>{k}</ParameterKey><ParameterValue>{escape(v)}</ParameterValue></member>" for k, v in world.stack["parameters"].items())
        outputs = {"WebhookUrl": "https://api.example/webhooks/boatsetter", "GuestPageBaseUrl": "https://guests.example", "SecretsPrefix": "booking-webhook-staging",
                   "GuestPageBucket": "booking-webhook-staging-site", "OfficeMailboxUrl": "https://calendar.example/office"}
        outputs = "".join(f"<member><OutputKey>{k}</OutputKey><OutputValue>{v}</OutputValue></member>" for k, v in outputs.items())
        return self.query_reply(form, self.member(stack, world.status, f"<Parameters>{pairs}</Parameters><Outputs>{outputs}</Outputs>"))

    def member(self, stack: str, status: str, rest: str) -> str:
        return (f"<Stacks><member><StackName>{stack}</StackName><StackId>arn:aws:cloudformation:us-west-2:{ACCOUNT}:stack/{stack}/1</StackId>"
                f"<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>{status}</StackStatus>{rest}</member></Stacks>")

    def on_GetTemplate(self, form, _stack):
        self.query_reply(form, f"<TemplateBody>{escape(self.world.stack['template'])}</TemplateBody>")

    def on_GetTemplateSummary(self, form, _stack):
        names = self.world.stack["parameters"] if self.world.stack else {}
        self.query_reply(form, "<Parameters>" + "".join(f"<member><ParameterKey>{n}</ParameterKey></member>" for n in names) + "</Parameters>")

    def on_CreateChangeSet(self, form, stack):
        self.world.change_set = {**self.change_of(form), "id": form["ChangeSetName"]}
        self.query_reply(form, f"<Id>arn:aws:cloudformation:us-west-2:{ACCOUNT}:changeSet/{form['ChangeSetName']}/1</Id><StackId>arn:aws:cloudformation:us-west-2:{ACCOUNT}:stack/{stack}/1</StackId>")

    def on_DescribeChangeSet(self, form, stack):
        change = "<member><Type>Resource</Type><ResourceChange><Action>Modify</Action><LogicalResourceId>Webhook</LogicalResourceId><ResourceType>AWS::Lambda::Function</ResourceType><Replacement>False</Replacement></ResourceChange></member>"
        self.query_reply(form, f"<Status>CREATE_COMPLETE</Status><ExecutionStatus>AVAILABLE</ExecutionStatus><StackName>{stack}</StackName><Changes>{change}</Changes>")

    def on_ExecuteChangeSet(self, form, _stack):
        self.world.execute()
        self.query_reply(form, "")

    def on_DescribeStackEvents(self, form, stack):
        self.query_reply(form, f"<StackEvents><member><StackId>arn:aws:cloudformation:us-west-2:{ACCOUNT}:stack/{stack}/1</StackId><EventId>{self.world.version}</EventId><StackName>{stack}</StackName><LogicalResourceId>{stack}</LogicalResourceId>"
                               f"<PhysicalResourceId>arn:aws:cloudformation:us-west-2:{ACCOUNT}:stack/{stack}/1</PhysicalResourceId><ResourceType>AWS::CloudFormation::Stack</ResourceType>"
                               f"<Timestamp>{self.world.changed_at:%Y-%m-%dT%H:%M:%S.%fZ}</Timestamp><ResourceStatus>{self.world.status}</ResourceStatus></member></StackEvents>")

    # --- Lambda, S3, Secrets Manager ---------------------------------------------------------------------------------------

    def functions(self, path: str, parameters: str, body: bytes) -> None:
        if path.endswith("/account-settings"):
            self.note("GetAccountSettings")
            return self.reply(200, json.dumps({"AccountLimit": self.world.concurrency}), "application/json")
        if path.endswith("/concurrency"):
            self.note("GetFunctionConcurrency")
            if self.world.stack is None:
                return self.reply(404, '{"Message":"Function not found"}', "application/json", X_Amzn_ErrorType="ResourceNotFoundException")
            return self.reply(200, "{}", "application/json")
        name = path.split("/functions/")[1].split("/")[0]
        question = json.loads(body)
        self.note(f"Invoke {name}:{parse_qs(parameters)['Qualifier'][0]} {next(iter(question))} -> version {self.world.version}")
        if self.world.stopped:
            refusal = {"Type": "User", "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "message": "Rate Exceeded."}
            return self.reply(429, json.dumps(refusal), "application/json", X_Amzn_ErrorType="TooManyRequestsException")
        answer, failed = self.world.answer(question)
        return self.reply(200, json.dumps(answer), "application/json", **({"X_Amz_Function_Error": "Unhandled"} if failed else {}))

    def s3(self, key: str, parameters: str, body: bytes) -> None:
        bucket, _, rest = key.partition("/")
        kind = re.sub(r"^.*?([^/]*)$", r"\1", rest)
        kind = re.sub(r"^[0-9a-f]{32}", "…", kind)
        what = {"PUT": "PutObject", "GET": "GetBucketLocation" if "location" in parameters else "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}
        self.note(f"{what.get(self.command, self.command)} {bucket}{'/' + kind if kind else ''}")
        objects = self.world.objects
        if "location" in parameters:
            return self.reply(200, '<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">us-west-2</LocationConstraint>')
        if self.command == "PUT":
            objects[key] = body
            self.world.headers[key] = (self.headers.get("Content-Type"), self.headers.get("Cache-Control"))
            return self.reply(200, ETag='"e"')
        if self.command == "DELETE":
            objects.pop(key, None)
            return self.reply(204)
        if key not in objects:
            return self.reply(404, "<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>")
        return self.reply(200, objects[key], "application/octet-stream", ETag='"e"')

    def secret(self, request: dict) -> None:
        self.note(f"{self.headers['X-Amz-Target'].split('.')[1]} {request.get('SecretId', '')}")
        if request["SecretId"].split("/", 1)[1] in self.world.secrets:
            return self.reply(200, json.dumps({"Name": request["SecretId"]}), "application/x-amz-json-1.1")
        return self.reply(400, json.dumps({"__type": "ResourceNotFoundException", "Message": "no such secret"}), "application/x-amz-json-1.1")


def start(world: World) -> tuple[ThreadingHTTPServer, str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Recorder", (Endpoint,), {"world": world}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}"
