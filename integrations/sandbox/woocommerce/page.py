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

from integrations.sandbox.woocommerce import placing
from integrations.sandbox.woocommerce.faults import KINDS

VERBS = ("edit", "cancel", "refund", "complete", "ship", "trash")

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882;
  --good: light-dark(#1d6b37, #5fcf85); --bad: light-dark(#b3261e, #ff8a80); }
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
time, #stock code, #faults td:nth-child(2) { white-space: nowrap } code { font-size: .9em }
.good { color: var(--good) } .bad { color: var(--bad); font-weight: 600 }
form { align-items: center; display: inline-flex; flex-wrap: wrap; gap: .4rem;
  margin: 0 .6rem .4rem 0 }
input, select, button { font: inherit; padding: .15rem .5rem } input[type=number] { width: 5.5rem }
button { cursor: pointer } .small button { font-size: .85rem; padding: 0 .4rem }
.small, .small form { flex-wrap: nowrap; margin: 0 .2rem 0 0; white-space: nowrap }
#said { position: sticky; bottom: 0; background: Canvas; padding: .3rem 0 }
#said:empty { display: none }
html:not(.live) form { display: none }
"""

_SCRIPT = """
document.documentElement.classList.add('live');
const said = document.getElementById('said');
async function send(form) {
  const body = {};
  for (const field of form.querySelectorAll('[name]')) {
    if (field.value === '') continue;
    const isNumber = field.type === 'number' || 'number' in field.dataset;
    const value = isNumber ? Number(field.value) : field.value;
    body[field.name] = 'percent' in field.dataset ? value / 100 : value;
  }
  const answer = await fetch(form.dataset.to, { method: form.dataset.method || 'POST',
    headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const told = await answer.json();
  said.textContent = answer.ok ? 'Done: ' + JSON.stringify(told).slice(0, 200) : told.error;
  said.className = answer.ok ? 'good' : 'bad';
  await refresh(true);
}
async function refresh(isOrdered) {
  const answer = await fetch(location.href);
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const at = document.activeElement;
  const form = at && at.closest('form');
  for (const part of document.querySelectorAll('[data-live]')) {
    const now = fresh.getElementById(part.id);
    const isTyping = at && part.contains(at) && at.matches('input, select');
    if (now && (isOrdered || !isTyping)) part.replaceChildren(...now.childNodes);
  }
  if (form && !form.isConnected) {
    const again = document.querySelector(`form[data-to="${form.dataset.to}"] button`);
    if (again) again.focus();
  }
}
document.addEventListener('submit', (event) => {
  event.preventDefault();
  send(event.target).catch((err) => { said.textContent = String(err); said.className = 'bad'; });
});
setInterval(() => { if (!document.hidden) refresh().catch(() => {}); }, 3000);
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
    title = f"{store['title']} · sandbox"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(store['title'])}</h1><p>A simulated WooCommerce {escape(store['version'])}"
        " store. Nothing here is real; break what you like.</p>"
        "<noscript><p>Without JavaScript this page can be read; the buttons need it. The same can"
        " be done with the JSON API under <code>api/</code>.</p></noscript>"
        f'<div class="pair">{_facts(store)}{_part("Webhooks", "webhooks", _webhooks(facts))}</div>'
        f"<section><h2>Play</h2>{_play(facts)}</section>"
        f"{_part('Last orders', 'orders', _orders(facts['orders']), facts['counts']['orders'])}"
        f'<div class="pair">{_part("Stock", "stock", _stock(facts["stock"]))}'
        f"{_part('Trouble', 'faults', _faults(facts['faults']))}</div>"
        f"{_part('Requests', 'requests', _requests(facts['requests']))}"
        f'<p id="said" role="status"></p><script>{_SCRIPT}</script></body></html>'
    )


def _part(title: str, name: str, body: str, count: int | None = None) -> str:
    many = "" if count is None else f" <small>of {count}</small>"
    return f'<section id="{name}" data-live><h2>{escape(title)}{many}</h2>{body}</section>'


def _facts(store: dict[str, Any]) -> str:
    rows = (
        ("Address", store["url"]),
        ("Consumer key", store["consumer_key"]),
        ("Consumer secret", store["consumer_secret"]),
        ("Currency", store["currency"]),
        ("Time zone", store["timezone"]),
        ("Plugins", ", ".join(store["plugins"]) or "none"),
    )
    listed = "".join(
        f"<dt>{name}</dt><dd><code>{escape(value)}</code></dd>" for name, value in rows
    )
    return f"<section><h2>The store</h2><dl>{listed}</dl></section>"


def _webhooks(facts: dict[str, Any]) -> str:
    sent = facts["deliveries"]
    rows = [
        (
            _number(hook["id"]),
            escape(hook["topic"]),
            _state(hook["status"], hook["status"] == "active"),
            _number(hook["failures"]),
            escape(hook["host"]) + (" (not greeted yet)" if hook["is_pending"] else ""),
        )
        for hook in facts["webhooks"]
    ]
    last = [
        (
            _time(row["at"]),
            escape(f"{row['topic']} {row['resource_id']}"),
            _answered(row["status"], row["fault"]),
        )
        for row in sent["last"][:8]
    ]
    return (
        _table(("ID", "Topic", "State", "Failures", "Sent to"), rows, "Nobody has subscribed yet.")
        + f"<p>{sent['waiting']} waiting, {sent['overflowed']} lost because the queue was full.</p>"
        + _table(("At (UTC)", "Sent", "Answer"), last, "Nothing was sent yet.")
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
        '<form data-to="api/traffic" data-method="PUT"><label>Things happening a minute <input'
        f' type="number" name="per_minute" value="{pace}" min="0" max="6000" step="any"></label>'
        "<button>Set</button></form>"
    )


def _orders(orders: list[dict[str, Any]]) -> str:
    rows = [
        (
            f"<code>{escape(order['number'])}</code>",
            escape(order["customer"]),
            escape(order["status"]),
            _number(order["lines"]),
            _number(order["total"]),
            f"<time>{escape(str(order['modified_gmt']).replace('T', ' '))}</time>",
            _verbs(order["id"]),
        )
        for order in orders
    ]
    heads = ("Order", "Customer", "Status", "Lines", "Total", "Changed (UTC)", "")
    return _table(heads, rows, "There are no orders.")


def _verbs(order_id: int) -> str:
    return '<span class="small">' + "".join(
        f'<form data-to="api/orders/{order_id}/{verb}"><button>{verb}</button></form>'
        for verb in VERBS
    ) + "</span>"  # fmt: skip


def _stock(stock: list[dict[str, Any]]) -> str:
    rows = [
        (
            f"<code>{escape(row['sku'] or '–')}</code>",
            escape(row["name"]),
            _number(row["quantity"]),
            f'<form class="small" data-to="api/stock"><input type="hidden" data-number'
            f' name="product_id" value="{row["id"]}"><input type="number" name="quantity"'
            ' aria-label="New stock"><button>Set</button></form>',
        )
        for row in stock
    ]
    return _table(("SKU", "Product", "Stock", ""), rows, "Nothing is counted here.")


def _faults(faults: list[dict[str, Any]]) -> str:
    on = {row["kind"]: row for row in faults}
    rows = []
    for name, kind in KINDS.items():
        switch = on.get(name)
        rows.append(
            (
                f"<code>{name}</code><br><small>{escape(kind.about)}</small>",
                _switched(switch),
                _switch_off(name) if switch else _switch_on(name, kind.seconds),
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


def _switch_off(name: str) -> str:
    return (
        f'<form class="small" data-to="api/faults/{name}" data-method="DELETE">'
        "<button>off</button></form>"
    )


def _requests(requests: list[dict[str, Any]]) -> str:
    rows = [
        (
            _time(row["at"]),
            escape(row["method"]),
            f"<code>{escape(row['path'])}</code><br><small>{escape(row['query'][:160])}</small>",
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


def _number(value: object) -> str:
    return f'<td class="n">{escape(str(value))}</td>'


def _state(word: str, is_good: bool) -> str:
    return f'<span class="{"good" if is_good else "bad"}">{escape(word)}</span>'


def _answered(status: int, fault: str) -> str:
    shown = _state(str(status or "none"), 200 <= status < 400)
    return f"{shown} <small>{escape(fault)}</small>" if fault else shown


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"
