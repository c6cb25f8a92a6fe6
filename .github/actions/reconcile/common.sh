# Sourced by the scripts of this action: how they write outputs, summaries and comments, and hand credentials over.
# Nothing here evaluates what comes from outside: inputs arrive as IN_* variables, and are words, never code.
# shellcheck shell=bash
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
work=${RUNNER_TEMP:?}/reconcile
policy=${IN_POLICY:-policies}
marker=${IN_MARKER:-plan}
token=${IN_TOKEN:-}
unset IN_TOKEN # only comment() hands it on
mkdir -p "$work"

# Where install.sh has put the program; nothing where it was there before.
if [[ -d $work/venv/bin ]]; then
    PATH=$work/venv/bin:$PATH
fi

# fail CODE MESSAGE: say it where GitHub shows it, and end
fail() {
    printf '::error title=reconcile::%s\n' "$2"
    exit "$1"
}

# output NAME VALUE: one line of $GITHUB_OUTPUT; a value of several lines could add outputs of its own
output() {
    case $2 in *[$'\n\r']*) fail 1 "The output $1 has more than one line." ;; esac
    printf '%s=%s\n' "$1" "$2" >>"${GITHUB_OUTPUT:?}"
}

# shown FILE: print it to the log, where no line of it is a command of the runner
shown() {
    local token
    token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    printf '::stop-commands::%s\n' "$token"
    cat -- "$1"
    printf '\n::%s::\n' "$token"
}

# fenced FILE: print it as a block of Markdown that nothing in it can end: no line of it starts where a fence would
fenced() {
    printf '```text\n'
    head -c 50000 -- "$1" | LC_ALL=C tr -d '\000-\010\013-\037' | sed 's/^/ | /'
    printf '\n```\n'
}

# summary FILE: add it to the page of the run, which takes no more than 1 MiB of one step
summary() {
    head -c 1000000 -- "$1" >>"${GITHUB_STEP_SUMMARY:?}"
}

# list TEXT: read the lines of an input into the array `words`, empty ones left out
list() {
    local line
    words=()
    while IFS= read -r line; do
        line=${line%$'\r'}
        [[ -z $line ]] || words+=("$line")
    done <<<"$1"
}

# arguments OPTION TEXT: add OPTION=LINE to the array `options` for each line of an input
arguments() {
    local word
    list "$2"
    for word in ${words[@]+"${words[@]}"}; do
        options+=("$1=$word")
    done
}

# Put the lines NAME=value of IN_CREDENTIALS into the environment, each value hidden from the log from here on.
credentials() {
    local line name value number=0
    while IFS= read -r line; do
        number=$((number + 1))
        line=${line%$'\r'}
        [[ -n $line && $line != \#* ]] || continue
        name=${line%%=*} value=${line#*=}
        if [[ $line != *=* || ! $name =~ ^[A-Z][A-Z0-9_]*$ || -z $value ]]; then
            fail 64 "Line $number of the credentials is not NAME=value, with a name of capitals, digits and _."
        fi
        case $name in
            GITHUB_* | RUNNER_* | ACTIONS_* | IN_* | LD_* | PYTHON* | PATH | BASH_ENV | ENV | IFS)
                fail 64 "Line $number of the credentials sets $name, which is not the policy's to name."
                ;;
        esac
        if [[ ${GITHUB_ACTIONS:-} == true ]]; then
            hidden=${value//'%'/%25}
            printf '::add-mask::%s\n' "$hidden"
        fi
        export "$name=$value"
    done <<<"${IN_CREDENTIALS:-}"
    unset IN_CREDENTIALS hidden
}

# comment FILE [OPTION...]: have it as our one comment, or our one issue; a run without a token writes none
comment() {
    if [[ ${IN_COMMENT:-true} != true || -z $token ]]; then
        return 0
    fi
    GITHUB_TOKEN=$token reconcile comment "$@"
}

# facts PLAN: write the outputs that tell what a saved plan is
facts() {
    python3 -I "$here/facts.py" "$1" >>"${GITHUB_OUTPUT:?}"
}

# fact NAME: print one that was written before
fact() {
    sed -n "s/^$1=//p" "${GITHUB_OUTPUT:?}" | tail -n 1
}

# validated: check the form of the policy, with its findings as annotations; the code of the check
validated() {
    local code=0 options=()
    arguments --snapshot "${IN_SNAPSHOT:-}"
    reconcile validate --format=github ${options[@]+"${options[@]}"} -- "$policy" || code=$?
    return "$code"
}

# failure TITLE FILE: a page that says that there is no plan, and why
failure() {
    printf '<!-- reconcile:%s -->\n### %s\n\n' "$marker" "$1"
    fenced "$2"
}

# Print the commit that the pull request goes to. Of the merge that GitHub has made for this run that is the first parent;
# what else is checked out was made by whoever opened the pull request, and then the event says it. Files of the policy that
# git would take for a repository are none.
base_commit() {
    local said base head ask=(git -c safe.bareRepository=explicit -C "$policy" rev-parse --verify --quiet)
    said=$(python3 -I "$here/base.py") || return 0
    read -r base head <<<"$said"
    if [[ $("${ask[@]}" HEAD) == "${GITHUB_SHA:-}" && $("${ask[@]}" 'HEAD^2') == "$head" ]]; then
        "${ask[@]}" 'HEAD^1'
    else
        printf '%s\n' "$base"
    fi
}

# planned [OPTION...]: make a plan and save it, its page for a comment and for the run, and the outputs; sets `code`
planned() {
    local options=("$@")
    code=0
    plan=$work/plan.json page=$work/plan.md messages=$work/messages.txt
    rm -f -- "$plan" "$page" "$messages"
    if ! validated; then
        code=3
        reconcile validate -- "$policy" >"$messages" 2>&1 || true
        not_planned "The policy is not valid"
        return
    fi
    arguments --snapshot "${IN_SNAPSHOT:-}"
    arguments --target "${IN_TARGET:-}"
    if [[ -n ${IN_PLAN_KEY:-} ]]; then
        options+=("--plan-key=IN_PLAN_KEY")
    fi
    reconcile plan --out="$plan" --format=markdown --max-bytes=65000 --marker="$marker" \
        ${options[@]+"${options[@]}"} -- "$policy" >"$page" 2>"$messages" || code=$?
    shown "$messages"
    if [[ ! -s $plan ]]; then
        not_planned "No plan could be made"
        return
    fi
    facts "$plan"
    output plan_path "$plan"
    output exit_code "$code"
    reconcile show --format=markdown --max-bytes=900000 --marker="$marker" -- "$plan" >"$work/summary.md"
    printf '\nFingerprint of the changes: <code>%s</code>\n' "$(fact fingerprint)" | tee -a -- "$page" >>"$work/summary.md"
    summary "$work/summary.md"
    if [[ ${IN_HTML:-} == true ]]; then
        reconcile show --format=html -- "$plan" >"$work/plan.html"
        output html_path "$work/plan.html"
    fi
}

# not_planned TITLE: say it in place of a plan, so that no older one is taken for this one
not_planned() {
    local name
    for name in has_changes has_removals refused applyable; do
        output "$name" false
    done
    output exit_code "$code"
    failure "$1 (exit code $code)" "$messages" >"$page"
    summary "$page"
}
