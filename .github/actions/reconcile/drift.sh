#!/usr/bin/env bash
# Look whether anything is not as the policy says, and have one open issue exactly as long as that is so.
# shellcheck source=common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

title=${IN_ISSUE_TITLE:-Access is not as the policy says}
marker=${IN_MARKER:-drift}

credentials
planned --detailed-exitcode
options=("--issue=$title")
list "${IN_ISSUE_LABELS:-}"
for word in ${words[@]+"${words[@]}"}; do
    options+=("--label=$word")
done
if [[ $code == 0 ]]; then
    options+=(--close)
fi
comment "$page" "${options[@]}"
# drift is a finding, and the issue says it; everything else is a failure of the run
[[ $code == 2 ]] || exit "$code"
