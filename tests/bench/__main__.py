"""``make bench``: the hub beside the floor, interleaved, on one machine in one run. Prints a table.

Needs PostgreSQL (``BENCH_POSTGRES``, default postgres://postgres@127.0.0.1:5432); makes and drops
databases of its own. Bounded: about ten minutes with the default sizes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import urlopen

import psycopg

from tests.bench import accept_floor, sender
from tests.bench.platforms import PLATFORMS

SERVER = os.environ.get("BENCH_POSTGRES", "postgres://postgres@127.0.0.1:5432")
BROKER = os.environ.get("BENCH_BROKER", "")
_RUN = f"logix_bench_{os.getpid()}"
_numbers = count()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--delay-ms", type=float, default=0, help="the store answers this late")
    parser.add_argument("--deliveries", type=int, default=4_000)
    parser.add_argument("--only", choices=["load", "accept"])
    parser.add_argument("--platform", choices=PLATFORMS, help="load from stores of this one alone")
    asked = parser.parse_args()
    if asked.only != "accept":
        for platform in [asked.platform] if asked.platform else PLATFORMS:
            loads(platform, asked.orders, asked.rounds, asked.delay_ms)
    if asked.only != "load":
        accepts(asked.rounds, asked.deliveries)


# --- Loading ---


def loads(platform: str, orders: int, rounds: int, delay_ms: float) -> None:
    results: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        with (
            store(platform, orders, delay_ms) as url,
            database("floor") as base,
            database("hub") as hub,
        ):
            legs = (("first load", True, 0.0), ("1 % changed", False, 1.0), ("unchanged", False, 0))
            for name, fresh, percent in legs:
                if percent:
                    with urlopen(f"{url}/_bench/edit?{percent}", timeout=60) as answer:  # noqa: S310
                        answer.read()
                floor = _floor(platform, url, base, fresh=fresh)
                results.setdefault(f"{name} · floor", []).append(floor)
                leg = ["load", platform, url] if fresh else ["again"]
                results.setdefault(f"{name} · hub", []).append(_hub(hub, *leg))
    named = PLATFORMS[platform].name
    print(f"\n{named}, {orders} orders, {rounds} rounds, answers {delay_ms:g} ms later\n")  # noqa: T201
    print("| work | orders/s | CPU s per 1,000 | peak MB | of the floor | CPU × floor |")  # noqa: T201
    print("|---|---|---|---|---|---|")  # noqa: T201
    for name, rows in results.items():
        beside = results[name.replace("· hub", "· floor")]
        rate, cpu = _middle(rows, "rate"), _middle(rows, "cpu")
        print(  # noqa: T201
            f"| {name} | {rate:,.0f} | {cpu:.2f} | {_middle(rows, 'peak_mb'):.0f} "
            f"| {rate / _middle(beside, 'rate'):.2f} | {cpu / _middle(beside, 'cpu'):.1f} |"
        )


def _middle(rows: list[dict[str, float]], name: str) -> float:
    return median(row[name] for row in rows)


def _floor(platform: str, url: str, database_url: str, *, fresh: bool) -> dict[str, float]:
    """In a process of its own, so that memory and CPU are its own."""
    code = (
        "import json,resource,sys,time; from tests.bench import floor; "
        "w,c=time.perf_counter(),time.process_time(); "
        "floor.load(*sys.argv[1:4],fresh=sys.argv[4]=='1'); "
        "print(json.dumps({'seconds':time.perf_counter()-w,'cpu':time.process_time()-c,"
        "'peak_mb':resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1024}))"
    )
    arguments = [platform, url, database_url, str(int(fresh))]
    told = _json([sys.executable, "-c", code, *arguments], os.environ)
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM bench_order").fetchone()
    return _rated(told, int(row[0]) if row else 0)


def _hub(database_url: str, *leg: str) -> dict[str, float]:
    told = _json([sys.executable, "-m", "tests.bench.hub", *leg], environment(database_url))
    return _rated(told, int(told["orders"]))


def _rated(told: dict[str, float], orders: int) -> dict[str, float]:
    per_thousand = told["cpu"] * 1000 / orders
    return {"rate": orders / told["seconds"], "cpu": per_thousand, "peak_mb": told["peak_mb"]}


# --- Taking webhooks in ---


def accepts(rounds: int, number: int) -> None:
    results: dict[str, list[sender.Measured]] = {}
    with (
        store("woocommerce", 100, 0) as url,
        database("accept") as hub,
        database("accept_floor") as base,
    ):
        _hub(hub, "load", "woocommerce", url)
        address = _json([sys.executable, "-m", "tests.bench.hub", "accept"], environment(hub))
        path, secret = "api/" + str(address["path"]), str(address["secret"])
        with psycopg.connect(base) as connection:
            connection.execute(accept_floor.TABLE)
        plain = {**os.environ, "BENCH_DATABASE": base, "BENCH_SECRET": secret}
        for _ in range(rounds):
            for name, app, env in (
                ("floor", "tests.bench.accept_floor:app", plain),
                ("hub", "logix.wsgi", environment(hub)),
            ):
                with web(app, env) as port:
                    sender.send(port, sender.deliveries(path, secret, 200))
                    full = sender.send(port, sender.deliveries(path, secret, number))
                    paced = sender.send(
                        port, sender.deliveries(path, secret, 1_000), per_second=200
                    )
                assert full.refused == paced.refused == 0, name
                results.setdefault(f"{name} · flat out", []).append(full)
                results.setdefault(f"{name} · 200 a second", []).append(paced)
    print("\n| webhooks taken in | per second | p50 ms | p99 ms |\n|---|---|---|---|")  # noqa: T201
    for name, rows in results.items():
        rate, p50, p99 = (median(getattr(r, n) for r in rows) for n in ("rate", "p50_ms", "p99_ms"))
        print(f"| {name} | {rate:,.0f} | {p50:.1f} | {p99:.1f} |")  # noqa: T201


# --- What the legs run on ---


@contextmanager
def store(platform: str, orders: int, delay_ms: float) -> Iterator[str]:
    asked = [f"--platform={platform}", f"--orders={orders}", f"--delay-ms={delay_ms}"]
    asked.append(f"--kept={Path(_shelves.name) / f'{platform}-{orders}'}")
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.store", *asked], stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        assert url, "The store did not start."
        yield url
    finally:
        child.terminate()
        child.wait(10)


@contextmanager
def web(app: str, env: Any) -> Iterator[int]:
    """gunicorn with two processes of eight threads each, as the hub is served in production."""
    port = 18_000 + os.getpid() % 1000
    command = [sys.executable, "-m", "gunicorn", app, "--bind", f"127.0.0.1:{port}"]
    options = ["--worker-class=gthread", "--workers=2", "--threads=8", "--preload"]
    child = subprocess.Popen(
        [*command, *options], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            try:
                with urlopen(f"http://127.0.0.1:{port}/livez", timeout=1):
                    break
            except OSError as err:
                if "refused" not in str(err):
                    break
                time.sleep(0.1)
        yield port
    finally:
        child.terminate()
        child.wait(30)


@contextmanager
def database(name: str) -> Iterator[str]:
    """A fresh one each time."""
    called = f"{_RUN}_{name}_{next(_numbers)}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{called}"')
    try:
        yield f"{SERVER}/{called}"
    finally:
        with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{called}" WITH (FORCE)')


_shelves = tempfile.TemporaryDirectory(prefix="logix-bench-shelves-")
_folders: dict[str, tempfile.TemporaryDirectory[str]] = {}


def environment(database_url: str) -> dict[str, str]:
    """An embedded hub on this database, migrated once."""
    fresh = database_url not in _folders
    if fresh:
        _folders[database_url] = tempfile.TemporaryDirectory(prefix="logix-bench-")
    env = {
        **os.environ,
        "LOGIX_ENV_FILE": "",
        "LOGIX_DATA": _folders[database_url].name,
        "DATABASE_URL": database_url,
        "LOGIX_LOG_LEVEL": "ERROR",
        "LOGIX_PUBLIC_URL": "http://127.0.0.1:8000",
        **({"CELERY_BROKER_URL": BROKER} if BROKER else {}),
    }
    if fresh:
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0"], env=env, check=True
        )
    return env


def _json(command: list[str], env: Any) -> dict[str, Any]:
    told = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, timeout=900)
    if told.returncode:
        raise SystemExit(f"{' '.join(command[1:])} ended with {told.returncode}.")
    found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
