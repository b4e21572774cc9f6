"""The ways to run Logix say the same: compose, Procfile, environment, proxy and the guides."""

from __future__ import annotations

import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands
from django.test import Client

from logix import broker
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
GUIDE = DEPLOY / "README.md"
OURS = ("logix.", "integrations", "webhooks", "orders", "inventory")

# Names an operator never sets: they are of the container, of developers, or told elsewhere.
_NOT_IN_SAMPLE = {"DEBUG", "LOGIX_ENV_FILE"}


def procfile() -> dict[str, str]:
    lines = (DEPLOY / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines)


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return loaded


def sample() -> dict[str, str]:
    """Every name of env.sample with its value or default, comments included."""
    text = (DEPLOY / "env.sample").read_text()
    return dict(re.findall(r"^#?([A-Z][A-Z_]+)=(.*)$", text, re.M))


def without_defaults(command: str) -> list[str]:
    """``${LIVE_CONCURRENCY:-4}`` as what a shell makes of it when nothing is set."""
    return shlex.split(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", command))


def lanes(command: list[str]) -> list[str]:
    return command[command.index("--queues") + 1].split(",") if "--queues" in command else []


# --- Processes ------------------------------------------------------------------------------------


def test_containers_run_what_the_procfile_says() -> None:
    services = compose()["services"]
    wanted = procfile()

    assert set(services) == {*wanted, "db", "rabbitmq"}
    for name, command in wanted.items():
        if name == "release":
            assert services[name]["command"] == ["sh", "-c", command]
        elif name == "web":
            assert "command" not in services[name]
            assert (
                f"CMD {str(shlex.split(command)).replace(chr(39), chr(34))}"
                in (DEPLOY / "Dockerfile").read_text()
            )
        else:
            assert services[name]["command"] == without_defaults(command), name


def test_every_lane_has_its_worker_once() -> None:
    served = [lane for line in procfile().values() for lane in lanes(without_defaults(line))]

    assert sorted(served) == sorted(broker.LANES)


def test_nothing_but_the_web_is_reachable_and_that_from_this_machine_only() -> None:
    published = {n: s["ports"] for n, s in compose()["services"].items() if "ports" in s}

    assert published == {"web": ["127.0.0.1:8000:8000"]}


def test_processes_wait_for_the_release_and_end_in_their_own_time() -> None:
    services = compose()["services"]

    for name in procfile():
        if name == "release":
            assert services[name]["restart"] == "no"
            continue
        needs = services[name]["depends_on"]
        assert needs["release"] == {"condition": "service_completed_successfully"}, name
        grace = int(services[name]["stop_grace_period"].removesuffix("s"))
        assert grace > broker.settings("amqp://", Path())["worker_soft_shutdown_timeout"], name


def test_containers_take_their_passwords_from_the_environment_file() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    used = set(re.findall(r"\$\{(\w+)", text))

    assert used == {"POSTGRES_PASSWORD", "RABBITMQ_PASSWORD"}
    assert used <= set(sample())


def test_gunicorn_listens_as_the_sample_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BIND", "WEB_CONCURRENCY", "WEB_THREADS"):
        monkeypatch.delenv(name, raising=False)

    told = runpy.run_path(str(DEPLOY / "gunicorn.conf.py"))

    assert told["bind"] == sample()["BIND"]
    assert told["workers"] == int(sample()["WEB_CONCURRENCY"])
    assert told["threads"] == int(sample()["WEB_THREADS"])
    assert told["accesslog"] is None, "a webhook's path holds its token"


def test_gunicorn_accepts_its_configuration(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "--check-config"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "LOGIX_ENV_FILE": "", "LOGIX_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


# --- Environment ----------------------------------------------------------------------------------


def test_the_sample_names_everything_that_is_read() -> None:
    sources = [*(ROOT / "logix").glob("*.py"), DEPLOY / "gunicorn.conf.py"]
    read = {
        name
        for source in sources
        for name in re.findall(r"env(?:iron\.get|\.\w+)\(\s*\"([A-Z][A-Z_]+)\"", source.read_text())
    }
    concurrency = set(re.findall(r"\$\{(\w+):-", (DEPLOY / "Procfile").read_text()))
    passwords = {"POSTGRES_PASSWORD", "RABBITMQ_PASSWORD"}
    # One a platform, read by their beginning; one of each kind stands for all.
    apps = {n for n in sample() if n.startswith(("LOGIX_OAUTH_", "LOGIX_APPLICATION_"))}

    assert "LOGIX_KEYS" in read
    assert apps
    assert set(sample()) - apps == (read | concurrency | passwords) - _NOT_IN_SAMPLE - {
        "DJANGO_SETTINGS_MODULE"
    }


def test_the_sample_as_it_stands_does_not_start(tmp_path: Path) -> None:
    text = (DEPLOY / "env.sample").read_text()
    (tmp_path / ".env").write_text(text)

    done = manage("check", LOGIX_ENV_FILE=str(tmp_path / ".env"), LOGIX_DATA=str(tmp_path))

    assert done.returncode != 0
    named = re.findall(r"^  - ([A-Z_]+): ", done.stderr, re.M)
    blanks = ["DATABASE_URL", "CELERY_BROKER_URL", "SECRET_KEY", "LOGIX_KEYS", "LOGIX_PEPPER"]
    assert named == blanks


def test_a_start_that_is_refused_is_told_in_sentences_and_not_as_a_traceback(
    tmp_path: Path,
) -> None:
    for command in (
        ["manage.py", "doctor"],
        ["-m", "celery", "-A", "logix", "worker", "--queues", "live"],
        ["-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "--bind", "127.0.0.1:0"],
    ):
        done = run(*command, LOGIX_ENV="production", LOGIX_DATA=str(tmp_path))

        assert done.returncode != 0
        assert "\n  - LOGIX_KEYS: the key ring" in done.stderr
        assert "Traceback" not in done.stderr, command


def manage(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run("manage.py", *command, **environment)


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    bare = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG"}}
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**bare, "LOGIX_ENV_FILE": "", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


# --- Proxy ----------------------------------------------------------------------------------------


def test_the_proxy_keeps_tokens_out_of_its_log_and_never_redirects_machines() -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    format_, machines = (
        next(line for line in text.splitlines() if line.strip().startswith(start))
        for start in ("log_format", "location /api/")
    )

    leaks = {"$request ", "$uri", "$request_uri", "$args", "$http_referer", "$http_authorization"}
    assert not [name for name in leaks if name in format_]
    assert "$request_id" in format_, "the id Logix logs, too"
    assert machines.strip() == "location /api/ { return 403; }"
    assert "location = /metrics { deny all; }" in text


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Proto", "X-Request-ID", "Host"])
def test_the_proxy_replaces_what_callers_send_under_its_names(header: str) -> None:
    text = (DEPLOY / "nginx.conf").read_text()

    assert len(re.findall(rf"proxy_set_header {header} +\$", text)) == 1
    assert "$proxy_add_x_forwarded_for" not in text


# --- Guides ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["README.md", "deploy/README.md"])
def test_every_file_of_the_kit_that_a_guide_names_is_there(page: str) -> None:
    text = (ROOT / page).read_text()
    named = set(re.findall(r"(?<![\w./])((?:deploy|requirements)/[\w.-]+\w)", text))

    assert len(named) >= 3
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_link_of_the_guide_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", GUIDE.read_text())

    assert len(links) > 5
    assert [link for link in links if not (DEPLOY / link).exists()] == []


def test_every_command_a_guide_names_exists_and_every_one_of_ours_is_told() -> None:
    known = get_commands()
    ours = {name for name, app in known.items() if app.startswith(OURS)}
    told = set(re.findall(r"manage\.py (\w+)", GUIDE.read_text()))

    assert told <= set(known)
    assert ours <= told


@pytest.mark.django_db
def test_alarms_are_set_on_metrics_that_exist(client: Client) -> None:
    text = client.get("/metrics").content.decode()
    exist = set(re.findall(r"^# TYPE (logix_\w+)", text, re.M))
    watched = set(re.findall(r"\b(logix_[a-z_]+)\b", GUIDE.read_text()))

    assert watched <= exist
    assert exist <= watched, "the guide tells what each is good for"


def test_the_events_a_guide_explains_are_logged() -> None:
    code = "\n".join(
        file.read_text()
        for package in ("logix", "integrations", "webhooks")
        for file in (ROOT / package).rglob("*.py")
    )
    table = GUIDE.read_text().partition("| event | means |")[2].partition("\n\n")[0]
    events = [
        e
        for row in re.findall(r"^\| (`[^|]+) \|", table, re.M)
        for e in re.findall(r"`(\w+)`", row)
    ]

    assert len(events) > 5
    assert [event for event in events if f'"{event}"' not in code] == []


def test_the_readme_shows_the_same_workers() -> None:
    text = (ROOT / "README.md").read_text()
    served = [
        lane for queues in re.findall(r"--queues ([\w,]+)", text) for lane in queues.split(",")
    ]

    assert sorted(served) == sorted(broker.LANES)
    assert "docker compose --env-file .env -f deploy/compose.yaml up --detach" in text
