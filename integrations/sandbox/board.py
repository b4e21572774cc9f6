"""The pieces of a control page: one HTML document that needs nothing from elsewhere and reads
without scripts; a few lines of JavaScript send its buttons as JSON and keep it fresh. It knows no
platform.

A form with ``data-to`` is sent there, a part with ``data-live`` is renewed every few seconds.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from integrations.sandbox.faults import Kind

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882;
  --good: light-dark(#1d6b37, #5fcf85); --bad: light-dark(#b3261e, #ff8a80) }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 76rem; padding: 1.25rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 0 0 .5rem }
section { border: 1px solid var(--line); border-radius: .6rem; margin-top: 1rem; padding: 1rem;
  overflow-x: auto }
.pair { display: grid; gap: 0 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)) }
dl { display: grid; gap: .15rem 1rem; grid-template-columns: max-content 1fr; margin: 0 }
dt { opacity: .7 } dd { margin: 0; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid var(--soft); padding: .3rem .5rem; text-align: left;
  vertical-align: top }
th { font-weight: 600; white-space: nowrap } td.n { text-align: right }
.good { color: var(--good) } .bad { color: var(--bad); font-weight: 600 }
form { align-items: center; display: inline-flex; flex-wrap: wrap; gap: .4rem;
  margin: 0 .6rem .4rem 0 }
input, select, button { font: inherit; padding: .15rem .5rem } input[type=number] { width: 5.5rem }
button { cursor: pointer } .small button { font-size: .85rem; padding: 0 .4rem }
.small, .small form { flex-wrap: nowrap; margin: 0 .2rem 0 0; white-space: nowrap }
time, #stock code, #faults td:nth-child(2) { white-space: nowrap } code { font-size: .9em }
#said { position: sticky; bottom: 0; background: Canvas; padding: .3rem 0 }
#said:empty { display: none }
html:not(.live) form { display: none }
"""

_SCRIPT = """
document.documentElement.classList.add('live');
const said = document.getElementById('said');
function tell(text, isGood) { said.textContent = text; said.className = isGood ? 'good' : 'bad'; }
function value(field) {
  if (!('number' in field.dataset) && field.type !== 'number') return field.value;
  return Number(field.value) / ('percent' in field.dataset ? 100 : 1);
}
async function send(form) {
  const filled = [...form.querySelectorAll('[name]')].filter((field) => field.value !== '');
  const body = Object.fromEntries(filled.map((field) => [field.name, value(field)]));
  const answer = await fetch(form.dataset.to, { method: form.dataset.method || 'POST',
    headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const told = await answer.json();
  tell(answer.ok ? 'Done: ' + JSON.stringify(told).slice(0, 200) : told.error, answer.ok);
  await refresh(true);
}
async function refresh(isForced) {
  const answer = await fetch(location.href);
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const form = document.activeElement && document.activeElement.closest('form');
  for (const part of document.querySelectorAll('[data-live]')) {
    const isTyping = part.querySelector('input:focus, select:focus');
    const now = fresh.getElementById(part.id);
    if (now && (isForced || !isTyping)) part.replaceChildren(...now.childNodes);
  }
  if (form && !form.isConnected) {
    const again = document.querySelector(`form[data-to="${form.dataset.to}"] button`);
    if (again) again.focus();
  }
}
document.addEventListener('submit', (event) => {
  event.preventDefault();
  send(event.target).catch((err) => tell(String(err), false));
});
setInterval(() => { if (!document.hidden) refresh(false).catch(() => {}); }, 3000);
"""


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


POLICY = (
    f"default-src 'none'; script-src 'sha256-{_digest(_SCRIPT)}'; style-src"
    f" 'sha256-{_digest(_STYLE)}'; connect-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
"""The page's Content-Security-Policy."""


def page(title: str, about: str, parts: Iterable[str]) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · sandbox</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1><p>{escape(about)}</p>"
        "<noscript><p>Without JavaScript this page can be read; the buttons need it. The same can"
        " be done with the JSON API under <code>api/</code>.</p></noscript>"
        f'{"".join(parts)}<p id="said" role="status"></p><script>{_SCRIPT}</script></body></html>'
    )


