"""Turn options, and answers where somebody gives them, into what a first policy is to say; reads no directory, writes nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypedDict, cast

from reconciler import __version__
from reconciler.cli.questions import Questions
from reconciler.errors import UsageError
from reconciler.model.diagnostic import Position
from reconciler.model.directory import Dialect
from reconciler.model.text import shortened
from reconciler.policy.excerpt import has_credentials
from reconciler.policy.model import SecretRef
from reconciler.starting.files import EXAMPLE, Service
from reconciler.starting.look import Place
from reconciler.starting.seen import Seen, is_dn
from reconciler.starting.text import TargetKind, Wanted
from reconciler.starting.workflow import Pipeline, is_action, is_variable

VARIABLE = "LDAP_PASSWORD"
TARGETS = ("sql", "gitlab")
SERVICES = ("github", "gitlab", "none")
_GITLAB = "https://gitlab.example.com"
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?")
_HERE = Position("reconcile init", 1)


class InitOptions(TypedDict):
    """What the command takes."""

    policy: str
    server: str | None
    bind_dn: str | None
    password_env: str | None
    password_file: str | None
    ca_file: str | None
    start_tls: bool
    dialect: Dialect | None
    base: str | None
    ldif: str | None
    target: TargetKind | None
    gitlab_url: str | None
    service: Service | None
    action: str | None
    package: str | None


def check_options(given: InitOptions) -> None:
    """Raise UsageError for options that contradict each other, or say what cannot be."""
    _check_directory(given)
    if given["base"] and not is_dn(given["base"]):
        raise UsageError(f'--base: "{shortened(given["base"])}" is no DN, such as dc=example,dc=com.')
    if given["password_env"] and not is_variable(given["password_env"]):
        raise UsageError("--password-env is the name of an environment variable, never the password itself.")
    if given["gitlab_url"] and given["target"] != "gitlab":
        raise UsageError("--gitlab-url needs --target gitlab.")
    if given["gitlab_url"]:
        _check_address(given["gitlab_url"], "--gitlab-url")
    if given["server"]:
        _check_bare(given["server"], "--server")
    _check_pipeline(given)


def _check_address(address: str, what: str) -> None:
    """Raise UsageError for what is no address of a GitLab; the address is not said again, for a password may be in it."""
    _check_bare(address, what)
    if not _ADDRESS.fullmatch(address):
        raise UsageError(f"{what} is an https:// address of a host, such as {_GITLAB}.")


def _check_bare(address: str, what: str) -> None:
    if has_credentials(address) or "@" in address.partition("://")[2].partition("/")[0]:
        raise UsageError(
            f"{what} holds a name or a password before the @: give the address alone, and secrets by reference."
        )


def _check_directory(given: InitOptions) -> None:
    if given["server"] and given["ldif"]:
        raise UsageError("--server and --ldif are two directories: give one of them.")
    if given["password_env"] and given["password_file"]:
        raise UsageError("--password-env and --password-file are two passwords: give one of them.")
    ours = {"--base": given["base"], "--dialect": given["dialect"]}
    servers = {
        "--bind-dn": given["bind_dn"],
        "--password-env": given["password_env"],
        "--password-file": given["password_file"],
        "--ca-file": given["ca_file"],
        "--start-tls": given["start_tls"],
    }
    for option, value in {**servers, **({} if given["ldif"] else ours)}.items():
        if value and not given["server"]:
            raise UsageError(f"{option} says something of a server: give --server URL, too.")
    if (given["password_env"] or given["password_file"]) and not given["bind_dn"]:
        raise UsageError("A password needs the account that it is of: give --bind-dn DN, too.")


def _check_pipeline(given: InitOptions) -> None:
    action, package = given["action"], given["package"]
    if (action or package) and given["service"] == "none":
        raise UsageError("--action and --package are for a pipeline, and --ci none writes none.")
    if action and (package or given["service"] == "gitlab"):
        raise UsageError(
            "--action is for GitHub, and installs the program itself: give neither --package nor --ci gitlab."
        )
    if action and not is_action(action):
        raise UsageError(
            "--action is OWNER/REPO/.github/actions/reconcile@COMMIT, with the 40 digits of a commit: a tag can be moved."
        )
    if package and (package.startswith("-") or "${{" in package or not package.isprintable()):
        raise UsageError("--package is one thing that pip installs: a file, a URL, or git+https://…@COMMIT.")


@dataclass(frozen=True)
class Wishes:
    """What was asked for on the command line, and by answers."""

    given: InitOptions
    asked: Questions

    @cached_property
    def root(self) -> Path:
        """The top of the repository that the policy folder is in, else where we are, else the folder above the policy's."""
        folder, here = self._folder, Path.cwd()
        top = next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)
        return top or (here if folder.is_relative_to(here) else folder.parent)

    @property
    def asks_base(self) -> bool:
        """Whether the base is still to be asked for."""
        return self.asked.asking and not self.given["base"]

    def place(self) -> Place:
        """Return how the directory is reached; neither server nor file is the example. Raises UsageError without a password."""
        given = self.given
        if given["ldif"]:
            return Place(ldif=given["ldif"], dialect=given["dialect"], base=given["base"] or "")
        server = given["server"] or self.asked.text("Server, such as ldaps://dc1.example.com", "", "none: an example")
        if not server:
            return Place()
        _check_bare(server, "The server")
        if not server.startswith(("ldaps://", "ldap://", "ldapi://")):
            raise UsageError(
                f'"{shortened(server)}" is no server: expected ldaps://host, ldap://host or ldapi://socket.'
            )
        bind_dn = given["bind_dn"] or self.asked.text("DN to log in with", "", "none: do not log in")
        ca_file = given["ca_file"] or ""
        if not ca_file and (server.startswith("ldaps:") or given["start_tls"]):
            ca_file = self.asked.text("File of the authorities to trust", "", "none: the system's")
        return Place(
            server=server,
            bind_dn=bind_dn,
            secret=self._secret() if bind_dn else None,
            ca_file=ca_file,
            start_tls=given["start_tls"],
            dialect=given["dialect"],
            base=given["base"] or "",
        )

    def with_base(self, place: Place, contexts: Sequence[str]) -> Place:
        """Return the place with the base that is answered; the first context is proposed. Raises UsageError for none."""
        base = self.asked.text("Entry below which people and groups are", next(iter(contexts), ""))
        if base and not is_dn(base):
            raise UsageError(f'"{shortened(base)}" is no DN, such as dc=example,dc=com.')
        return replace(place, base=base)

    @cached_property
    def target(self) -> TargetKind:
        """The kind of application."""
        return self.given["target"] or cast("TargetKind", self.asked.choice("Application", TARGETS, "sql"))

    @cached_property
    def service(self) -> Service:
        """Whose pipeline is written."""
        given = self.given["service"] or ("github" if self.given["action"] else None)
        return given or cast("Service", self.asked.choice("Pipeline", SERVICES, "github"))

    def wanted(self, place: Place, seen: Seen) -> Wanted:
        """Return what the policy is to say, with paths as they stand in its files."""
        secret = place.secret
        url = self.given["gitlab_url"] or _GITLAB
        if self.target == "gitlab" and not self.given["gitlab_url"]:
            url = self.asked.text("Address of GitLab", _GITLAB)
        _check_address(url, "The address of GitLab")
        return Wanted(
            seen=seen,
            server=place.server,
            ldif=self._from_folder(place.ldif) if place.ldif or place.server else EXAMPLE,
            bind_dn=place.bind_dn,
            password=("env", VARIABLE) if secret is None else (secret.kind, self._secret_name(secret)),
            ca_file=self._from_folder(place.ca_file),
            start_tls=place.start_tls,
            target=self.target,
            gitlab_url=url,
        )

    def pipeline(self, place: Place) -> Pipeline:
        """Return what the pipeline is to know."""
        secrets = [place.secret.name] if place.secret and place.secret.kind == "env" else []
        return Pipeline(
            policy=os.path.relpath(self._folder, self.root).replace(os.sep, "/"),
            version=__version__,
            secrets=list(dict.fromkeys([*secrets, *(["GITLAB_TOKEN"] if self.target == "gitlab" else [])])),
            package=self.given["package"] or "",
            action=self.given["action"] or "",
            offline=not place.server and self._is_inside(place.ldif),
        )

    @property
    def _folder(self) -> Path:
        return Path(self.given["policy"]).resolve()

    def _secret(self) -> SecretRef:
        """Return where the password is; raises UsageError where there is none, before anything is sent."""
        if self.given["password_file"]:
            return SecretRef("file", str(Path(self.given["password_file"]).resolve()), _HERE)
        name = self.given["password_env"] or self.asked.text("Environment variable that holds the password", VARIABLE)
        if not is_variable(name):
            raise UsageError("That is the name of an environment variable, never the password itself.")
        if not os.environ.get(name):
            raise UsageError(
                f"The environment variable {name} is not set or empty. Set it to the password of the account, or name another "
                "with --password-env, or a file with --password-file."
            )
        return SecretRef("env", name, _HERE)

    def _secret_name(self, secret: SecretRef) -> str:
        return self._from_folder(secret.name) if secret.kind == "file" else secret.name

    def _from_folder(self, path: str) -> str:
        """Return a path as the policy's files say it: relative inside the repository, absolute elsewhere."""
        if not path:
            return ""
        place = Path(path).resolve()
        return (os.path.relpath(place, self._folder) if self._is_inside(path) else str(place)).replace(os.sep, "/")

    def _is_inside(self, path: str) -> bool:
        """Whoever has the repository has the file, too."""
        return not path or Path(path).resolve().is_relative_to(self.root)
