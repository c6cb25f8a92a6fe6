"""Take a policy out of a commit, with the files that its connections name; never reads what an untrusted branch put there.

A file that is tracked in the commit is read from the commit. One that is tracked in the working tree alone is what the branch
under review brings, and is refused. What git does not track was put there by whoever runs this, and is read where it lies.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from reconciler.cli.git import LINK, MODULE, Repository, repository_of
from reconciler.errors import PolicyError, UsageError
from reconciler.model.diagnostic import Diagnostic, Position
from reconciler.model.text import printable, shortened
from reconciler.policy.moved import joined

_LINKS = 20  # links that lead to each other
_POLICY = frozenset({".yaml", ".yml"})


@dataclass(slots=True)
class Export:
    """A commit's policy below a private folder that repeats the path of the working tree, so that ``..`` means the same.

    `ref` is what the commit is called; `name` is the policy's path from the top of the repository.
    """

    repository: Repository
    ref: str
    commit: str
    private: str
    name: str
    _tree: dict[str, str] = field(init=False)
    _tracked: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Ask git once for what the commit holds, and for what is tracked now."""
        self._tree = dict(self.repository.tree(self.commit))
        self._tracked = self.repository.tracked()

    @property
    def root(self) -> Path:
        """Return the folder that stands for the top of the repository."""
        return Path(self.private, *Path(self.repository.top).parts[1:])

    @property
    def policy(self) -> str:
        """Return where the policy of the commit is."""
        return str(self.root / self.name)

    def take(self) -> None:
        """Write the policy; raises UsageError where the commit has none."""
        files = [path for path in self._tree if _is_under(path, self.name)]
        if not files:
            fact = f'--base: {shortened(self.ref)} has no policy "{shortened(self.name)}"'
            raise UsageError(f"{fact}: there is nothing to compare with, and no connection that may be used.")
        self._bring(self.name)
        for path in files:
            if PurePath(path).suffix.lower() in _POLICY and not os.path.lexists(self.root / path):
                raise self._unusable(path, "is left out of archives by a .gitattributes file (export-ignore)")

    def here(self, path: str) -> str:
        """Return where a path of the policy would be in the working tree."""
        inside = PurePath(joined(".", path))
        if inside.is_relative_to(self.private):
            return str(PurePath(os.sep, inside.relative_to(self.private)))
        return str(inside)

    def trusted(self, path: str) -> str:
        """Return where the file that a connection names is to be read; raises UsageError where that cannot be trusted."""
        return self._place(self.here(path), _LINKS)

    def shown(self, where: Position) -> Position:
        """Return a place in the commit's policy the way git writes it: ``main:policies/corp.yaml``."""
        start = printable(self.root.as_posix()) + "/"
        return replace(where, path=f"{printable(self.ref)}:{where.path.removeprefix(start)}")

    def _place(self, path: str, links: int) -> str:
        name = inside_of(self.repository.top, path)
        if not links:
            raise self._unusable(path, "is a link that leads to itself")
        if name is None:
            return self._beyond_links(path, links)
        parents = [str(parent) for parent in PurePath(name).parents if parent.name]
        if linked := next((parent for parent in parents if parent in self._tree), ""):
            raise self._unusable(
                name, f'lies below "{shortened(linked)}", which is a link, a file or another repository'
            )
        if self._tree.get(name) == LINK:
            return self._follow(name, links)
        if self._tree.get(name) == MODULE:
            raise self._unusable(name, "is another repository")
        if any(_is_under(there, name) for there in self._tree):
            self._bring(name)
            return str(self.root / name)
        return self._untracked(name, parents, links)

    def _follow(self, name: str, links: int) -> str:
        self._bring(name)
        link = self.root / name
        return self._place(self.here(joined(str(link.parent), str(link.readlink()))), links - 1)

    def _untracked(self, name: str, parents: list[str], links: int) -> str:
        """Return the file of the working tree, which whoever runs this has put there, and no branch."""
        brought = next((there for there in (name, *parents) if there in self._tracked), "")
        if brought or any(_is_under(there, name) for there in self._tracked):
            raise self._unusable(
                name, "is tracked in this branch and not there: what a branch under review brings is not used"
            )
        return self._beyond_links(str(Path(self.repository.top, name)), links)

    def _beyond_links(self, path: str, links: int) -> str:
        """Return a path that nobody tracks with the first link on the way followed; where it leads is looked at like any other."""
        whole = Path(path)
        link = next((step for step in reversed([whole, *whole.parents]) if step.is_symlink()), None)
        if link is None:
            return path
        return self._place(joined(str(link.parent), str(link.readlink() / whole.relative_to(link))), links - 1)

    def _bring(self, name: str) -> None:
        """Write a file or a folder of the commit, if it is not there yet."""
        there = self.root / name
        if not os.path.lexists(there):
            self.root.mkdir(parents=True, exist_ok=True)
            self.repository.export(self.commit, [name] if name else [], self.root)
        if not os.path.lexists(there):
            raise self._unusable(name, "is left out of archives by a .gitattributes file (export-ignore)")

    def _unusable(self, name: str, fact: str) -> UsageError:
        return UsageError(f'--base: the connections of {shortened(self.ref)} name "{shortened(name)}", which {fact}.')


@contextmanager
def exported(folder: str, ref: str) -> Iterator[Export]:
    """Give the policy that a commit holds at the place of a policy folder, until the block ends; raises UsageError.

    `folder` is the policy of the branch under review.
    """
    repository, name = located(folder)
    commit = repository.commit(ref)
    with TemporaryDirectory(prefix="reconcile-base-") as private:
        export = Export(repository, ref, commit, os.path.realpath(private), name)
        export.take()
        yield export


def located(folder: str) -> tuple[Repository, str]:
    """Return the repository of a policy, and the policy's path from its top.

    Raises UsageError for one that does not really lie in the repository that it seems to lie in; reads nothing of it.
    """
    repository = repository_of(str(_before_links(Path(joined(".", folder)))))
    name = inside_of(repository.top, joined(".", folder))
    if name is None or inside_of(repository.top, os.path.realpath(folder)) is None:
        raise UsageError(f"--base: {shortened(folder)} leads out of the repository that it is in.")
    return repository, name


def _before_links(path: Path) -> Path:
    """Return the last folder on the way to a path before a link that a branch may have made: one below the working folder."""
    here = Path.cwd()
    below = [path, *path.parents][: -len(here.parts)] if path.is_relative_to(here) else [path]
    for step in reversed(below):
        if step.is_symlink() or not step.is_dir():
            return step.parent
    return path


@contextmanager
def told_as(export: Export) -> Iterator[None]:
    """Let problems of the commit's policy name their places as git does."""
    try:
        yield
    except PolicyError as error:
        raise PolicyError(
            [_told(problem, export) if isinstance(problem, Diagnostic) else problem for problem in error.problems]
        ) from error


def _told(problem: Diagnostic, export: Export) -> Diagnostic:
    return replace(problem, where=export.shown(problem.where)) if problem.where else problem


def inside_of(top: str, path: str) -> str | None:
    """Return the path of a file from the top of a repository, as it is written; None where it does not lie there.

    Links are looked at only above the repository: inside, a branch may have made them.
    """
    lexical, real = PurePath(path), os.path.realpath(top)
    for parent in reversed([lexical, *lexical.parents]):
        if os.path.realpath(parent) == real:
            name = lexical.relative_to(parent).as_posix()
            return "" if name == "." else name
    return None


def _is_under(path: str, name: str) -> bool:
    """Tell whether a path is `name`, or lies in it; the top of a repository is called by the empty text."""
    return not name or path == name or path.startswith(name + "/")
