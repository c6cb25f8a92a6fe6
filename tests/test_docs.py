"""What the documents say is so: commands run, outputs are the outputs, links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from scripts import reference
from tests.examples import ROOT, environment, scratch_copy

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "policies").rglob("*.md")])
PROVEN_ELSEWHERE = {
    "scripts/demo": "tests/test_scripts.py",
    "scripts/test": "this test is a part of it",
    "pip install .": "tests/test_packaging.py",
}
_FENCE = re.compile(
    r"^(?:<!-- file: (?P<file>\S+) -->\n\n?)?```(?P<kind>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; `file` is the name in the comment before it, which asks for the block to be written there."""

    kind: str
    body: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Command:
    """One line after a `$`, and what the document says that it prints; nothing where it does not say."""

    line: str
    output: str


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_inside_the_project_leads_somewhere(path: Path) -> None:
    """Relative links name files that exist, and headings that their document has."""
    broken = []
    for match in _LINK.finditer(_without_code(path.read_text(encoding="utf-8"))):
        file, _, anchor = match["target"].partition("#")
        if re.match(r"[a-z]+:", file):
            continue
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(match["target"])
    assert not broken


def test_every_command_of_the_readme_prints_what_the_readme_says(tmp_path: Path) -> None:
    """The blocks run one after the other in a copy of the clone, as a reader would run them."""
    clone = scratch_copy(tmp_path)
    blocks = list(_blocks(ROOT / "README.md"))
    ran = 0
    for block in blocks:
        if block.file:
            (clone / block.file).parent.mkdir(parents=True, exist_ok=True)
            (clone / block.file).write_text(block.body, encoding="utf-8")
        for command in _commands(block):
            _check(command, clone, block.line)
            ran += 1
    assert ran >= 8
    assert {block.kind for block in blocks} <= {"console", "yaml", "python", "text"}


def test_every_command_about_one_person_prints_what_its_page_says(tmp_path: Path) -> None:
    """The example company again, from an empty roster."""
    clone = scratch_copy(tmp_path)
    page = ROOT / "docs/one-person.md"
    commands = [(command, block.line) for block in _blocks(page) for command in _commands(block)]
    for command, line in commands:
        _check(command, clone, line)
    assert len(commands) == 4


def test_every_command_about_adoption_prints_what_its_page_says(tmp_path: Path) -> None:
    """The example company's roster becomes policy once more, without its rules."""
    clone = scratch_copy(tmp_path)
    blocks = list(_blocks(ROOT / "docs/adoption.md"))
    for block in blocks:
        if block.file:
            (clone / block.file).parent.mkdir(exist_ok=True)
            (clone / block.file).write_text(block.body, encoding="utf-8")
    commands = [(command, block.line) for block in blocks for command in _commands(block)]
    for command, line in commands:
        _check(command, clone, line)
    assert len(commands) == 4


def test_every_python_block_of_the_readme_prints_the_text_block_after_it(tmp_path: Path) -> None:
    """What an application does with the roster works on the roster that the example yields."""
    clone = scratch_copy(tmp_path)
    _run("reconcile apply policies/acme --auto-approve", clone)
    blocks = list(_blocks(ROOT / "README.md"))
    pairs = [(code, said) for code, said in pairwise(blocks) if code.kind == "python"]
    assert pairs
    for code, said in pairs:
        (clone / "block.py").write_text(code.body, encoding="utf-8")
        assert said.kind == "text", f"README.md:{code.line}: no text block follows"
        assert _run("python block.py", clone) == said.body


