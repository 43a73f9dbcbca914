// The page at the metrics port in a real Chromium, without a window: `dashboard.mjs CHECK..`, with PORT, PAGE (its address) and CHROMIUM
// (the program) in the environment. Pictures of it go to SHOTS, if that names a folder. The first thing that is not as it should be
// ends it with an error; so does an error in the browser's console, or a request to anywhere else.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { setTimeout as pause } from "node:timers/promises";

// The packages lie where PACKAGES says, and not above this file.
const packages = createRequire(`${process.env.PACKAGES}/`);
const { Redis } = packages("ioredis");
const { chromium } = packages("playwright-core");
const { PORT, PAGE, CHROMIUM, SHOTS } = process.env;
const PASSWORD = "open-sesame";
const SIZES = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

const r = new Redis({ port: Number(PORT), connectionName: "looked-at" });
r.on("error", () => {}); // it comes back when the server is started again
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });

/** Opens the page as a visitor would: at this size, in this scheme. */
async function open(size, colorScheme, more = {}) {
  const context = await browser.newContext({ viewport: SIZES[size], colorScheme, ...more });
  const page = await context.newPage();
  const complain = (text) => page.complaints.push(text);
  page.complaints = [];
  page.on("console", (message) => message.type() === "error" && complain(message.text()));
  page.on("pageerror", complain);
  page.on("request", (request) => request.url().startsWith(PAGE) || request.url().startsWith("data:") || complain(request.url()));
  await page.goto(PAGE);
  await page.getByText("serving").waitFor();
  return page;
}

async function close(page) {
  assert.deepEqual(page.complaints, []);
  await page.context().close();
}

const card = (page, title) => page.locator("section", { has: page.getByRole("heading", { name: title, exact: true }) });
const shot = async (page, name) => SHOTS && page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: true });

/** Some of every type, keys that are used more than others, misses, deadlines, slow calls, somebody who waits: until `stop`. */
function load() {
  let goes = true;
  const work = async () => {
    await r.config("SET", "slowlog-log-slower-than", 500, "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru");
    for (let round = 0; goes; round++) {
      const p = r.pipeline();
      for (let i = 0; i < 50; i++) {
        const n = (round * 50 + i) % 3000;
        p.set(`user:${n}`, "x".repeat(n % 300)).get("user:hot").get(`missing:${n}`).lpush(`queue:${n % 40}`, n).sadd("tags:all", n);
        p.hset(`session:${n}`, "name", `n${n}`, "at", n).zadd("scores:week", n, `p${n}`).xadd("events:log", "MAXLEN", "~", 1000, "*", "n", n);
        p.psetex(`short:${n}`, 20 + n % 100, "gone soon");
      }
      p.set("user:hot", "y".repeat(2000)).debug("SLEEP", "0.001");
      await p.exec();
      await pause(5);
    }
  };
  const waiting = new Redis({ port: Number(PORT), connectionName: "worker-that-waits" });
  const done = Promise.all([work(), waiting.blpop("never", 0).catch(() => {})]);
  return async () => {
    goes = false;
    waiting.disconnect();
    await done;
  };
}

async function charts() {
  const stop = load();
  for (const [size, scheme] of [["desktop", "light"], ["desktop", "dark"], ["phone", "light"], ["phone", "dark"]]) {
    const page = await open(size, scheme);
    // Two looks apart, something has moved in every chart that the load moves.
    for (const title of ["Calls", "Latency of calls", "Memory", "Hit ratio", "Keys that left", "Expiry lag", "Network", "Clients"]) {
      await page.waitForFunction((title) => {
        const section = [...document.querySelectorAll("section")].find((s) => s.querySelector("h2")?.textContent === title);
        const shown = [...section.querySelectorAll("polyline")].map((line) => line.getAttribute("points").trim().split(" "));
        return shown[0].filter(Boolean).length >= 2 && /[1-9]/.test(section.querySelector(".now").textContent);
      }, title);
    }
    const [calls, since] = [card(page, "Calls").locator(".now"), card(page, "Commands")];
    const before = [await calls.textContent(), await since.textContent()];
    await page.waitForFunction(([old]) => !document.body.textContent.includes(old), before);
    assert.notEqual(await since.textContent(), before[1]);
    const holds = async (title, text) => card(page, title).getByText(text).first().waitFor();
    for (const [title, text] of [["Hot keys by calls", "user:hot"], ["Hot keys by time", /:/], ["Hot keys by bytes", "user:hot"],
      ["Prefixes of keys", "session"], ["Commands", "xadd"], ["Slow calls", /debug SLEEP/i], ["Clients", "worker-that-waits"]]) {
      await holds(title, text);
    }
    const types = await card(page, "Databases").locator("tbody tr").first().locator("td").allTextContents();
    assert.equal(types.length, 10);
    types.slice(4).forEach((number) => assert.match(number, /^[1-9]/));
    const [wide, room, back] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth, getComputedStyle(document.body).backgroundColor]);
    assert.ok(wide <= room, `${size}: ${wide} pixels in ${room}`);
    const brightness = back.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
    assert.equal(brightness > 3 * 128, scheme === "light", `${scheme}: ${back}`);
    await shot(page, `${size}-${scheme}`);
    await close(page);
  }
  await stop();
}

/** What is under way has a bar while it is: a new log is being written, and after a restart read, both slowly. */
async function progress() {
  const grows = (page, name) => page.waitForFunction((name) => {
    const bar = [...document.querySelectorAll("progress")].find((bar) => bar.ariaLabel === name);
    return bar && Number(bar.value) > 0 && Number(bar.value) < 100;
  }, name);
  await r.debug("POPULATE", 20_000, "entry", 100);
  await r.config("SET", "rdb-key-save-delay", 200, "key-load-delay", 200);
  await r.config("REWRITE");
  const page = await open("desktop", "light");
  await r.bgrewriteaof();
  await grows(page, "rewrite");
  await shot(page, "rewrite");
  await r.config("SET", "rdb-key-save-delay", 0);
  await page.getByRole("progressbar").waitFor({ state: "detached" });
  assert.deepEqual(page.complaints, []);
  const last = new Redis({ port: Number(PORT), retryStrategy: null });
  await last.debug("RESTART").catch(() => {}); // the connection ends before the answer
  await grows(page, "loading");
  await shot(page, "loading");
  const early = new Redis({ port: Number(PORT), enableReadyCheck: false }); // it does not wait until all is loaded
  await early.config("SET", "key-load-delay", 0);
  early.disconnect();
  await page.getByRole("progressbar").waitFor({ state: "detached" });
  await page.getByText("serving").waitFor();
  assert.equal(await r.dbsize(), 20_000);
  // While the server was away, and only then, the page asked in vain.
  page.complaints = page.complaints.filter((text) => !/ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE)/.test(text));
  await close(page);
}

async function password() {
  await r.config("SET", "requirepass", PASSWORD);
  const context = await browser.newContext();
  const page = await context.newPage();
  // Without anybody who could be asked, the browser gives up.
  const [refused] = await Promise.all([page.waitForResponse(PAGE), page.goto(PAGE).catch(() => {})]);
  assert.equal(refused.status(), 401);
  assert.match(refused.headers()["www-authenticate"], /^Basic /);
  assert.equal(await page.getByText("Calls").count(), 0);
  await context.close();
  await close(await open("desktop", "light", { httpCredentials: { username: "default", password: PASSWORD } }));
  await r.config("SET", "requirepass", "");
}

const checks = { charts, progress, password };
for (const name of process.argv.slice(2)) {
  console.log(name);
  await r.flushall();
  await checks[name]();
}
r.disconnect();
await browser.close();
