"""First process of a private network: start a server there, carry connections in, end with whoever asked for it.

Run as a program by tests/servers/enclosure.py: `enclosed.py 389=7 636=8 -- program argument…`, where 7 and 8 are listening
sockets of the network outside. Says "ready" on stdout once the server accepts connections on all ports.
The end of stdin ends it, and as the first process of its process namespace it takes all others there with it.
Needs nothing but Python's own library.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import functools
import os
import socket
import struct
import sys

_LOOPBACK = "127.0.0.1"
_SIOCSIFFLAGS = 0x8914
_UP = 0x1
_CHUNK = 1 << 17


def main(arguments: list[str]) -> int:
    """Return the exit code of the server, or 0 if stdin ended first; wait for every orphan, as a first process has to."""
    keeper = os.fork()
    if not keeper:
        return _serve(arguments)
    while True:
        ended, status = os.wait()
        if ended == keeper:
            return os.waitstatus_to_exitcode(status)


def _serve(arguments: list[str]) -> int:
    _own_shared_memory()
    split = arguments.index("--")
    doors = {int(port): socket.socket(fileno=int(fd)) for port, _, fd in (a.partition("=") for a in arguments[:split])}
    _loopback_up()
    return asyncio.run(_keep(doors, arguments[split + 1 :]))


def _own_shared_memory() -> None:
    """Cover the machine's: what is left there would stay, and servers of one name would meet."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", 0, None):
        raise OSError(ctypes.get_errno(), "/dev/shm could not be covered")


def _loopback_up() -> None:
    """A new network has only its loopback interface, and that is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        fcntl.ioctl(probe, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _UP))


async def _keep(doors: dict[int, socket.socket], command: list[str]) -> int:
    server = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL, stdout=sys.stderr)
    ends = {asyncio.create_task(_stdin_ends()), asyncio.create_task(server.wait())}
    opening = asyncio.create_task(_open(doors))
    await asyncio.wait({*ends, opening}, return_when=asyncio.FIRST_COMPLETED)
    if opening.done():
        await opening
        print("ready", flush=True)
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    return server.returncode or 0


async def _stdin_ends() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


async def _open(doors: dict[int, socket.socket]) -> None:
    for port, door in doors.items():
        while not await _accepts(port):  # noqa: ASYNC110 - nothing tells us when a server listens
            await asyncio.sleep(0.02)
        await asyncio.start_server(functools.partial(_carry, port), sock=door)


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(_LOOPBACK, port)
    except OSError:
        return False
    writer.close()
    return True


async def _carry(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        inner_reader, inner_writer = await asyncio.open_connection(_LOOPBACK, port)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass  # whoever went away, the other side is told so
    finally:
        writer.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
