"""Sends signed webhook deliveries as fast as they are taken, or at a pace, over kept connections.

Requests are made beforehand and sent as bytes, so that the sender costs little beside what it
measures.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from dataclasses import dataclass
from itertools import count

_body_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Measured:
    """``rate`` in deliveries a second, times in milliseconds."""

    rate: float
    p50_ms: float
    p99_ms: float
    refused: int


def deliveries(path: str, secret: str, number: int, padding: int = 3_000) -> list[bytes]:
    """Different signed bodies of the size of an order, as whole HTTP requests."""
    made = []
    for _ in range(number):
        order_id = 10_000_000 + next(_body_numbers)
        body = json.dumps({"id": order_id, "status": "processing", "note": "x" * padding}).encode()
        signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
        head = (
            f"POST /{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"X-WC-Webhook-Topic: order.updated\r\nX-WC-Webhook-Signature: {signature.decode()}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


def send(
    port: int, requests: list[bytes], *, connections: int = 8, per_second: float = 0
) -> Measured:
    """``per_second`` 0: each connection sends its next when the last is answered."""
    times: list[float] = []
    refused: list[bytes] = []
    began = time.perf_counter() + 0.05
    parts = [requests[n::connections] for n in range(connections)]

    def work(place: int, part: list[bytes]) -> None:
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for index, request in enumerate(part):
                if per_second:
                    due = began + (index * connections + place) / per_second
                    time.sleep(max(0.0, due - time.perf_counter()))
                sent = time.perf_counter()
                sock.sendall(request)
                answer = _answer(sock)
                times.append(time.perf_counter() - sent)
                if not answer.startswith(b"HTTP/1.1 200"):
                    refused.append(answer[:200])

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(parts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - began
    ordered = sorted(times)
    return Measured(
        rate=len(times) / elapsed,
        p50_ms=ordered[len(ordered) // 2] * 1000,
        p99_ms=ordered[int(len(ordered) * 0.99)] * 1000,
        refused=len(refused),
    )


def _answer(sock: socket.socket) -> bytes:
    """The head of an answer; these answers have no body."""
    found = b""
    while b"\r\n\r\n" not in found:
        part = sock.recv(4096)
        if not part:
            raise ConnectionError("The server hung up.")
        found += part
    return found
