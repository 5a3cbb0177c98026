"""Attack a server with twenty connections without a login: `python benchmarks/hostile_connections.py [SECONDS]`.

Server and clients run on this machine, for a minute by default. Targets: the memory of the server grows by at most
50 MB, and pages of a logged-in user always open within 3 s.
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
MAX_GROWTH, MAX_PAGE_SECONDS = 50, 3.0
"""Growth of the server's memory in MB, and seconds to open a page."""
USER, PASSWORD = "ada", "lovely"
MEGABYTE = b"x" * 1_000_000


def request(port: int, start: str, *lines: str, host: str = "localhost") -> bytes:
    """Return the head of a request, without the final line break."""
    return "\r\n".join([f"{start} HTTP/1.1", f"Host: {host}:{port}", *lines, ""]).encode()


def huge_body(port: int) -> Iterator[bytes]:
    yield request(port, "POST /login", "Content-Length: 100000000") + b"\r\n"
    yield from (MEGABYTE for _ in range(100))


def huge_body_for_another_host(port: int) -> Iterator[bytes]:
    yield request(port, "POST /", "Content-Length: 100000000", host="evil.example") + b"\r\n"
    yield from (MEGABYTE for _ in range(100))


def body_in_chunks(port: int) -> Iterator[bytes]:
    yield request(port, "POST /login", "Transfer-Encoding: chunked") + b"\r\n"
    yield from (b"f4240\r\n" + MEGABYTE + b"\r\n" for _ in range(100))


def huge_headers(port: int) -> Iterator[bytes]:
    yield request(port, "GET /")
    yield from (f"X-{number}: ".encode() + b"x" * 60_000 + b"\r\n" for number in range(1000))


def endless_request_line(port: int) -> Iterator[bytes]:
    yield b"GET /" + b"?" * 10_000_000


def slow_request(port: int) -> Iterator[bytes]:
    yield request(port, "GET /")
    while True:
        time.sleep(5)  # slow on purpose: the attack keeps the connection open
        yield b"X-Slow: 1\r\n"


def slow_body(port: int) -> Iterator[bytes]:
    yield request(port, "POST /login", "Content-Length: 60000") + b"\r\n"
    while True:
        time.sleep(1)  # slow on purpose, like slow_request
        yield b"x"


def websocket_garbage(port: int) -> Iterator[bytes]:
    yield request(
        port, "GET /ws", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: ZHVja3MgZHVja3MgZHVja3M=", "Sec-WebSocket-Protocol: bokeh, " + "x" * 30_000,
    ) + b"\r\n"  # fmt: skip
    yield from (b"\x82\xff" + (10**9).to_bytes(8) + os.urandom(100_000) for _ in range(100))


def password_guesses(port: int) -> Iterator[bytes]:
    for number in range(50):
        body = f"username=user{number}&password=guess".encode()
        kind = "Content-Type: application/x-www-form-urlencoded"
        yield request(port, "POST /login", kind, f"Content-Length: {len(body)}") + b"\r\n" + body
        time.sleep(0.1)  # without a pause, guesses would use all processor time of this machine


def random_bytes(port: int) -> Iterator[bytes]:
    yield from (os.urandom(100_000) for _ in range(100))


KINDS: list[Callable[[int], Iterator[bytes]]] = [
    huge_body, huge_body_for_another_host, body_in_chunks, huge_headers, endless_request_line, slow_request,
    slow_body, websocket_garbage, password_guesses, random_bytes,
]  # fmt: skip


def attack(port: int, kind: Callable[[int], Iterator[bytes]], end: float) -> None:
    """Repeat one kind of request on new connections, each until the server closes it."""
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            for part in kind(port):
                connection.sendall(part)
                if time.monotonic() > end:
                    return
            connection.recv(1000)
        time.sleep(0.02)  # limits the rate of new connections if the server closes them immediately


def attack_in_parallel(port: int, end: float) -> None:
    """Run all attacks in threads of this process."""
    os.nice(19)  # low priority, because real attackers use other machines
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

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *args: object) -> None:
            """Do not follow the redirect."""

    try:
        urllib.request.build_opener(NoRedirect).open(f"{url}login", form)
    except urllib.error.HTTPError as response:
        with response:
            return response.headers["Set-Cookie"].partition(";")[0]
    raise RuntimeError("The login was not answered with a redirect.")


async def open_page(url: str, cookie: str) -> float:
    """Load a page and its document as a browser does; return the seconds."""
    began = time.perf_counter()
    page_request = urllib.request.Request(url, headers={"Cookie": cookie})
    page = await asyncio.to_thread(lambda: urllib.request.urlopen(page_request, timeout=60).read().decode())
    token = re.search(r'"token":"([^"]+)"', page)[1]
    handshake = HTTPRequest(url.replace("http", "ws") + "ws", headers={"Cookie": cookie, "Origin": url.rstrip("/")})
    connection = await websocket_connect(handshake, subprotocols=["bokeh", token], max_message_size=10**9)
    for part in (None, '{"msgid": "1", "msgtype": "PULL-DOC-REQ"}', "{}", "{}"):
        if part is None:
            [await connection.read_message() for _ in range(3)]
        else:
            await connection.write_message(part)
    reply = [await connection.read_message() for _ in range(3)]
    if '"roots"' not in reply[2]:
        raise RuntimeError("The server sent no document.")
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
    for _ in range(3):  # memory that the first visits allocate is not caused by the attack
        asyncio.run(open_page(url, cookie))
    before, end = memory(process), time.monotonic() + seconds
    attackers = multiprocessing.Process(target=attack_in_parallel, args=(port, end), daemon=True)
    attackers.start()
    highest, longest = before, 0.0
    while time.monotonic() < end:
        longest = max(longest, asyncio.run(open_page(url, cookie)))
        for _ in range(80):
            highest = max(highest, memory(process))
            time.sleep(0.05)  # sampling interval of the memory
    attackers.join(30)
    return highest - before, longest


def main() -> None:
    """Start a server, attack it, and print the table."""
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
            growth, longest = measure(process, port, seconds)
        finally:
            process.terminate()
            process.wait()
    for name, result, target, unit in (
        ("memory growth of the server", growth, MAX_GROWTH, "MB"),
        ("longest time to open a page", longest, MAX_PAGE_SECONDS, "s"),
    ):
        verdict = "reached" if result <= target else "MISSED"
        print(
            f"{CONNECTIONS} anonymous clients for {seconds:g} s: {name:28} {result:7.2f} {unit:3} (target {target:g})"
            f"  {verdict}"
        )


if __name__ == "__main__":
    main()
