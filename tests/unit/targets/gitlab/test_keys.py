"""Which SSH keys of an account to add and which to delete, and what is said of those that GitLab does not take."""

from __future__ import annotations

from base64 import b64encode

from reconciler.targets.gitlab import keys
from reconciler.targets.gitlab.rows import Key


def key(mark: str, comment: str = "", kind: str = "ssh-ed25519") -> str:
    """Return the text of a key, another one for each mark."""
    blob = len(kind).to_bytes(4, "big") + kind.encode() + mark.encode().ljust(36, b"\0")
    return " ".join(filter(None, (kind, b64encode(blob).decode(), comment)))


def there(number: int, text: str, title: str) -> Key:
    """Return a key as GitLab shows it: with a comment of its own."""
    return Key(number, title, f"{' '.join(text.split()[:2])} Ann (gitlab.example.com)")


def test_what_is_missing_is_added_and_what_is_ours_and_not_wanted_is_deleted() -> None:
    """A key that is there stays, whatever GitLab has made of its comment."""
    found = keys.work(
        [there(1, key("a"), "reconcile: ann@home"), there(2, key("b"), "reconcile: ann@work")],
        [key("a", "ann@laptop"), key("c", "ann@work")],
    )
    assert found == keys.Work({key("c", "ann@work"): "reconcile: ann@work"}, (2,), {})


def test_a_key_of_the_user_is_never_touched() -> None:
    """Neither deleted nor added a second time, also where the directory has it, too."""
    mine, other = there(1, key("a"), "my laptop"), there(2, key("b"), "reconcile")
    assert keys.work([mine, other], [key("a", "ann@home")]) == keys.Work({}, (), {})


def test_a_key_written_twice_is_added_once() -> None:
    """Under the first of its comments."""
    found = keys.work([], [key("a", "first"), key("a", "second")])
    assert found.add == {key("a", "first"): "reconcile: first"}


def test_what_is_no_key_is_named_and_not_sent() -> None:
    """Whatever it is: no type, no base64, or a type that is not that of the key."""
    bad = ["", "ssh-ed25519", "ssh-rsa AAAA", "ssh-rsa ***", key("a").replace("ssh-ed25519", "ssh-rsa")]
    assert keys.work([], bad) == keys.Work({}, (), dict.fromkeys(bad, "is no SSH public key"))
    words = keys.left_out(keys.noted(bad, dict.fromkeys(bad, "is no SSH public key")))
    assert words.startswith(
        'SSH keys left out: "" is no SSH public key; "ssh-ed25519" is no SSH public key; "ssh-rsa …AAAA"'
    )


def test_a_title_is_the_comment_cut_and_printable() -> None:
    """The type where there is no comment."""
    titles = list(keys.work([], [key("a"), key("b", "x" * 300), key("c", "a\x07b c")]).add.values())
    assert titles == ["reconcile: ssh-ed25519", f"reconcile: {'x' * 100}…", r"reconcile: a\x07b c"]


def test_a_key_of_another_account_is_said_to_be_that() -> None:
    """GitLab only says that its fingerprint is taken."""
    text = key("a", "ann@home")
    noted = keys.noted([text, key("b")], {text: "fingerprint_sha256 has already been taken"})
    assert noted == {text: "belongs to another account", key("b"): ""}
    assert keys.left_out(noted) == 'SSH keys left out: "ssh-ed25519 …AAAAAAAA ann@home" belongs to another account'
    assert keys.left_out({key("b"): ""}) == ""
