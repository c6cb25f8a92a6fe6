"""Security identifiers, as bytes and as the names of foreign principals."""

from __future__ import annotations

import pytest

from reconciler.directory.sids import Foreign, foreign, primary_group_sid

DOMAIN = bytes.fromhex("0105000000000005150000000102030405060708090a0b0c")


def test_the_primary_group_is_of_the_accounts_own_domain() -> None:
    """The last number is replaced, little-endian."""
    user = DOMAIN + (1104).to_bytes(4, "little")
    assert primary_group_sid(user, b"513") == DOMAIN + b"\x01\x02\x00\x00"


@pytest.mark.parametrize(
    ("sid", "rid"),
    [
        (b"", b"513"),
        (b"\x01\x00" + b"\x00" * 6, b"513"),
        (DOMAIN, b"513"),
        (DOMAIN + b"\x00" * 5, b"513"),
        (DOMAIN + b"\x00" * 4, b"x"),
        (DOMAIN + b"\x00" * 4, b"-1"),
        (DOMAIN + b"\x00" * 4, b"4294967296"),
        (DOMAIN + b"\x00" * 4, b"\xff"),
    ],
)
def test_what_is_no_sid_or_no_number_is_refused(sid: bytes, rid: bytes) -> None:
    """A count that does not fit, or a number that has no place."""
    with pytest.raises(ValueError, match=r"SID|identifier|invalid literal|codec"):
        primary_group_sid(sid, rid)


@pytest.mark.parametrize(
    ("dn", "found"),
    [
        ("CN=S-1-5-11,CN=ForeignSecurityPrincipals,DC=ad,DC=example", Foreign("S-1-5-11", well_known=True)),
        ("cn=s-1-1-0 , cn = foreignsecurityprincipals , dc=ad", Foreign("S-1-1-0", well_known=True)),
        (
            "CN=S-1-5-21-1-2-3-1104,CN=ForeignSecurityPrincipals,DC=ad",
            Foreign("S-1-5-21-1-2-3-1104", well_known=False),
        ),
        ("CN=S-1-5-11,CN=Users,DC=ad", None),
        ("CN=Alice,CN=ForeignSecurityPrincipals,DC=ad", None),
        ("alice", None),
    ],
)
def test_a_foreign_principal_is_known_by_its_place_and_its_name(dn: str, found: Foreign | None) -> None:
    """Domains have numbers of their own; all else is well known."""
    assert foreign(dn) == found
