"""Say in words why a server does not let us in, and the way out; pure.

Active Directory puts its own code into the text of an answer: ``80090308: LdapErr: DSID-…, comment: AcceptSecurityContext
error, data 52e, v4563`` (MS-ERREF 2.2 for the numbers).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.model.names import caseless

INVALID_CREDENTIALS = 49
_PROTOCOL_ERROR, _NOT_SUPPORTED = 2, 7

_DATA = re.compile(r"\bdata ([0-9A-Fa-f]{1,8})\b")
_LOGON: Mapping[str, str] = {
    "525": "there is no such account",
    "52e": "the name or the password is wrong",
    "52f": "account restrictions keep it out",
    "530": "it may not log in at this hour",
    "531": "it may not log in from this machine",
    "532": "its password has expired",
    "533": "the account is disabled",
    "568": "too many security ids are in its token",
    "701": "the account has expired",
    "773": "it must change its password first",
    "775": "the account is locked out",
}
_STRONGER = 8
_CHANNEL_BINDING = "80090346"  # SEC_E_BAD_BINDINGS
_CODES: Mapping[int, str] = {
    _NOT_SUPPORTED: "this server does not offer that way to log in; its root DSE has those that it does (supportedSASLMechanisms)",
    _STRONGER: (
        "the server takes no login on a connection that is neither signed nor encrypted: use ldaps://, or ldap:// with "
        "tls.start_tls: true (this program encrypts whole connections and signs none)"
    ),
    13: "the server wants an encrypted connection: use ldaps://, or ldap:// with tls.start_tls: true",
    48: "the server does not allow this kind of login for this account",
    53: "the server is not willing to let this account in: is it deactivated?",
}


_UNSIGNED = (
    "the server wants such a login signed even on an encrypted connection, and this program signs none: use a DN and a "
    "password, or let the server take it (Samba: `ldap server require strong auth = allow_sasl_over_tls`)"
)
_PACKAGE = re.compile(r"package (?:gssapi|cryptography)\b.* missing")  # ldap3's own words
_MINOR = re.compile(r"\bMinor \((\d+)\)")
_KERBEROS = (-1765328384) % 2**32  # ERROR_TABLE_BASE_krb5 of krb5.h: its texts are translated, its numbers are not
_NO_TICKET = (
    "there is no Kerberos ticket: run kinit as the account that runs this program (KRB5CCNAME says where tickets are)"
)
_TICKETS: Mapping[int, str] = {
    7: "Kerberos knows no service `ldap` at this host: write the server's full name, the one that is in its service principal",
    32: "the Kerberos ticket has expired: run kinit again",
    37: "the clocks of this machine and of the Kerberos server are too far apart",
    141: _NO_TICKET,
    154: "no server of the ticket's or the host's Kerberos realm is known: name it in krb5.conf, or get a ticket of another realm with kinit",
    156: "no Kerberos server answers",
    195: _NO_TICKET,
}


def why_refused(code: int, message: str, method: str, *, encrypted: bool) -> str:
    """Return the cause and the way out as the end of a sentence, empty where the code says it all.

    `method` is that of the login: ``simple``, ``external``, ``gssapi``, ``ntlm``; `encrypted` is the connection.
    """
    found = _DATA.search(message)
    data = caseless(found[1]) if found else ""
    if data == _CHANNEL_BINDING:
        return _about_channel_binding(method)
    if code == INVALID_CREDENTIALS:
        return _LOGON.get(data, "the name or the password is wrong")
    if code == _STRONGER and encrypted:
        return _UNSIGNED
    if code in {_PROTOCOL_ERROR, _NOT_SUPPORTED} and method == "ntlm":
        return "this server does not know NTLM, which is Active Directory's: use a DN and a password"
    return _CODES.get(code, "")


def _about_channel_binding(method: str) -> str:
    fact = "the server demands that the login is bound to the encrypted connection (channel binding)"
    if method == "ntlm":
        return f"{fact}, which sasl: ntlm cannot do here: use a DN and a password over ldaps://, or sasl: gssapi"
    return f"{fact}, and the connection is not what it expects: name the server itself, not a proxy before it"


def about_missing_package(error: str) -> str:
    """Return the way out where a login needs a package that is not installed, else nothing."""
    if _PACKAGE.search(error):
        return "sasl: gssapi needs the extra `kerberos`: pip install '.[kerberos]' in a checkout of this program"
    if "MD4" in error:
        return "sasl: ntlm needs the extra `ntlm`: pip install '.[ntlm]' in a checkout of this program"
    return ""


def about_ticket(error: str) -> str:
    """Return what is the matter with the Kerberos ticket, and the way out; nothing where the error is about something else."""
    found = _MINOR.search(error)
    return _TICKETS.get(int(found[1]) - _KERBEROS, "") if found else ""
