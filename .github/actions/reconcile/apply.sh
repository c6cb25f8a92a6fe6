#!/usr/bin/env bash
# Apply exactly the plan file that was approved: its bytes by digest, its policy by commit. Nothing is planned here.
# shellcheck source=common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

plan=${IN_PLAN:-}
digest=${IN_PLAN_DIGEST:-}
commit=${IN_COMMIT:-${GITHUB_SHA:-}}
messages=$work/messages.txt

[[ -f $plan ]] || fail 64 "There is no plan file to apply: set plan."
[[ $digest =~ ^[0-9a-f]{64}$ ]] || fail 64 "plan-digest is the output plan_digest of the job that made the plan."
[[ $commit =~ ^[0-9a-f]{40}([0-9a-f]{24})?$ ]] || fail 64 "commit is the whole id of the commit that the plan was made from."
if ! printf '%s  %s\n' "$digest" "$plan" | sha256sum --check --status -; then
    fail 8 "The plan file is not the one that was approved: its digest is another. Nothing was written."
fi

credentials
options=("--commit=$commit" "--policy=$policy")
if [[ -n ${IN_PLAN_KEY:-} ]]; then
    options+=("--plan-key=IN_PLAN_KEY")
fi
code=0
reconcile apply "${options[@]}" -- "$plan" >"$messages" 2>&1 || code=$?
shown "$messages"
output exit_code "$code"
output plan_path "$plan"
{
    printf '### reconcile apply ended with exit code %s\n\n' "$code"
    fenced "$messages"
} >"$work/summary.md"
summary "$work/summary.md"
exit "$code"