def part(title: str, name: str, body: str, count: int | None = None) -> str:
    many = "" if count is None else f" <small>of {count}</small>"
    return f'<section id="{name}" data-live><h2>{escape(title)}{many}</h2>{body}</section>'


def pair(*parts: str) -> str:
    """Beside each other where there is room."""
    return f'<div class="pair">{"".join(parts)}</div>'


def facts(rows: Iterable[tuple[str, str]]) -> str:
    listed = "".join(
        f"<dt>{escape(name)}</dt><dd><code>{escape(value)}</code></dd>" for name, value in rows
    )
    return f"<dl>{listed}</dl>"


def table(heads: Iterable[str], rows: Sequence[tuple[str, ...]], empty: str) -> str:
    """Cells are HTML."""
    if not rows:
        return f"<p>{escape(empty)}</p>"
    head = "".join(f"<th>{name}</th>" for name in heads)
    body = "".join(
        "<tr>"
        + "".join(cell if cell.startswith("<td") else f"<td>{cell}</td>" for cell in row)
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def faults(kinds: Mapping[str, Kind], on: Iterable[dict[str, Any]]) -> str:
    """The switches; ``on`` are those of ``Faults.document``."""
    by_kind = {row["kind"]: row for row in on}
    rows = []
    for name, kind in kinds.items():
        switch = by_kind.get(name)
        rows.append(
            (
                f"<code>{name}</code><br><small>{escape(kind.about)}</small>",
                _switched(switch),
                button(f"api/faults/{name}", "off", "DELETE")
                if switch
                else _switch_on(name, kind.seconds),
            )
        )
    return table(("Fault", "Now", ""), rows, "")


def _switched(switch: dict[str, Any] | None) -> str:
    if switch is None:
        return "off"
    left = "" if switch["count"] is None else f", {switch['count']} more times"
    return (
        f'<span class="bad">{switch["rate"]:.0%}{left}</span>'
        f"<br><small>struck {switch['struck']} times</small>"
    )


def _switch_on(name: str, seconds: float | None) -> str:
    waits = ""
    if seconds is not None:
        waits = (
            f'<label><input type="number" name="seconds" value="{seconds:g}" min="0" step="any">s'
            "</label>"
        )
    return (
        '<form class="small" data-to="api/faults" data-method="PUT">'
        f'<input type="hidden" name="kind" value="{name}"><label><input type="number" name="rate"'
        f' value="100" min="0" max="100" data-percent>%</label>{waits}<button>on</button></form>'
    )


def requests(rows: Iterable[dict[str, Any]]) -> str:
    """The log of a site, newest first."""
    shown = [
        (
            time(row["at"]),
            escape(row["method"]),
            f"<code>{escape(row['path'])}</code> {escape(row.get('asked') or row['query'][:160])}",
            answered(row["status"], ", ".join(row["faults"])),
            number(f"{row['took_ms']:.0f} ms"),
        )
        for row in rows
    ]
    return table(("At (UTC)", "", "Asked for", "Answer", "Took"), shown, "Nobody has asked yet.")


def button(to: str, word: str, method: str = "POST") -> str:
    return (
        f'<span class="small"><form data-to="{escape(to)}" data-method="{method}"><button>'
        f"{escape(word)}</button></form></span>"
    )


def number(value: object) -> str:
    return f'<td class="n">{escape(str(value))}</td>'


def state(word: str, is_good: bool) -> str:
    return f'<span class="{"good" if is_good else "bad"}">{escape(word)}</span>'


def answered(status: int, fault: str) -> str:
    shown = state(str(status or "none"), 200 <= status < 400)
    return f"{shown} <small>{escape(fault)}</small>" if fault else shown


def time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"
