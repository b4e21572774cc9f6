"""The control page: one HTML document that needs nothing from elsewhere. It reads without scripts;
a few lines of JavaScript send its buttons as JSON and keep it fresh.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from integrations.sandbox.shopify.orders import placing
from integrations.sandbox.shopify.orders.acts import VERBS
from integrations.sandbox.shopify.play.faults import KINDS

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882;
  --good: light-dark(#1d6b37, #5fcf85); --bad: light-dark(#b3261e, #ff8a80) }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 76rem; padding: 1.25rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 0 0 .5rem }
section { border: 1px solid var(--line); border-radius: .6rem; margin-top: 1rem; padding: 1rem;
  overflow-x: auto }
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
.small form { margin: 0 .2rem 0 0 }
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
  for (const part of document.querySelectorAll('[data-live]')) {
    const isTyping = part.querySelector('input:focus, select:focus');
    const now = fresh.getElementById(part.id);
    if (now && (isForced || !isTyping)) part.replaceChildren(...now.childNodes);
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


def rendered(facts: dict[str, Any]) -> str:
    store = facts["store"]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(store['title'])} · sandbox</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(store['title'])}</h1><p>A simulated Shopify store. Nothing here is real;"
        " break what you like.</p>"
        "<noscript><p>Without JavaScript this page can be read; the buttons need it. The same can"
        " be done with the JSON API under <code>api/</code>.</p></noscript>"
        f"{_part('The store', 'facts', _facts(store))}"
        f"{_part('The app', 'app', _app(facts['app']))}"
        f"{_part('Webhooks', 'webhooks', _webhooks(facts))}"
        f"<section><h2>Play</h2>{_play(facts)}</section>"
        f"{_part('Last orders', 'orders', _orders(facts['orders']), facts['counts']['orders'])}"
        f"{_part('Stock', 'stock', _stock(facts['stock']))}"
        f"{_part('Locations', 'locations', _locations(facts['locations']))}"
        f"{_part('Trouble', 'faults', _faults(facts['faults']))}"
        f"{_part('Requests', 'requests', _requests(facts['requests']))}"
        f'<p id="said" role="status"></p><script>{_SCRIPT}</script></body></html>'
    )


def _part(title: str, name: str, body: str, count: int | None = None) -> str:
    many = "" if count is None else f" <small>of {count}</small>"
    return f'<section id="{name}" data-live><h2>{escape(title)}{many}</h2>{body}</section>'


def _facts(store: dict[str, Any]) -> str:
    rows = (
        ("Address", store["url"]),
        ("Shop domain", store["domain"]),
        ("Access token", store["access_token"] or "none: connect through OAuth"),
        ("Client ID", store["client_id"]),
        ("Client secret", store["client_secret"]),
        ("Currency", store["currency"]),
        ("Time zone", store["timezone"]),
        ("Plan", store["plan"]),
        ("Its clock (UTC)", store["now"]),
    )
    listed = "".join(
        f"<dt>{name}</dt><dd><code>{escape(value)}</code></dd>" for name, value in rows
    )
    return f"<dl>{listed}</dl>"


def _app(app: dict[str, Any]) -> str:
    word = "installed" if app["is_installed"] else "not installed"
    points = app["points"]
    scopes = ", ".join(app["scopes"]) or "none"
    return (
        f"<p>{escape(app['title'])} is {_state(word, app['is_installed'])}, {app['tokens']} living"
        f" tokens, {points['currentlyAvailable']} of {points['maximumAvailable']:.0f} points.</p>"
        f"<p><small>{escape(scopes)}</small></p>"
        + "".join(_button(f"api/app/{verb}", verb) for verb in ("install", "revoke", "uninstall"))
    )


def _webhooks(facts: dict[str, Any]) -> str:
    sent = facts["deliveries"]
    rows = [
        (_number(one["id"]), escape(one["topic"]), escape(one["host"]), escape(one["name"] or ""))
        for one in facts["webhooks"]
    ]
    last = [
        (
            _time(row["at"]),
            escape(f"{row['topic']} {row['number'] or ''}"),
            _number(row["attempt"]),
            _answered(row["status"], row["fault"]),
        )
        for row in sent["last"][:8]
    ]
    return (
        _table(("ID", "Topic", "Sent to", "Name"), rows, "Nobody has subscribed yet.")
        + f"<p>{sent['waiting']} waiting, {sent['overflowed']} lost because the queue was full.</p>"
        + _table(("At (UTC)", "Sent", "Attempt", "Answer"), last, "Nothing was sent yet.")
    )


def _play(facts: dict[str, Any]) -> str:
    kinds = "".join(f"<option>{escape(kind)}</option>" for kind in placing.ORDER_KINDS)
    pace = escape(str(facts["traffic"]["per_minute"]))
    return (
        '<form data-to="api/orders"><label>Place <input type="number" name="count" value="1"'
        ' min="1" max="5000"></label>'
        f'<select name="kind" aria-label="Kind of order">{kinds}</select>'
        "<button>orders</button></form>"
        '<form data-to="api/orders/touch"><label>Edit the newest <input type="number" name="count"'
        ' value="100" min="1" max="5000"></label><button>within one second</button></form>'
        '<form data-to="api/stock"><label>Stock of SKU <input name="sku" size="14"></label>'
        '<label>is <input type="number" name="quantity" value="10"></label>'
        "<button>Set</button></form>"
        '<form data-to="api/clock"><label>Move the clock on by <input type="number" name="seconds"'
        ' value="3600" min="0"> seconds</label><button>Move</button></form>'
        '<form data-to="api/traffic" data-method="PUT"><label>Things happening a minute <input'
        f' type="number" name="per_minute" value="{pace}" min="0" max="6000" step="any"></label>'
        "<button>Set</button></form>"
    )


def _orders(orders: list[dict[str, Any]]) -> str:
    rows = [
        (
            f"<code>{escape(str(order['name']))}</code>",
            escape(str(order["customer"])),
            escape(f"{order['financial']} · {order['fulfillment']}"),
            _number(order["lines"]),
            _number(order["total"]),
            escape(str(order["updated_at"])),
            "".join(_button(f"api/orders/{order['id']}/{verb}", verb) for verb in VERBS),
        )
        for order in orders
    ]
    heads = ("Order", "Customer", "State", "Lines", "Total", "Changed (UTC)", "")
    return _table(heads, rows, "There are no orders.")


def _stock(stock: list[dict[str, Any]]) -> str:
    rows = [
        (
            f"<code>{escape(row['sku'])}</code>",
            escape(row["title"]),
            escape(row["location"]),
            _number(row["available"]),
            _number(row["committed"]),
            f'<form class="small" data-to="api/stock"><input type="hidden" name="sku"'
            f' value="{escape(row["sku"])}"><input type="hidden" data-number name="location_id"'
            f' value="{row["location_id"]}"><input type="number" name="quantity"'
            ' aria-label="New stock"><button>Set</button></form>',
        )
        for row in stock
    ]
    heads = ("SKU", "Product", "Location", "Available", "Committed", "")
    return _table(heads, rows, "Nothing is counted here.")


def _locations(places: list[dict[str, Any]]) -> str:
    rows = [
        (
            escape(place["name"]),
            _state("active" if place["is_active"] else "deactivated", place["is_active"]),
            _button(
                f"api/locations/{place['id']}/{'deactivate' if place['is_active'] else 'activate'}",
                "deactivate" if place["is_active"] else "activate",
            ),
        )
        for place in places
    ]
    return _table(("Location", "State", ""), rows, "There are no locations.")


def _faults(faults: list[dict[str, Any]]) -> str:
    on = {row["kind"]: row for row in faults}
    rows = []
    for name, kind in KINDS.items():
        switch = on.get(name)
        off = _button(f"api/faults/{name}", "off", "DELETE")
        rows.append(
            (
                f"<code>{name}</code><br><small>{escape(kind.about)}</small>",
                _switched(switch),
                off if switch else _switch_on(name, kind.seconds),
            )
        )
    return _table(("Fault", "Now", ""), rows, "")


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


def _requests(requests: list[dict[str, Any]]) -> str:
    rows = [
        (
            _time(row["at"]),
            escape(row["method"]),
            f"<code>{escape(row['path'])}</code> {escape(row['asked'] or row['query'][:160])}",
            _answered(row["status"], ", ".join(row["faults"])),
            _number(f"{row['took_ms']:.0f} ms"),
        )
        for row in requests
    ]
    return _table(("At (UTC)", "", "Asked for", "Answer", "Took"), rows, "Nobody has asked yet.")


def _table(heads: Iterable[str], rows: Sequence[tuple[str, ...]], empty: str) -> str:
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


def _button(to: str, word: str, method: str = "POST") -> str:
    return (
        f'<span class="small"><form data-to="{to}" data-method="{method}"><button>{escape(word)}'
        "</button></form></span>"
    )


def _number(value: object) -> str:
    return f'<td class="n">{escape(str(value))}</td>'


def _state(word: str, is_good: bool) -> str:
    return f'<span class="{"good" if is_good else "bad"}">{escape(word)}</span>'


def _answered(status: int, fault: str) -> str:
    shown = _state(str(status or "none"), 200 <= status < 400)
    return f"{shown} <small>{escape(fault)}</small>" if fault else shown


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"
