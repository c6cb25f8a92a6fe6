#!/usr/bin/env bash
# Check a policy where there are no credentials, as in a pull request from a fork: its form, its tests, and a plan as far as
# one can be made offline. What needs a credential is said, and not tried.
# shellcheck source=common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

unset IN_CREDENTIALS IN_PLAN_KEY
page=$work/check.md
printf '<!-- reconcile:check -->\n' >"$page"

# offline CODE FILE: tell whether it ended only because something has to be reached that cannot be reached from here
offline() {
    case $1 in
        4 | 5) return 0 ;;
        3) grep -q 'error\[SECRET-UNSET\]' "$2" && ! grep 'error\[' "$2" | grep -qv 'error\[SECRET-UNSET\]' ;;
        *) return 1 ;;
    esac
}

# section TITLE CODE FILE: tell how one part ended
section() {
    local word="failed (exit code $2)"
    if [[ $2 == 0 ]]; then
        word=passed
    elif offline "$2" "$3"; then
        word="not tried: it needs a server or a credential that this run has not"
    fi
    printf '### %s: %s\n\n' "$1" "$word" >>"$page"
}

options=()
arguments --snapshot "${IN_SNAPSHOT:-}"
messages=$work/messages.txt

code=0
validated || code=$?
if [[ $code != 0 ]]; then
    reconcile validate -- "$policy" >"$messages" 2>&1 || true
    section "The policy" "$code" /dev/null
    fenced "$messages" >>"$page"
    summary "$page"
    output exit_code "$code"
    exit "$code"
fi
section "The policy" 0 /dev/null

reconcile test ${options[@]+"${options[@]}"} -- "$policy" >"$messages" 2>&1 || code=$?
shown "$messages"
section "Its tests" "$code" "$messages"
if [[ $code != 0 ]]; then
    fenced "$messages" >>"$page"
    if offline "$code" "$messages"; then
        code=0
    fi
fi

planning=0
reconcile plan --format=markdown --max-bytes=800000 --marker=check ${options[@]+"${options[@]}"} -- "$policy" \
    >"$work/plan.md" 2>"$messages" || planning=$?
section "A plan without credentials" "$planning" "$messages"
if [[ -s $work/plan.md ]]; then
    cat -- "$work/plan.md" >>"$page"
else
    fenced "$messages" >>"$page"
fi
summary "$page"
output exit_code "$code"
exit "$code"
