"""A headless Chromium that tests talk to over two pipes, as DevTools does; opens files only, and has no network to open."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tests.servers.absent import absent

Data = dict[str, Any]
"""What DevTools says: JSON."""

PROGRAMS = ("chromium-headless-shell", "google-chrome", "chromium")
MISSING = "no headless Chromium is installed"
PATIENCE = 20.0  # seconds
_FLAGS = (
    "--headless=new",  # the headless shell knows no other way and does not look at it
    "--remote-debugging-pipe",
    "--no-sandbox",  # root and most containers have none; it opens our own files only
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-sync",
    "--force-color-profile=srgb",
)
_KEYS: Mapping[str, tuple[int, str]] = {"Tab": (9, ""), "Enter": (13, "\r"), "ArrowDown": (40, ""), "Space": (32, " ")}


class BrowserError(Exception):
    """DevTools answered with an error, or not in time, or the page threw one."""


def program() -> str | None:
    """Return the first browser that is installed; not Chromium as a snap, which has a /tmp of its own."""
    snapped = {"chromium"} if Path("/snap/bin/chromium").exists() else set()
    return next(filter(None, (shutil.which(name) for name in PROGRAMS if name not in snapped)), None)


@dataclass(slots=True)
class Browser:
    """A running browser; `send` asks it something, events wait in `events` by the session that they belong to."""

    process: subprocess.Popen[bytes]
    to_it: int
    from_it: int
    events: dict[str, list[Data]] = field(default_factory=dict)
    _answers: dict[int, Data] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _rest: bytes = b""

    def send(self, method: str, session: str = "", **parameters: object) -> Data:
        """Call one method and return its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to_it, data) :]
        until = time.monotonic() + PATIENCE
        while number not in self._answers:
            self.listen(until - time.monotonic(), f"no answer to {method}")
        answer = self._answers.pop(number)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        result: Data = answer["result"]
        return result

    def listen(self, patience: float, why: str) -> None:
        """Take in what comes next; raises BrowserError where nothing does."""
        if not select.select([self.from_it], [], [], max(patience, 0))[0]:
            raise BrowserError(why)
        data = os.read(self.from_it, 1 << 20)
        if not data:
            raise BrowserError(f"the browser has ended: {self.process.wait()}")
        *whole, self._rest = (self._rest + data).split(b"\0")
        for message in map(json.loads, whole):
            if "id" in message:
                self._answers[message["id"]] = message
            else:
                self.events.setdefault(message.get("sessionId", ""), []).append(message)

    @contextmanager
    def page(self, path: Path, fragment: str = "", **options: Any) -> Iterator[Page]:
        """Open a file in a window of its own; `options` as `Page.open` takes them."""
        context = self.send("Target.createBrowserContext")["browserContextId"]
        target = self.send("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        try:
            page.open(path.as_uri() + fragment, **options)
            yield page
        finally:
            self.send("Target.disposeBrowserContext", browserContextId=context)


@dataclass(slots=True)
class Page:
    """One window. Everything waits on conditions, never for a time."""

    browser: Browser
    session: str

    def send(self, method: str, **parameters: object) -> Data:
        """Call one method on this page."""
        return self.browser.send(method, self.session, **parameters)

    def open(
        self, url: str, *, size: tuple[int, int] = (1280, 800), scheme: str = "light", scripts: bool = True
    ) -> None:
        """Load the page and wait until it is loaded."""
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.send(f"{domain}.enable")
        self.send("Emulation.setFocusEmulationEnabled", enabled=True)
        self.resize(*size)
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.send("Page.navigate", url=url)
        until = time.monotonic() + PATIENCE
        while not self.seen("Page.loadEventFired"):
            self.browser.listen(until - time.monotonic(), f"{url} was not loaded")

    def resize(self, width: int, height: int) -> None:
        """Give the window another size, in pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def seen(self, *methods: str) -> list[Data]:
        """Return the events of these names so far."""
        return [event["params"] for event in self.browser.events.get(self.session, []) if event["method"] in methods]

    def complaints(self) -> list[str]:
        """Return what the page wrote to its console, threw, or was forbidden, and every address that it asked for but its own file."""
        self.value("1")  # whatever was said before this has arrived
        said = self.seen("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        asked = [event["request"]["url"] for event in self.seen("Network.requestWillBeSent")]
        return [json.dumps(event) for event in said] + [url for url in asked if not url.startswith("file:")] + asked[1:]

    def value(self, expression: str) -> Any:
        """Return what an expression is worth on the page; raises BrowserError where it throws."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait until a condition holds on the page; raises BrowserError where it never does."""
        try:
            self.value(
                "new Promise((done) => { const look = () => "
                f"({condition}) ? done(true) : requestAnimationFrame(look); look(); }})"
            )
        except BrowserError as error:
            raise BrowserError(f"it never came to this: {condition}") from error

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key and let it go."""
        code, text = _KEYS[key]
        name = " " if key == "Space" else key
        keys = {"key": name, "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **keys)
        self.send("Input.dispatchKeyEvent", type="keyUp", **keys)

    def type(self, text: str) -> None:
        """Write text where the focus is."""
        self.send("Input.insertText", text=text)

    def controls(self) -> list[tuple[str, str]]:
        """Return role and name of everything in the accessibility tree that is not ignored."""
        nodes = self.send("Accessibility.getFullAXTree")["nodes"]
        return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]

    def screenshot(self, path: Path) -> bytes:
        """Save what can be seen as a PNG, and return it."""
        data = b64decode(self.send("Page.captureScreenshot", format="png")["data"])
        path.write_bytes(data)
        return data


Open = Callable[..., AbstractContextManager[Page]]
"""Opens the page of a plan: the plan, the address' fragment, and what `Page.open` takes."""


@contextmanager
def running() -> Iterator[Browser]:
    """Start a browser, or skip where there is none, and end it."""
    binary = program()
    if binary is None:
        absent("browser", MISSING)
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as home:
        browser = _started(binary, Path(home))
        try:
            yield browser
        finally:
            with suppress(ProcessLookupError):  # it may have ended by itself
                os.killpg(browser.process.pid, signal.SIGKILL)
            browser.process.wait()
            os.close(browser.to_it)
            os.close(browser.from_it)


def _started(binary: str, home: Path) -> Browser:
    """Start the program with its two pipes where it looks for them: it reads from 3 and writes to 4."""
    read_by_it, to_it = os.pipe()
    from_it, written_by_it = os.pipe()
    shell = f'exec "$0" "$@" 3</dev/fd/{read_by_it} 4>/dev/fd/{written_by_it}'
    process = subprocess.Popen(
        ["sh", "-c", shell, binary, *_FLAGS, f"--user-data-dir={home}", "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(read_by_it, written_by_it),
        start_new_session=True,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC"},
    )
    os.close(read_by_it)
    os.close(written_by_it)
    return Browser(process, to_it, from_it)
