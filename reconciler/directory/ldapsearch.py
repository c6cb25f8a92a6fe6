"""Write a search as the command line of ldapsearch(1) that asks a server the same; pure, and never with a password."""

from __future__ import annotations

import shlex
from urllib.parse import quote, unquote

from reconciler.directory.observer import Question, Way
from reconciler.directory.servers import Address

_SASL = {"external": "EXTERNAL", "gssapi": "GSSAPI"}


def ldapsearch(question: Question) -> str:
    """Return one line to paste into a shell; where a password is needed, ldapsearch asks for it."""
    search = question.search
    words = ["ldapsearch", "-LLL", "-o", "ldif_wrap=no", "-H", _server(question.way.address), *_login(question.way)]
    if question.page_size:
        words += ["-E", f"!pr={question.page_size}/noprompt"]
    words += ["-a", "never", "-b", search.base, "-s", question.scope, search.filter, *search.attributes]
    return _environment(question.way) + shlex.join(words)


def _environment(way: Way) -> str:
    return f"LDAPTLS_CACERT={shlex.quote(way.ca_file)} " if way.ca_file and way.address.tls else ""


def _server(address: Address) -> str:
    """Return the URL as libldap takes it: a host and a port and nothing else, the path of a socket percent-encoded."""
    if address.local:
        return f"ldapi://{quote(unquote(address.url.removeprefix('ldapi://')), safe='')}"
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"{'ldaps' if address.tls == 'ldaps' else 'ldap'}://{host}:{address.port}"


def _login(way: Way) -> list[str]:
    start_tls = ["-ZZ"] if way.address.tls == "starttls" else []
    if way.method in _SASL:
        return [*start_tls, "-Q", "-Y", _SASL[way.method]]
    if way.method == "ntlm":  # a simple bind would send the password itself
        domain, _, name = way.dn.partition("\\")
        return [*start_tls, "-Q", "-Y", "GSS-SPNEGO", "-U", name, "-R", domain, "-W"]
    return [*start_tls, "-x", *(["-D", way.dn, "-W"] if way.dn else [])]
