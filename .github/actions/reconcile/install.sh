#!/usr/bin/env bash
# Install the program: from the checkout that this action is a part of, by version from an index of yours, or not at all.
# shellcheck source=common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

version=${IN_VERSION:-.}
root=$(cd -- "$here/../../.." && pwd)

install() {
    "$work/venv/bin/python" -I -m pip install --quiet --disable-pip-version-check "$@"
}

case $version in
    installed) ;;
    .)
        python3 -I -m venv -- "$work/venv"
        install --no-deps --require-hashes --requirement "$root/constraints-install.txt"
        install --no-index --no-deps --no-build-isolation -- "$root"
        ;;
    *)
        if [[ ! $version =~ ^[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.(post|dev)[0-9]+)?$ ]]; then
            fail 64 "version is '.', 'installed' or a number such as 1.4.0."
        fi
        if [[ ! ${IN_INDEX_URL:-} =~ ^https:// ]]; then
            # on the public index this name is another project's
            fail 64 "A version needs index-url, the address (https) of the index that you publish this package on."
        fi
        python3 -I -m venv -- "$work/venv"
        install --only-binary=:all: --index-url="$IN_INDEX_URL" "reconciler[ntlm,postgres,s3]==$version"
        ;;
esac
PATH=$work/venv/bin:$PATH
command -v reconcile >/dev/null || fail 64 "There is no reconcile on this runner. Leave version at '.' to install it."
reconcile --version
