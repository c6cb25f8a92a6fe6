#!/usr/bin/env bash
# Plan what a pull request changes: one comment, the page of the run, outputs. Changes nothing outside of these.
# shellcheck source=common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

# Print the commit that the pull request goes to. Of the merge that GitHub has made for this run that is the first parent;
# what else is checked out was made by whoever opened the pull request, and then the event says it.
base_commit() {
    local said base head
    said=$(python3 -I "$here/base.py") || return 0
    read -r base head <<<"$said"
    if [[ $(git -C "$policy" rev-parse HEAD) == "${GITHUB_SHA:-}" &&
        $(git -C "$policy" rev-parse --verify --quiet 'HEAD^2') == "$head" ]]; then
        git -C "$policy" rev-parse 'HEAD^1'
    else
        printf '%s\n' "$base"
    fi
}

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
