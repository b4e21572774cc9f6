// A small client of Logix for Node.js 20 or later, without dependencies.
//
// LOGIX_URL=http://127.0.0.1:8000 LOGIX_TOKEN=lgx_… node js_woocommerce.js COMMAND
//
// connect STORE_URL CONSUMER_KEY CONSUMER_SECRET    connect a WooCommerce store
// sync STORE_ID [ORDER_NUMBER]                      read its news, or one order, now
// orders                                            list what is to be shipped
// ship ORDER_ID CARRIER TRACKING_NUMBER             ship all that is left of an order
// count SKU QUANTITY REASON                         say how much there is
"use strict";

const { randomUUID } = require("node:crypto");
const { setTimeout: sleep } = require("node:timers/promises");

const TRIES = 4;
const TIMEOUT_MS = 30_000;
const TRY_AGAIN = new Set([429, 502, 503]);

/** Logix refused. Decide by `code`; the message is for people. */
class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? `HTTP ${status}`);
    this.status = status;
    this.code = problem.code ?? "";
  }
}

class Logix {
  constructor(url, token) {
    this.api = `${url.replace(/\/+$/, "")}/api/v1`;
    this.token = token;
  }

  get(path) {
    return this.#send("GET", path);
  }

  /**
   * `key` names what is done, e.g. your parcel's number: whoever sends it again, even after a crash,
   * does it only once. Without one, repetitions of this call share a fresh key.
   */
  post(path, body = {}, key = randomUUID()) {
    return this.#send("POST", path, body, key);
  }

  /** All rows of a list, a page at a time. */
  async *every(path, filters = {}) {
    let address = `${path}?${new URLSearchParams({ page_size: "200", ...filters })}`;
    while (address) {
      const page = await this.get(address);
      yield* page.results;
      address = page.next;
    }
  }

  async #send(method, path, body, key) {
    const headers = { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" };
    if (key) headers["Idempotency-Key"] = key;
    // `next` of a page is a whole address already.
    const address = path.startsWith(this.api) ? path : `${this.api}${path}`;
    for (let attempt = 1; ; attempt += 1) {
      let waitS = attempt;
      try {
        const answer = await fetch(address, {
          method,
          headers,
          body: body && JSON.stringify(body),
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        const text = await answer.text();
        if (answer.ok) return text ? JSON.parse(text) : null;
        if (!TRY_AGAIN.has(answer.status) || attempt === TRIES) {
          throw new Refused(answer.status, problemOf(text));
        }
        waitS = Number(answer.headers.get("Retry-After")) || attempt;
      } catch (error) {
        // Whether it was done nobody knows; under the same key it is safe to ask again.
        if (error instanceof Refused || attempt === TRIES) throw error;
      }
      await sleep(waitS * 1000);
    }
  }
}

function problemOf(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

const COMMANDS = {
  async connect(logix, store_url, consumer_key, consumer_secret) {
    const asked = { store_url, consumer_key, consumer_secret, auto_sync: true };
    const store = await logix.post("/woocommerce/integrations", asked);
    console.log(`${store.name} is connected: ${store.id}`);
  },

  async sync(logix, storeId, order = "") {
    const path = `/woocommerce/integrations/${storeId}/sync`;
    if (!order) {
      await logix.post(path);
      console.log("The store is being read.");
      return;
    }
    const { applied } = await logix.post(path, { order });
    console.log(`Order ${order}: ${applied.created} new, ${applied.changed} changed`);
  },

  async orders(logix) {
    const wanted = {
      order_status: "open",
      fulfillment_status: "unfulfilled,partially_fulfilled",
    };
    for await (const order of logix.every("/orders", wanted)) {
      console.log(`${order.id}  ${order.number}  ${order.total} ${order.currency}`);
    }
  },

  async ship(logix, orderId, carrier, tracking_number) {
    const key = `ship-${orderId}-${tracking_number}`;
    const parcel = await logix.post(`/orders/${orderId}/shipments`, { carrier, tracking_number }, key);
    const units = parcel.lines.reduce((sum, line) => sum + line.quantity, 0);
    console.log(`Parcel ${parcel.reference} with ${units} units`);
  },

  async count(logix, sku, quantity, reason) {
    const moved = await logix.post("/stock/adjust", { sku, set_to: Number(quantity), reason });
    console.log(`${sku}: ${moved.before} → ${moved.after}`);
  },
};

async function main([name, ...words]) {
  const { LOGIX_URL, LOGIX_TOKEN } = process.env;
  const command = Object.hasOwn(COMMANDS, name ?? "") ? COMMANDS[name] : undefined;
  // `length` counts the words a command cannot do without, the client among them.
  if (!command || words.length + 1 < command.length || !LOGIX_URL || !LOGIX_TOKEN) {
    console.error("Set LOGIX_URL and LOGIX_TOKEN; commands: " + Object.keys(COMMANDS).join(", "));
    return 2;
  }
  try {
    await command(new Logix(LOGIX_URL, LOGIX_TOKEN), ...words);
  } catch (error) {
    console.error(error instanceof Refused ? `${error.message} (${error.code})` : String(error));
    return 1;
  }
  return 0;
}

module.exports = { Logix, Refused };

if (require.main === module) {
  main(process.argv.slice(2)).then((code) => {
    process.exitCode = code;
  });
}
