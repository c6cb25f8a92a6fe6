#!/usr/bin/env bash
# Run the one of the commands that was asked for; none of its words is ever taken for a file.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
case ${IN_COMMAND:-} in
    plan | apply | drift | check) exec bash "$here/$IN_COMMAND.sh" ;;
    *)
        echo "::error title=reconcile::command is one of plan, apply, drift and check."
        exit 64
        ;;
esac
