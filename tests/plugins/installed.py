"""The `teams` plugin as an installed package: a folder on the path that holds a package and its metadata."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "teams"
ENVIRONMENT = {"PYTHONPATH": os.pathsep.join(filter(None, [str(FOLDER), os.environ.get("PYTHONPATH", "")]))}
