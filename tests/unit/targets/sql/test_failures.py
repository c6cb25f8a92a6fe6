"""What databases complain about becomes one line of ours."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from reconciler.errors import TargetRejected
from reconciler.targets.sql.failures import explained


def test_an_unknown_complaint_is_quoted_on_one_line() -> None:
    """Cut, printable, and without what SQLAlchemy adds."""
    with pytest.raises(TargetRejected) as caught, explained("here"):
        _fail()
    assert str(caught.value) == r'here refused: unrecognized token: "\x1b". Nothing was written.'


def test_what_sqlalchemy_itself_complains_about_does_not_leak() -> None:
    """It is chained, so that nothing is lost for whoever looks for a bug."""
    with (
        pytest.raises(TargetRejected, match=r"here gave an answer that makes no sense: odd\. Nothing") as caught,
        explained("here"),
    ):
        raise SQLAlchemyError("odd\nand long")
    assert isinstance(caught.value.__cause__, SQLAlchemyError)


def test_other_errors_go_through() -> None:
    """Only the database's own are explained."""
    with pytest.raises(KeyboardInterrupt), explained("here"):
        raise KeyboardInterrupt


def _fail() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("SELECT \x1b[31m")
        except sqlite3.Error as error:
            raise DBAPIError("SELECT 'secret'", None, error) from error
