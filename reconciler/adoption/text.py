"""Write rules as a policy file that says where they come from; the same rules are the same bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from reconciler.adoption.draft import Draft, FoundLink, GroupDraft, Held, Manner
from reconciler.model.text import shortened

MOST_TWINS = 3  # that one comment names
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./@-]*")
_WORDS = frozenset(
    {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
)  # other readers of YAML take them for values
_LONGEST_KEY = 1000  # characters; YAML's parser looks 1,024 ahead for the colon
_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def file_text(draft: Draft, manner: Manner) -> str:
    """Return the file, which reads as a policy again; what it holds beside the rules are comments."""
    ruled = [group for group in draft.groups if group.is_ruled(grants=manner.grants)]
    sections = [
        _section("group_links", draft.target, _links(ruled, manner)),
        _section("grants", draft.target, _grants(ruled, manner) if manner.grants else ()),
        _section("protected", draft.target, _protected(draft)),
    ]
    return "\n".join(["\n".join(_head(draft, manner)), *filter(None, sections)])


def quoted(text: str) -> str:
    """Return a text as YAML that every reader takes for that text: plain where it is a plain word, else in double quotes."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS and len(text) <= _LONGEST_KEY:
        return text
    return f'"{"".join(map(_written, text))}"'


def pattern_of(name: str) -> str:
    """Return the pattern, as protections are written, that stands for just this name."""
    return re.sub(r"[*?\[]", r"[\g<0>]", name)


def _written(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if char.isprintable():
        return char
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"  # noqa: PLR2004 - the basic plane


def _head(draft: Draft, manner: Manner) -> Iterator[str]:
    rows = sum(group.rows for group in draft.groups)
    yield f"# Imported from the live state of {shortened(draft.target)} on {manner.today}: {rows} memberships in {len(draft.groups)} groups."
    yield "# Links name directory groups in which everybody holds the role already; read them before you rely on them."
    if any(group.held for group in draft.groups) and manner.grants:
        yield f"# What no directory group explains is a grant until {manner.until}: decide about each before that day."
    for name, why in sorted(draft.left_out.items()):
        yield f"# Left out: {quoted(name)} {_comment(why)}."
    for proposal in draft.proposals:
        yield f"# {_comment(proposal)}"
    for group in draft.groups:
        yield from _unruled(group, manner)
    yield "version: 1"
    yield ""


def _unruled(group: GroupDraft, manner: Manner) -> Iterator[str]:
    """Give the comments on a group that no rule is written for, so that it stays as it is."""
    if not group.is_ruled(grants=manner.grants):
        yield f"# Left out: {quoted(group.name)} is explained by no directory group."
        yield from (f"#   {line}" for line in _remarks(group, manner))


def _section(name: str, target: str, lines: Iterable[str]) -> str:
    body = list(lines)
    return "\n".join([f"{name}:", f"  {_key(target)}:", *body, ""]) if body else ""


def _links(groups: Sequence[GroupDraft], manner: Manner) -> Iterator[str]:
    for group in groups:
        if group.links:
            yield from _named(group, manner)
            yield from (f"      - {_link(one)}" for one in group.links)


def _link(link: FoundLink) -> str:
    return f"{{{link.selector}: {quoted(link.text)}, access: {quoted(link.role)}}}{_on(link)}"


def _named(group: GroupDraft, manner: Manner) -> Iterator[str]:
    """Give a group's key, below what is to be known of it."""
    yield from (f"    # {line}" for line in _remarks(group, manner))
    yield f"    {_key(group.name, '    ')}:"


def _on(link: FoundLink) -> str:
    """Return the comment on a link."""
    facts = ["1 person" if link.people == 1 else f"{link.people} people"]
    if link.absent:
        facts.append(f"{link.absent} without an account")
    if link.known:
        facts.append("the target's own link")
    if link.twins:
        more = f" and {len(link.twins) - MOST_TWINS} more" if len(link.twins) > MOST_TWINS else ""
        facts.append(f"the same people: {', '.join(map(quoted, link.twins[:MOST_TWINS]))}{more}")
    return f"  # {'; '.join(facts)}"


def _grants(groups: Sequence[GroupDraft], manner: Manner) -> Iterator[str]:
    for group in groups:
        if group.held:
            yield from [f"    {_key(group.name, '    ')}:"] if group.links else _named(group, manner)
            yield from (f"      - {_grant(one, manner)}" for one in group.held)


def _grant(held: Held, manner: Manner) -> str:
    reason = quoted(f"imported: held by hand on {manner.today}")
    return f"{{user: {quoted(held.user)}, access: {quoted(held.role)}, until: {manner.until}, reason: {reason}}}"


def _protected(draft: Draft) -> Iterator[str]:
    if draft.protected:
        yield "    users:"
        for name, why in sorted(draft.protected.items()):
            yield f"      - {quoted(pattern_of(name))}  # {_comment(why)}"


def _remarks(group: GroupDraft, manner: Manner) -> Iterator[str]:
    """Give what is to be known of a group beside its rules."""
    yield from map(_comment, group.notes)
    if not manner.grants:
        yield from (f"No directory group explains {quoted(one.role)} of {quoted(one.user)}." for one in group.held)


def _key(name: str, indent: str = "  ") -> str:
    """Return a name as a key; a long one takes the form that YAML has for those."""
    key = quoted(name)
    return key if len(key) <= _LONGEST_KEY else f"? {key}\n{indent}"


def _comment(text: str) -> str:
    return shortened(text, 1000)
