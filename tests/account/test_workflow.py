"""The deploy workflow: what runs where there are credentials, and what its environments admit. Needs PyYAML (.venv/lint)."""

from __future__ import annotations

import os
import subprocess
import tempfile
import tomllib
import unittest
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text())
JOBS = WORKFLOW["jobs"]
CREDENTIALS = "aws-actions/configure-aws-credentials"
# Nothing but these runs once there are credentials. Each ends at a program that was built or installed before.
AFTER = {"make deploy ENV=staging", "make smoke ENV=staging", "make deploy ENV=production"}

# Stands in for GitHub's command: answers by the files of a folder.
GH = """#!/bin/sh
case $2 in
*/deployment-branch-policies) name=${2%/deployment-branch-policies}; cat "$ANSWERS/$(basename "$name").branches" ;;
*) cat "$ANSWERS/$(basename "$2").reviewers" ;;
esac
"""


class Workflow(unittest.TestCase):
    def test_nothing_is_installed_or_compiled_after_credentials_are_taken(self):
        for name in ("staging", "production"):
            steps = JOBS[name]["steps"]
            taken = next(number for number, step in enumerate(steps) if step.get("uses", "").startswith(CREDENTIALS))
            for step in steps[taken + 1 :]:
                self.assertNotIn("uses", step, name)
                self.assertIn(step["run"], AFTER, name)
                if "deploy" in step["run"]:
                    self.assertEqual(step["env"]["BUILT"], "1", "nothing is built")
                else:
                    self.assertEqual(step["env"]["SMOKE"], "target/debug/smoke", "nothing is built")
            before = [step.get("run", "") for step in steps[:taken]]
            self.assertIn("make .venv/sam/tools.stamp", before, "the tools are there already")

    def test_only_the_jobs_that_take_a_role_may_ask_for_a_token(self):
        asks = {name for name, job in JOBS.items() if job["permissions"].get("id-token")}
        takes = {name for name, job in JOBS.items() if any(step.get("uses", "").startswith(CREDENTIALS) for step in job.get("steps", []))}
        self.assertEqual(asks, takes)
        self.assertEqual(WORKFLOW["permissions"], {})

    def test_the_approval_holds_no_lock_and_no_token(self):
        approval = JOBS["approval"]
        self.assertNotIn("concurrency", approval)
        self.assertEqual(approval["permissions"], {})
        self.assertEqual(JOBS["production"]["needs"], "approval")

    def test_the_region_is_the_one_that_is_deployed_to(self):
        settings = tomllib.loads((ROOT / "infra/samconfig.toml").read_text())
        for environment in ("staging", "production"):
            self.assertEqual(settings[environment]["deploy"]["parameters"]["region"], WORKFLOW["env"]["AWS_REGION"])


class Environments(unittest.TestCase):
    def check(self, **answers: str) -> subprocess.CompletedProcess:
        good = {"staging.branches": "main", "production.branches": "main", "production-approval.branches": "main", "production-approval.reviewers": "1"}
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "gh").write_text(GH)
            (Path(folder) / "gh").chmod(0o755)
            for name, text in {**good, **{key.replace("__", ".").replace("_", "-"): value for key, value in answers.items()}}.items():
                if text is not None:
                    (Path(folder) / name).write_text(text + "\n")
            environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "ANSWERS": folder}
            script = ROOT / "scripts/github-environments.sh"
            return subprocess.run([script, "check", "jada/hook"], env=environment, capture_output=True, text=True, check=False)

    def test_main_only_and_an_approval(self):
        self.assertEqual(self.check().returncode, 0)
        for answers, said in (
            ({"staging__branches": "main release/*"}, "staging admits 'main release/*'"),
            ({"production__branches": ""}, "production admits ''"),
            ({"production_approval__reviewers": "0"}, "no required reviewers"),
        ):
            ended = self.check(**answers)
            self.assertEqual(ended.returncode, 1)
            self.assertIn(said, ended.stderr)


if __name__ == "__main__":
    unittest.main()
