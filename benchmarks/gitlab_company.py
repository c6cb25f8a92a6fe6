"""Write the generated company for a GitLab: directory, policy, and what GitLab holds before the first run; never ask anybody.

Everybody has an account with the DN of the directory as identity, every group is there, and nobody is in one.
Run as ``python -m benchmarks.gitlab_company --url URL --out FOLDER``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.entries import BASE, GROUPS, display_name, person_dn, uid
from benchmarks.generate import LDIF, POLICY, shape_from, shape_options, write_directory
from benchmarks.policy_files import DIRECTORY, link_files, target_group
from benchmarks.shape import Shape

TARGET, PROVIDER, VARIABLE = "gitlab", "ldapmain", "GITLAB_TOKEN"
STATE = "gitlab.json"
ROLES = ("guest", "reporter", *["developer"] * 5, "maintainer", "maintainer", "owner")
"""What ten links of a group give, from first to last."""


def state(shape: Shape) -> dict[str, object]:
    """Return accounts and groups as the fake GitLab loads them."""
    users = [
        {
            "username": uid(person),
            "name": display_name(shape, person),
            "email": f"{uid(person)}@example.com",
            "identities": {PROVIDER: person_dn(person)},
        }
        for person in range(shape.people)
    ]
    root = {"username": "root", "name": "Administrator", "email": "root@example.com", "admin": True}
    return {"users": [root, *users], "groups": {target_group(number): {} for number in range(shape.target_groups)}}


def connections(url: str, parallel: int) -> str:
    """Return the file that says where things are."""
    return f"""\
version: 1

directories:
  {DIRECTORY}:
    kind: ldif
    file: ../{LDIF}
    dialect: openldap
    base: {json.dumps(BASE)}
    group_base: {json.dumps(GROUPS)}
    user_filter: (objectClass=inetOrgPerson)
    attributes: {{username: uid, email: mail, name: displayName}}

targets:
  {TARGET}:
    kind: gitlab
    url: {json.dumps(url)}
    token: {{env: {VARIABLE}}}
    directory: {DIRECTORY}
    provider: {PROVIDER}
    parallel: {parallel}
    users: {{create: false, username: "{{uid|lower}}", sync: [email, name]}}

# the first load grants everything at once
guards:
  {TARGET}:
    max_privileged_grants: off
"""


def write_policy(shape: Shape, folder: Path, url: str, parallel: int) -> None:
    """Write the policy folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("connections.yaml", connections(url, parallel)), *link_files(shape, TARGET, ROLES)):
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def main(argv: Sequence[str] | None = None) -> None:
    """Write what the command line asks for: without a URL only directory and state, with one only the policy."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gitlab_company", description=__doc__)
    shape_options(parser)
    parser.add_argument("--url", default="", help="of the GitLab")
    parser.add_argument("--parallel", type=int, default=10, help="requests in flight (%(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    arguments = parser.parse_args(argv)
    shape, out = shape_from(arguments), arguments.out
    out.mkdir(parents=True, exist_ok=True)
    if arguments.url:
        write_policy(shape, out / POLICY, arguments.url, arguments.parallel)
    else:
        write_directory(shape, out / LDIF)
        (out / STATE).write_text(json.dumps(state(shape)), encoding="utf-8")


if __name__ == "__main__":
    main()
