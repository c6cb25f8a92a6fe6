#!/usr/bin/env bash
# Plan what a pull request changes: one comment, the page of the run, outputs. Changes nothing outside of these.
# shellcheck source=common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

credentials
base=${IN_BASE:-}
if [[ -z $base && ${GITHUB_EVENT_NAME:-} == pull_request* ]]; then
    base=$(base_commit)
    [[ -n $base ]] || fail 64 "This run is of no pull request to the default branch. Set base to a commit that you trust."
fi
options=()
if [[ -n $base ]]; then
    options+=("--base=$base")
fi
planned ${options[@]+"${options[@]}"}
if [[ ${GITHUB_EVENT_NAME:-} == push && -n $token && -s $plan ]]; then
    GITHUB_TOKEN=$token python3 -I "$here/reviewed.py" "$marker" "$(fact fingerprint)" | tee -a -- "$GITHUB_STEP_SUMMARY"
fi
comment "$page"
exit "$code"
