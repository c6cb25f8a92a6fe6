"""What domain controllers say, for the responder: their root DSE, the way they refuse a bind, the shape of their entries."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from tests.fakes.ber import PAGED

MAX_PAGE_SIZE, MAX_VALUE_RANGE = 1000, 1500  # the policies of every new domain (MS-ADTS 3.1.1.3.4.6)

_UNSIGNED = (
    "00002028: LdapErr: DSID-0C090259, comment: The server requires binds to turn on integrity checking "
    "if SSL\\TLS are not already active on the connection"
)
SIGNING_REQUIRED = (8, _UNSIGNED)
CHANNEL_BINDING_REQUIRED = (
    49,
    "80090346: LdapErr: DSID-0C0907C8, comment: AcceptSecurityContext error, data 80090346, v4563",
)
DATA_CODES = ("52e", "532", "533", "701", "773", "775")


def credentials_refused(data: str) -> tuple[int, str]:
    """Return how a simple bind is refused for a reason that only `data` tells; the text ends with a NUL."""
    return 49, f"80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {data}, v4563\0"


def root_dse(base: str, usn: int = 5000) -> Mapping[str, Sequence[bytes | str]]:
    """Return the root DSE of the domain `base`, with what a client tells Active Directory by."""
    configuration = f"CN=Configuration,{base}"
    schema = f"CN=Schema,{configuration}"
    return {
        "namingContexts": [base, configuration, schema, f"DC=DomainDnsZones,{base}", f"DC=ForestDnsZones,{base}"],
        "defaultNamingContext": [base],
        "rootDomainNamingContext": [base],
        "configurationNamingContext": [configuration],
        "schemaNamingContext": [schema],
        "subschemaSubentry": [f"CN=Aggregate,{schema}"],
        "dsServiceName": [f"CN=NTDS Settings,CN=DC1,CN=Servers,CN=Default-First-Site-Name,CN=Sites,{configuration}"],
        "dnsHostName": ["dc1.example.com"],
        "highestCommittedUSN": [str(usn)],
        "supportedLDAPVersion": ["3", "2"],
        "supportedCapabilities": ["1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1670", "1.2.840.113556.1.4.1791"],
        "supportedControl": [PAGED, "1.2.840.113556.1.4.841", "1.2.840.113556.1.4.801"],
    }


def user(dn: str, number: int, usn: int = 100) -> tuple[str, dict[str, Sequence[bytes | str]]]:
    """Return an account; its objectGUID and its sAMAccountName follow from the number."""
    return dn, {
        "objectClass": ["top", "person", "organizationalPerson", "user"],
        "cn": [dn.partition(",")[0].partition("=")[2]],
        "sAMAccountName": [f"u{number}"],
        "userAccountControl": ["512"],
        "objectGUID": [guid(number)],
        "uSNChanged": [str(usn)],
    }


def group(
    dn: str, number: int, members: Sequence[bytes | str], usn: int = 100
) -> tuple[str, dict[str, Sequence[bytes | str]]]:
    """Return a group; give people and groups of one directory different numbers."""
    return dn, {
        "objectClass": ["top", "group"],
        "cn": [dn.partition(",")[0].partition("=")[2]],
        "sAMAccountName": [f"g{number}"],
        "member": members,
        "objectGUID": [guid(number)],
        "uSNChanged": [str(usn)],
    }


def guid(number: int) -> bytes:
    """Return an objectGUID, as 16 bytes whose first three fields have their low bytes first."""
    return uuid.UUID(int=number).bytes_le
