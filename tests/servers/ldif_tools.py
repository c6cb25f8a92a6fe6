"""Write LDIF, and load it into a running server with the programs of ldap-utils, which share no code with ours."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from collections.abc import Mapping, Sequence

_SAFE = re.compile(r"[!-9;=-~]([ -~]*[!-~])?")  # RFC 2849 SAFE-STRING, and no space at the end


def record(dn: str, attributes: Mapping[str, str | Sequence[str]]) -> str:
    """Return one entry, or one change if there is a `changetype`, ending in an empty line."""
    lines = [_line("dn", dn)]
    for name, values in attributes.items():
        lines += [_line(name, value) for value in ([values] if isinstance(values, str) else values)]
    return "\n".join(lines) + "\n\n"


def added(dn: str, attribute: str, *values: str) -> str:
    """Return the change that adds values to an attribute."""
    return record(dn, {"changetype": "modify", "add": attribute, attribute: values})


def replaced(dn: str, attribute: str, *values: str) -> str:
    """Return the change that gives an attribute these values and no others."""
    return record(dn, {"changetype": "modify", "replace": attribute, attribute: values})


def load(ldif: str, url: str, dn: str, password: str) -> None:
    """Make all entries and changes in order; raises RuntimeError with the server's own words at the first that it refuses.

    The certificate is not looked at: some servers have a wrong one on purpose.
    """
    done = subprocess.run(
        ["ldapmodify", "-a", "-x", "-H", url, "-D", dn, "-w", password],
        input=ldif.encode(),
        capture_output=True,
        env={**os.environ, "LDAPTLS_REQCERT": "never"},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"ldapmodify: {done.stdout.decode()[-200:]} {done.stderr.decode()}")


def _line(name: str, value: str) -> str:
    if _SAFE.fullmatch(value):
        return f"{name}: {value}"
    return f"{name}:: {base64.b64encode(value.encode()).decode()}"
