"""What all tests share: no sockets in unit tests, and a count by name of the tests that a missing server skipped."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import settings

# a slow machine is no failure: what is to be fast is counted elsewhere
settings.register_profile("project", deadline=None)
settings.load_profile("project")

_UNIT = Path(__file__).parent / "unit"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let golden files be rewritten, only ever on request."""
    parser.addoption("--rewrite-golden", action="store_true", help="write what tests made over what they compare with")


@pytest.fixture(scope="session")
def rewrite_golden(pytestconfig: pytest.Config) -> bool:
    """Whether golden files are to be rewritten by this run."""
    return bool(pytestconfig.getoption("--rewrite-golden"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ban sockets in tests/unit, and keep these tests for the end: they are short, so that no worker is left alone for long."""
    for item in items:
        if _UNIT in item.path.parents:
            item.add_marker(pytest.mark.disable_socket)
    items.sort(key=lambda item: _UNIT in item.path.parents)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name every skipped test under the reason, with a count, so that what did not run is never overlooked."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix("Skipped: ")].append(report.nodeid)
    for reason, names in sorted(reasons.items()):
        terminalreporter.section(f"{len(names)} not run: {reason}")
        for name in sorted(names):
            terminalreporter.write_line(name)
