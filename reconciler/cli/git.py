"""Ask git about the repository of a policy folder; never changes anything in it and never runs what is in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import UsageError
from reconciler.model.text import shortened

_TIMEOUT = 5  # seconds
_LONG = 300  # seconds, for what reads a whole tree
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
LINK, MODULE = "120000", "160000"
"""The modes of a symbolic link, and of another repository inside this one."""


def head_commit(folder: str) -> str:
    """Return the full commit id of the folder's HEAD, empty where there is no git, no repository or no commit."""
    try:
        answer = _run(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    except (OSError, subprocess.SubprocessError):
        return ""
    commit = answer.decode(errors="replace").strip()
    return commit if _COMMIT.fullmatch(commit) else ""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository's working tree: the absolute path of its top."""

    top: str

    def commit(self, ref: str) -> str:
        """Return the full id of a commit; raises UsageError for a name that stands for none."""
        try:
            answer = self._ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        except UsageError:
            answer = b""
        commit = answer.decode(errors="replace").strip()
        if not _COMMIT.fullmatch(commit):
            way_out = ". Is it fetched? A CI system often fetches one commit only: git fetch origin BRANCH."
            if not head_commit(self.top):
                way_out = ", nor any other: commit the policy first, or fetch the branch."
            raise UsageError(f'--base: git knows no commit "{shortened(ref, 100)}" here{way_out}')
        return commit

    def tree(self, commit: str) -> Mapping[str, str]:
        """Return the mode of every file of a commit by its path from the top."""
        rows = _records(self._ask("ls-tree", "-r", "-z", "--full-tree", commit))
        return {path: head.partition(" ")[0] for head, _, path in (row.partition("\t") for row in rows)}

    def tracked(self) -> frozenset[str]:
        """Return the paths of all files that are tracked in the working tree, links and other repositories included."""
        return frozenset(_records(self._ask("ls-files", "-z", "--full-name")))

    def export(self, commit: str, paths: Iterable[str], folder: Path) -> None:
        """Write files and folders of a commit below a folder; raises UsageError for what leads out of it."""
        with tempfile.TemporaryFile() as archive:
            words = ("--literal-pathspecs", "archive", "--format=tar", commit, "--", *paths)
            archive.write(self._ask(*words))
            archive.seek(0)
            try:
                with tarfile.open(fileobj=archive, mode="r:") as files:
                    files.extractall(folder, filter="data")
            except (tarfile.TarError, OSError) as error:
                fact = f"the policy of {commit[:12]} cannot be taken out of git: {shortened(str(error))}."
                raise UsageError(f"--base: {fact} A link in it that leads out of the repository must go.") from error

    def _ask(self, *words: str) -> bytes:
        return _asked(self.top, *words)


def repository_of(folder: str) -> Repository:
    """Return the repository that a folder lies in; raises UsageError where there is none, or no git."""
    try:
        top = os.fsdecode(_asked(folder, "rev-parse", "--show-toplevel").removesuffix(b"\n"))
    except UsageError as error:
        if not isinstance(error.__cause__, subprocess.CalledProcessError):
            raise
        raise UsageError(f"{error}. Use --base-policy DIR instead.") from error
    if not top:
        raise UsageError(f"--base: {shortened(folder)} is in no working tree of git.")
    return Repository(top)


def _asked(folder: str, *words: str) -> bytes:
    """Return what git says; raises UsageError with its own words where it fails."""
    try:
        return _run(folder, *words, timeout=_LONG)
    except FileNotFoundError as error:
        raise UsageError("--base needs git, which is not installed here. Use --base-policy DIR instead.") from error
    except subprocess.CalledProcessError as error:
        said = shortened(error.stderr.decode(errors="replace").strip().removeprefix("fatal: "))
        raise UsageError(f"--base: git {words[0]} failed in {shortened(folder)}: {said or error.returncode}") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise UsageError(f"--base: git does not answer: {shortened(str(error))}") from error


def _run(folder: str, *words: str, timeout: float | None = None) -> bytes:
    program = shutil.which("git")
    if program is None:
        raise FileNotFoundError("git")
    return subprocess.run(  # noqa: S603 - a fixed program and fixed words; the folder follows -C, refs --end-of-options
        [program, "-c", "safe.bareRepository=explicit", "-C", _above(folder), *words],
        capture_output=True,
        check=True,
        stdin=subprocess.DEVNULL,
        timeout=timeout or _TIMEOUT,
    ).stdout


def _above(folder: str) -> str:
    """Return the folder that has ``.git``, which no branch can bring; below it git would take files of one for a repository."""
    path = Path(folder).resolve()
    return next((str(step) for step in (path, *path.parents) if os.path.lexists(step / ".git")), folder)


def _records(answer: bytes) -> list[str]:
    return [os.fsdecode(record) for record in answer.split(b"\0") if record]
