"""A domain controller that hides which one it is, or does not report what is looked at, is read whole, and a warning says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.directory.read import read_directory
from reconciler.model.directory import Needs
from reconciler.model.names import caseless
from reconciler.policy.model import Incremental
from tests.fakes import active_directory
from tests.fakes.ldap_responder import Directory, Entry, Reply, Request, responder
from tests.servers.directories import NEEDS, READ_AT, ldap_config

DOMAIN = "DC=example,DC=com"
ROOT = active_directory.root_dse(DOMAIN)
SERVICE = str(ROOT["dsServiceName"][0])


@pytest.mark.parametrize(("hidden", "attribute"), [(DOMAIN, "objectGUID"), (SERVICE, "invocationId")])
@pytest.mark.parametrize("code", [0, 32, 50])
def test_a_controller_that_hides_what_it_is_is_read_whole(
    tmp_path: Path, hidden: str, attribute: str, code: int
) -> None:
    """Whether it finds the entry and shows nothing of it, does not find it, or refuses to look."""

    def keep_back(request: Request, reply: Reply) -> None:
        if request.base == hidden:
            reply.entries, reply.code = [], code

    domain: Entry = (DOMAIN, {"objectClass": ["domainDNS"], "objectGUID": [active_directory.guid(9)]})
    service: Entry = (SERVICE, {"objectClass": ["nTDSDSA"], "invocationId": [active_directory.guid(8)]})
    people = [active_directory.user(f"CN=u{n},{DOMAIN}", n) for n in range(3)]
    fake = Directory({DOMAIN: [*people, domain], SERVICE: [service]}, root=ROOT, base_script=keep_back)
    with responder(fake) as url:
        config = ldap_config(url, base=DOMAIN, incremental=Incremental(str(tmp_path / "cache")))
        found = read_directory(config, NEEDS, READ_AT)
    assert len(found.people) == 3
    assert f'does not see {attribute} of "{hidden}"' in " ".join(found.warnings)


@pytest.mark.parametrize(
    "name",
    [
        "msDS-User-Account-Control-Computed",
        "msDS-UserPasswordExpiryTimeComputed",
        "msDS-parentdistname",
        "tokenGroups",
        "tokenGroupsGlobalAndUniversal",
        "tokenGroupsNoGCAcceptable",
        "canonicalName",
        "lastLogon",
        "lastLogoff",
        "badPwdCount",
        "badPasswordTime",
        "logonCount",
    ],
)
def test_a_policy_that_looks_at_what_no_controller_reports_reads_everything(tmp_path: Path, name: str) -> None:
    """What it works out when it is asked, and what it tells no other controller."""
    fake = Directory({DOMAIN: [active_directory.user(f"CN=u,{DOMAIN}", 1)]}, root=ROOT)
    with responder(fake) as url:
        config = ldap_config(url, base=DOMAIN, incremental=Incremental(str(tmp_path / "cache")))
        found = read_directory(config, Needs(frozenset({name}), frozenset()), READ_AT)
    assert f"looks at {caseless(name)}, and no server reports when that changes" in " ".join(found.warnings)
