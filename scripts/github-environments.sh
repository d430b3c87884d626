#!/bin/sh
# The pipeline's environments on GitHub: github-environments.sh make|check OWNER/NAME. Needs gh and jq.
#
# The roles in AWS trust an environment by its name. So `staging` and `production` must admit the branch main alone, or any branch's
# workflow could take the roles on; and `production-approval` must have somebody who approves.
set -eu

verb=$1 repository=$2
faults=0
fault() {
    echo "$1" >&2
    faults=1
}

make_one() {
    printf '{"deployment_branch_policy": {"protected_branches": false, "custom_branch_policies": true}}' |
        gh api --silent --method PUT "repos/$repository/environments/$1" --input -
    gh api --silent --method POST "repos/$repository/environments/$1/deployment-branch-policies" -f name=main -f type=branch
}

check_one() {
    if ! branches=$(gh api "repos/$repository/environments/$1/deployment-branch-policies" --jq '[.branch_policies[].name] | sort | join(" ")' 2>/dev/null); then
        fault "$1: there is no such environment, or it admits every branch. Run: scripts/github-environments.sh make $repository"
        return
    fi
    [ "$branches" = main ] || fault "$1 admits '$branches'; it must admit main alone"
}

check_reviewers() {
    count=$(gh api "repos/$repository/environments/production-approval" \
        --jq '[.protection_rules[]? | select(.type == "required_reviewers") | .reviewers[]] | length' 2>/dev/null) || count=0
    [ "${count:-0}" -gt 0 ] ||
        fault 'production-approval has no required reviewers: production would be deployed as soon as staging is well. Add them under Settings, Environments'
}

case $verb in
    make) for name in staging production production-approval; do make_one "$name"; done ;;
    check)
        for name in staging production production-approval; do check_one "$name"; done
        check_reviewers
        [ "$faults" -gt 0 ] || echo 'The environments admit main alone, and production waits for an approval.'
        ;;
    *)
        echo 'github-environments.sh make|check OWNER/NAME' >&2
        exit 2
        ;;
esac
exit "$faults"
