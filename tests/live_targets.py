"""Run what the examples talk to, where that is a server, at the address that their policies give it; never more than loopback hears it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.examples import ROOT
from tests.fakes.gitlab import TOKEN, world_in
from tests.fakes.gitlab_server import serving
from tests.servers.forwarder import proxy
from tests.servers.slapd import certificate_for, certificates

GITLAB = "gitlab.nordlicht.example"
STATE = ROOT / "tests" / "live" / "gitlab.json"


@contextmanager
def live(example: str) -> Iterator[Mapping[str, str]]:
    """Give the environment in which an example can be planned and applied as it stands, from the same state each time.

    The policy's https address leads through a proxy of the environment to a GitLab that shows a certificate of that name.
    """
    if example != "gitlab":
        yield {}
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate_for(GITLAB))
    with serving(world_in(STATE), tls=context) as served, proxy({f"{GITLAB}:443": served.port}) as url:
        yield {
            "GITLAB_TOKEN": TOKEN,
            "https_proxy": url,
            "no_proxy": "",
            "SSL_CERT_FILE": str(certificates() / "ca.pem"),
        }
