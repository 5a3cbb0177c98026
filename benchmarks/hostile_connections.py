"""Attack a server with twenty connections that have no login, for a minute.

Everything runs on the loopback address. Targets: the memory of the server grows by at most 50 MB, and a page opens for
a user within 3 s at any time.

python benchmarks/hostile_connections.py [SECONDS]
"""

import asyncio
import contextlib
import json
import multiprocessing
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # for tests.support

from tests.support.waiting import listens, wait_until  # noqa: E402

SECONDS = 60
CONNECTIONS = 20
MEGABYTES, PAGE_SECONDS = 50, 3.0
USER, PASSWORD = "ada", "lovely"
MEGABYTE = b"x" * 1_000_000


def request(port: int, start: str, *lines: str, host: str = "localhost") -> bytes:
    """Return the head of a request, without the final line break."""
    return "\r\n".join([f"{start} HTTP/1.1", f"Host: {host}:{port}", *lines, ""]).encode()


def huge_body(port: int) -> Iterator[bytes]:
    yield request(port, "POST /login", "Content-Length: 100000000") + b"\r\n"
    yield from (MEGABYTE for _ in range(100))


def huge_body_of_a_stranger(port: int) -> Iterator[bytes]:
    yield request(port, "POST /", "Content-Length: 100000000", host="evil.example") + b"\r\n"
    yield from (MEGABYTE for _ in range(100))


def body_in_chunks(port: int) -> Iterator[bytes]:
    yield request(port, "POST /login", "Transfer-Encoding: chunked") + b"\r\n"
    yield from (b"f4240\r\n" + MEGABYTE + b"\r\n" for _ in range(100))


def huge_headers(port: int) -> Iterator[bytes]:
    yield request(port, "GET /")
    yield from (f"X-{number}: ".encode() + b"x" * 60_000 + b"\r\n" for number in range(1000))


def header_without_an_end(port: int) -> Iterator[bytes]:
    yield b"GET /" + b"?" * 10_000_000


def half_a_request(port: int) -> Iterator[bytes]:
    yield request(port, "GET /")
    while True:
        time.sleep(5)  # slow on purpose: the attack keeps the connection open
        yield b"X-Slow: 1\r\n"


def half_a_body(port: int) -> Iterator[bytes]:
    yield request(port, "POST /login", "Content-Length: 60000") + b"\r\n"
    while True:
        time.sleep(1)  # slow on purpose, like half_a_request
        yield b"x"


def websocket_garbage(port: int) -> Iterator[bytes]:
    yield request(
        port, "GET /ws", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: ZHVja3MgZHVja3MgZHVja3M=", "Sec-WebSocket-Protocol: bokeh, " + "x" * 30_000,
    ) + b"\r\n"  # fmt: skip
    yield from (b"\x82\xff" + (10**9).to_bytes(8) + os.urandom(100_000) for _ in range(100))


def guesses(port: int) -> Iterator[bytes]:
    for number in range(50):
        body = f"username=user{number}&password=guess".encode()
        kind = "Content-Type: application/x-www-form-urlencoded"
        yield request(port, "POST /login", kind, f"Content-Length: {len(body)}") + b"\r\n" + body
        time.sleep(0.1)  # a rate at which guesses do not exhaust the attacker's own machine


def noise(port: int) -> Iterator[bytes]:
    yield from (os.urandom(100_000) for _ in range(100))


KINDS: list[Callable[[int], Iterator[bytes]]] = [
    huge_body, huge_body_of_a_stranger, body_in_chunks, huge_headers, header_without_an_end, half_a_request,
    half_a_body, websocket_garbage, guesses, noise,
]  # fmt: skip


def attack(port: int, kind: Callable[[int], Iterator[bytes]], end: float) -> None:
    """Send one kind of request again and again, each time until the server closes the connection."""
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            for part in kind(port):
                connection.sendall(part)
                if time.monotonic() > end:
                    return
            connection.recv(1000)
        time.sleep(0.02)  # limits the rate of connections when the server closes them at once


def attack_together(port: int, end: float) -> None:
    """Open all connections in a low-priority process, because real attackers use other machines."""
    os.nice(19)
    threads = [
        threading.Thread(target=attack, args=(port, KINDS[number % len(KINDS)], end)) for number in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def log_in(url: str) -> str:
    """Log in and return the cookie."""
    form = urllib.parse.urlencode({"username": USER, "password": PASSWORD}).encode()

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *args: object) -> None:
            """Do not follow the redirect."""

    try:
        urllib.request.build_opener(Stay).open(f"{url}login", form)
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.headers["Set-Cookie"].partition(";")[0]
    raise RuntimeError("The log-in led nowhere.")


async def open_page(url: str, cookie: str) -> float:
    """Open a page like a browser until it is complete; return the seconds."""
    began = time.perf_counter()
    asked = urllib.request.Request(url, headers={"Cookie": cookie})
    page = await asyncio.to_thread(lambda: urllib.request.urlopen(asked, timeout=60).read().decode())
    token = re.search(r'"token":"([^"]+)"', page)[1]
    shaken = HTTPRequest(url.replace("http", "ws") + "ws", headers={"Cookie": cookie, "Origin": url.rstrip("/")})
    connection = await websocket_connect(shaken, subprotocols=["bokeh", token], max_message_size=10**9)
    for part in (None, '{"msgid": "1", "msgtype": "PULL-DOC-REQ"}', "{}", "{}"):
        if part is None:
            [await connection.read_message() for _ in range(3)]
        else:
            await connection.write_message(part)
    answer = [await connection.read_message() for _ in range(3)]
    if '"roots"' not in answer[2]:
        raise RuntimeError("The server sent no page.")
    connection.close()
    return time.perf_counter() - began


def memory(process: "subprocess.Popen[str]") -> float:
    """Return the memory of a process in MB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1000


def measure(process: "subprocess.Popen[str]", port: int, seconds: float) -> tuple[float, float]:
    """Return the largest growth of memory in MB and the longest time to open a page."""
    url = f"http://127.0.0.1:{port}/"
    cookie = log_in(url)
    for _ in range(3):  # what the first visitors need is not the strangers' doing
        asyncio.run(open_page(url, cookie))
    before, end = memory(process), time.monotonic() + seconds
    strangers = multiprocessing.Process(target=attack_together, args=(port, end), daemon=True)
    strangers.start()
    most, longest = before, 0.0
    while time.monotonic() < end:
        longest = max(longest, asyncio.run(open_page(url, cookie)))
        for _ in range(80):
            most = max(most, memory(process))
            time.sleep(0.05)  # sampling interval of the memory
    strangers.join(30)
    return most - before, longest


def main() -> None:
    """Print the table."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        users = Path(folder, "users.json")
        users.write_text(json.dumps({USER: PASSWORD}))
        users.chmod(0o600)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        command = [sys.executable, "-m", "dashboard", "--home", folder, "--port", str(port)]
        command += ["--login-file", str(users)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
        try:
            wait_until(lambda: listens(port))
            grown, longest = measure(process, port, seconds)
        finally:
            process.terminate()
            process.wait()
    for name, came, needed, unit in (
        ("memory grows by at most", grown, MEGABYTES, "MB"),
        ("a page opens within at most", longest, PAGE_SECONDS, "s"),
    ):
        verdict = "reached" if came <= needed else "MISSED"
        print(
            f"{CONNECTIONS} anonymous clients for {seconds:g} s: {name:28} {came:7.2f} {unit:3} (target {needed:g})"
            f"  {verdict}"
        )


if __name__ == "__main__":
    main()
