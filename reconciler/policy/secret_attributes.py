"""Know the directory attributes that hold passwords, keys and their hashes, and find them in a policy; never reads one.

A filter on such an attribute is as bad as a template with it: who may try filters finds a hash out letter by letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from reconciler.model.filter import FilterSyntaxError, attributes_of, parse_filter, rules_of
from reconciler.model.template import TemplateSyntaxError, fields_of
from reconciler.policy.source import Path

_NAMES = frozenset(
    name.casefold()
    for name in (
        # RFC 4519, RFC 3112, password policies
        *("userPassword", "authPassword", "pwdHistory", "passwordHistory", "clearPassword", "userPKCS12"),
        # Active Directory
        *("unicodePwd", "dBCSPwd", "ntPwdHistory", "lmPwdHistory", "supplementalCredentials"),
        *("ms-Mcs-AdmPwd", "msDS-ManagedPassword", "msFVE-RecoveryPassword", "msFVE-KeyPackage"),
        *("trustAuthIncoming", "trustAuthOutgoing", "initialAuthIncoming", "initialAuthOutgoing"),
        *("currentValue", "priorValue", "msPKIAccountCredentials", "msPKIDPAPIMasterKeys"),
        # Samba, FreeRADIUS
        *("sambaNTPassword", "sambaLMPassword", "sambaPasswordHistory", "sambaClearTextPassword"),
        *("sambaPreviousClearTextPassword", "sambaCurrentTrustPassword", "sambaPreviousTrustPassword"),
        *("ntPassword", "lmPassword", "radiusTunnelPassword"),
        # Kerberos, FreeIPA
        *("krbPrincipalKey", "krbMKey", "krbPwdHistory", "krb5Key", "ipaNTHash", "ipaNTTrustAuthIncoming"),
        *("ipaNTTrustAuthOutgoing", "ipatokenOTPkey", "ipaVaultSalt"),
        # what servers keep of themselves, and shadow passwords
        *("olcRootPW", "nsslapd-rootpw", "nsds5ReplicaCredentials", "nsMultiplexorCredentials"),
        *("shadowPassword", "sunPassword"),
    )
)
_PREFIXES = ("mslaps-password", "mslaps-encrypted", "1.2.840.113556.1.6.44.1.")
_NOT_SECRET = frozenset({"mslaps-passwordexpirationtime"})
_OIDS = frozenset(
    {
        "2.5.4.35",  # userPassword
        "1.3.6.1.4.1.4203.1.3.4",  # authPassword
        "1.3.6.1.4.1.42.2.27.8.1.20",  # pwdHistory
        "2.16.840.1.113730.3.1.216",  # userPKCS12
        "1.2.840.113556.1.4.90",  # unicodePwd
        "1.2.840.113556.1.4.55",  # dBCSPwd
        "1.2.840.113556.1.4.94",  # ntPwdHistory
        "1.2.840.113556.1.4.160",  # lmPwdHistory
        "1.2.840.113556.1.4.125",  # supplementalCredentials
        "1.3.6.1.4.1.7165.2.1.24",  # sambaLMPassword
        "1.3.6.1.4.1.7165.2.1.25",  # sambaNTPassword
        "2.16.840.1.113719.1.301.4.39.1",  # krbPrincipalKey
    }
)
_RULES = frozenset(
    {
        "octetstringmatch",
        "octetstringorderingmatch",
        "octetstringsubstringsmatch",
        "authpasswordmatch",
        "authpasswordexactmatch",
        "2.5.13.17",
        "2.5.13.18",
        "2.5.13.19",
    }
)
"""Matching rules by which a filter that names no attribute looks into all that hold bytes."""

_SIGN = re.compile("|".join(map(re.escape, sorted({*_NAMES, *_PREFIXES, *_OIDS, *_RULES}))), re.IGNORECASE)


def is_secret(attribute: str) -> bool:
    """Tell whether an attribute, by name or OID and whatever its options, holds a secret."""
    name = attribute.partition(";")[0].strip().casefold().removeprefix("oid.")
    return name in _NAMES | _OIDS | _RULES or (name.startswith(_PREFIXES) and name not in _NOT_SECRET)


def secret_attribute(path: Path, text: str) -> str:
    """Return the first attribute that holds a secret and that the text at this place of a policy names; empty for none."""
    named = _itself if path[-2:-1] == ("attributes",) else _WHERE.get(str(path[-1]) if path else "")
    if named is None or not _SIGN.search(text):  # nearly all texts are names and roles, which the first look tells
        return ""
    return min(filter(is_secret, named(text)), default="")


def _filtered(text: str) -> Collection[str]:
    try:
        searched = parse_filter(text)
    except FilterSyntaxError:
        return ()
    return attributes_of(searched) | rules_of(searched)


def _filled(text: str) -> Collection[str]:
    try:
        return fields_of(text)
    except TemplateSyntaxError:
        return ()


def _itself(text: str) -> Collection[str]:
    return (text,)


_WHERE: Mapping[str, Callable[[str], Collection[str]]] = {
    **dict.fromkeys(("filter", "user_filter", "group_filter"), _filtered),
    **dict.fromkeys(("name", "username", "email", "kerberos", "external_id"), _filled),
}