def test_the_reference_of_commands_is_current() -> None:
    """docs/reference/cli.md holds the help of every command; scripts/reference writes it."""
    assert (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8") == reference.cli_page()


def test_the_reference_of_the_policy_is_current() -> None:
    """docs/reference/policy.md says what the schema says; scripts/reference writes it."""
    assert (ROOT / "docs/reference/policy.md").read_text(encoding="utf-8") == reference.policy_page()


def test_the_pages_of_codes_are_current() -> None:
    """docs/reference/codes/ says what the registry says, and holds nothing else; scripts/reference writes it."""
    folder = ROOT / "docs/reference/codes"
    assert {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()} == reference.code_pages()


def test_the_readme_names_every_command() -> None:
    """The table of commands leaves none out."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in reference.command_names() if f"`reconcile {name}" not in text] == []


def test_no_document_installs_what_an_index_has_by_our_name() -> None:
    """On the public index that is another project's package: extras come from the checkout, pip install '.[s3]'."""
    named = re.compile(r"""\binstall\b[^\n|;.]*["' ]reconciler\b(?!/)""")
    assert named.search('pip install "reconciler[s3]"')
    assert named.search("pip install reconciler")
    told = [*DOCUMENTS, *(ROOT / "reconciler").rglob("*.py"), *(ROOT / "templates").rglob("*.yml")]
    assert [file.name for file in told if named.search(file.read_text(encoding="utf-8"))] == []


def test_the_extras_that_the_readme_names_are_those_there_are() -> None:
    """None is left out, and none is there that nothing needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.search(r"^Extras bring .*$", readme, re.MULTILINE)
    assert listed is not None
    assert set(re.findall(r"`(\w+)`", listed[0])) == set(project["optional-dependencies"])


def test_contributing_says_what_each_folder_of_the_program_does() -> None:
    """A new folder gets a line in its table."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    folders = sorted(path.parent.name for path in (ROOT / "reconciler").glob("*/__init__.py"))
    assert "plan" in folders
    assert [
        name for name in folders if f"`reconciler/{name}`" not in text and f"`reconciler/{name}/`" not in text
    ] == []


def test_every_decision_is_listed() -> None:
    """docs/decisions/README.md links every page beside it."""
    folder = ROOT / "docs/decisions"
    listed = (folder / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in folder.glob("[0-9]*.md") if f"({path.name})" not in listed] == []


@pytest.mark.parametrize(
    ("group", "file"),
    [("dev", "constraints.txt"), ("bench", "constraints-bench.txt"), ("install", "constraints-install.txt")],
)
def test_the_pinned_environment_covers_what_the_project_asks_for(group: str, file: str) -> None:
    """Every dependency of the project and its tools has a version in a list of pins, and no registry is named there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["dependency-groups"][group], *(() if group == "bench" else project["project"]["dependencies"])]
    text = (ROOT / file).read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
    names = {re.split(r"[^A-Za-z0-9-]", requirement)[0].lower() for requirement in wanted}
    assert names - pinned == set()
    assert "://" not in text


@pytest.mark.parametrize("other", ["constraints-bench.txt", "constraints-install.txt"])
def test_what_both_lists_pin_has_one_version(other: str) -> None:
    """The benchmark runs in the environment of the tests, and what is installed is what was tested."""
    pins = [
        dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE))
        for file in ("constraints.txt", other)
    ]
    shared = pins[0].keys() & pins[1].keys()
    assert {name: pins[0][name] for name in shared} == {name: pins[1][name] for name in shared}


def _blocks(path: Path) -> Iterator[Block]:
    text = path.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        yield Block(match["kind"], match["body"], match["file"] or "", text.count("\n", 0, match.start()) + 1)


def _commands(block: Block) -> Iterator[Command]:
    """Split a console block at its prompts; nothing else has commands."""
    if block.kind == "console":
        for part in re.split(r"^\$ ", block.body, flags=re.MULTILINE)[1:]:
            line, _, output = part.partition("\n")
            yield Command(line.partition("  #")[0].strip(), output.strip("\n"))


def _check(command: Command, clone: Path, line: int) -> None:
    if command.line in PROVEN_ELSEWHERE:
        return
    assert command.line.startswith(("reconcile ", "cp ", "echo ")), f"README.md:{line}: nobody tests {command.line}"
    said = _run(command.line, clone)
    shown = command.output.split("\n")
    if command.output and not re.fullmatch(_pattern(shown), said):
        wrong = next((row for n, row in enumerate(shown) if not re.match(_pattern(shown[: n + 1]), said)), shown[-1])
        pytest.fail(f"README.md:{line}: {command.line} does not print {wrong!r} there:\n{said[:2000]}", pytrace=False)


def _pattern(shown: Sequence[str]) -> str:
    """Return what shown lines match: one that is just … stands for any lines, inside a line it stands for any text."""
    lines = [r"(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + r"\n" for line in shown]
    return "".join(lines)


def _run(line: str, cwd: Path) -> str:
    """Run a line as a shell would; what it prints on both streams, whatever its exit code: documents show failures, too."""
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return done.stdout


def _without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
