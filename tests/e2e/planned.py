"""What a policy over a live directory plans for an empty roster, as bare facts to compare with what others see there."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from reconciler.model.change import AddMembership
from reconciler.pipeline import Run, make_plan
from reconciler.policy.load import load_policy

_TODAY, _NOW = date(2026, 11, 20), "2026-11-20T04:00:00Z"

_POLICY = """\
version: 1
directories:
  corp:
    kind: ldap
    servers: ["{url}"]
    base: "{base}"
    bind: {{dn: "{dn}", password: {{file: password}}}}
    tls: {{ca_file: "{ca_file}"}}
{attributes}targets:
  roster:
    kind: sql
    url: sqlite:///roster.db
    directory: corp
    roles: [viewer, editor, owner]
    users: {{create: true, when_disabled: remove}}
    groups: {{create: true}}
group_links:
  roster:
"""


def planned(folder: Path, links: str, **directory: str) -> set[tuple[str, str, str]]:
    """Return (group, user, role) of all memberships to be made; `links` are lines of YAML, indented by four.

    Reads over LDAPS with a password, as `directory` says: url, base, dn, password, ca_file and the attribute of usernames,
    empty for the dialect's own.
    """
    username = directory.pop("username")
    directory["attributes"] = f"    attributes: {{username: {username}}}\n" if username else ""
    (folder / "password").write_text(directory["password"], encoding="utf-8")
    (folder / "policy.yaml").write_text(_POLICY.format(**directory) + links, encoding="utf-8")
    loaded = load_policy(str(folder), _TODAY)
    plan = make_plan(Run(loaded.policy, _TODAY, _NOW))
    assert [section.error for section in plan.targets] == [""]
    return {
        (change.group, change.who.username, change.want)
        for target in plan.targets
        for change in target.changes
        if isinstance(change, AddMembership)
    }
