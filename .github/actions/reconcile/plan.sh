#!/usr/bin/env bash
# Plan what a pull request changes: one comment, the page of the run, outputs. Changes nothing outside of these.
# shellcheck source=common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

credentials
base=${IN_BASE:-}
if [[ -z $base && ${GITHUB_EVENT_NAME:-} == pull_request* ]]; then
    base=$(base_commit)
    [[ -n $base ]] || fail 64 "The event of this run does not say what the pull request goes to. Set base."
fi
options=()
if [[ -n $base ]]; then
    options+=("--base=$base")
fi
planned ${options[@]+"${options[@]}"}
comment "$page"
exit "$code"
