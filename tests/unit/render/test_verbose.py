"""The long text: under each change what a reviewer of the one change asks next, and nothing that the document does not say."""

from __future__ import annotations

from reconciler.render.document import ChangeData
from reconciler.render.look import Look
from reconciler.render.text import plan_text
from tests.unit.render.documents import DEVS, GONE, LEADS, group_change, held, membership, plan, target, user_change

GROUP = "payments/backend"


def lines_of(*changes: ChangeData, look: Look | None = None) -> list[str]:
    """Return the lines of the changes, without those of the target around them."""
    text = "".join(plan_text(plan(target(*changes)), look or Look(verbose=True)))
    return [line for line in text.splitlines() if line.startswith("    ")]


def test_membership_says_whose_key_what_has_to_be_so_and_the_column_of_the_rule() -> None:
    """Two people of one name are told apart, and an editor jumps to the rule."""
    change = membership(GROUP, "bob", "developer", "maintainer", LEADS)
    change["precondition"] = {"role": "developer"}
    assert lines_of(change) == [
        "    ~ bob  developer → maintainer  (cn=payments-leads; policies/acme/gitlab.yaml:14)",
        "        key: key-bob",
        "        made only while: role developer",
        "        rule: policies/acme/gitlab.yaml:14:9",
    ]


def test_addition_is_made_only_while_there_is_nothing() -> None:
    """No membership is said as absent, not as an empty text."""
    change = membership(GROUP, "ann", None, "developer", DEVS)
    change["precondition"] = {"role": None}
    assert "        made only while: role absent" in lines_of(change)


def test_account_known_by_another_key_says_both() -> None:
    """Where the target knows the account by its DN, that is what somebody looks for there."""
    change = user_change("disable", "carol", GONE)
    assert change["user"]
    change["user"]["account"] = "dn:uid=carol,dc=example"
    assert lines_of(change)[1:] == ["        key: key-carol", "        account: dn:uid=carol,dc=example"]


def test_values_are_there_in_full_and_lists_value_by_value() -> None:
    """The short line says "+1 -1"; whoever has to know which key goes asks for the long one."""
    have = {"email": "ann@old.example", "ssh_keys": ["ssh-ed25519 AAAA", "ssh-rsa BBBB"]}
    want = {"email": "ann@new.example", "ssh_keys": ["ssh-ed25519 AAAA", "ssh-ed25519 CCCC"]}
    assert lines_of(user_change("update", "ann", DEVS, have=have, want=want))[2:5] == [
        "        email: ann@old.example → ann@new.example",
        "        ssh_keys: - ssh-rsa BBBB",
        "        ssh_keys: + ssh-ed25519 CCCC",
    ]


def test_first_keys_and_last_keys_of_an_account_are_named() -> None:
    """None on one side is an empty list."""
    gone = user_change("update", "ann", DEVS, have={"ssh_keys": ["ssh-rsa BBBB"]}, want={"ssh_keys": None})
    assert "        ssh_keys: - ssh-rsa BBBB" in lines_of(gone)
    new = user_change("create", "ann", DEVS, want={"attributes": {"ssh_keys": ["ssh-rsa BBBB"], "name": ""}})
    assert lines_of(new)[2:4] == ["        ssh_keys: + ssh-rsa BBBB", "        name: nothing"]


def test_account_that_goes_or_becomes_ours_says_what_it_holds() -> None:
    """Whoever is about to remove an account, or to take one over, has to know that it is the one that is meant."""
    account = {
        "attributes": {"email": "ann@old.example", "ssh_keys": ["ssh-rsa AAAA", "ssh-rsa BBBB"]},
        "active": True,
        "flags": {"admin": True, "external": False},
    }
    for kind in ("remove", "adopt"):
        assert lines_of(user_change(kind, "ann", GONE, have=account))[2:] == [
            "        email: ann@old.example",
            "        ssh_keys: ssh-rsa AAAA",
            "        ssh_keys: ssh-rsa BBBB",
            "        admin: yes",
            "        external: no",
        ]


def test_group_says_which_group_of_the_directory_it_mirrors() -> None:
    """By the stable id that it is known by; one that mirrors none says nothing."""
    one, none = {"key": "api", "source": "5f0c"}, {"key": "api", "source": ""}
    for kind, have, want in (("create", None, one), ("remove", one, None), ("rename", one, {**one, "key": "web"})):
        assert "        source: 5f0c" in lines_of(group_change(kind, "api", DEVS, have=have, want=want))
    assert not [line for line in lines_of(group_change("create", "api", DEVS, want=none)) if "source" in line]


def test_group_and_what_a_newer_format_says_have_their_lines() -> None:
    """A change without a person has no key, and a value of no known shape does not stop the view."""
    assert lines_of(group_change("create", "api", DEVS, want={"key": "api"}))[1:] == [
        "        rule: policies/acme/gitlab.yaml:13:9"
    ]
    assert lines_of(user_change("update", "ann", GONE, want=["?"]))[1:] == ["        key: key-ann"]


def test_change_that_is_held_back_says_as_much() -> None:
    """Why it is held back is its line's reason; whose it is and which rule follow."""
    document = plan(target())
    document["targets"][0]["withheld"] = [held("by_hand", membership(GROUP, "ann", None, "guest", DEVS))]
    text = "".join(plan_text(document, Look(verbose=True)))
    assert "        key: key-ann\n        rule: policies/acme/gitlab.yaml:13:9\n" in text


def test_lines_below_are_quiet_in_colour_wrapped_in_columns_and_ascii_where_nothing_else_goes() -> None:
    """They look as reasons on lines of their own do."""
    change = user_change("update", "ann", DEVS, have={"email": "a@example"}, want={"email": "b@example"})
    change["precondition"] = {"email": "a@example", "managed": True}
    found = lines_of(change, look=Look(verbose=True, colour=True, width=46, plain=True))
    assert "        \x1b[2memail: a@example -> b@example\x1b[0m" in found
    assert found[-3:-1] == [
        "        \x1b[2mmade only while: email a@example,\x1b[0m",
        "        \x1b[2mmanaged yes\x1b[0m",
    ]


def test_names_from_outside_are_escaped_below_as_in_the_line() -> None:
    """A key or a value cannot move the cursor."""
    change = user_change("update", "eve", DEVS, have={"name": "Eve"}, want={"name": "E\x1b[2Jve"})
    change["precondition"] = {"name": "E\u202eve"}
    found = "\n".join(lines_of(change))
    assert "\x1b" not in found
    assert "\u202e" not in found
    assert "name: Eve → E\\x1b[2Jve" in found
