// node-redis against a running server: `node_redis.mjs CHECK..`, with PORT in the environment, and TLS_PORT and FILES for
// `encrypted`. It goes through everything under RESP2 and RESP3; the first thing that is not as it should be ends it with an error.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// The packages lie where PACKAGES says, and not above this file.
const { createClient, createClientPool, WatchError } = createRequire(`${process.env.PACKAGES}/`)("redis");
const port = Number(process.env.PORT);

async function connect(RESP, options = {}) {
  const client = createClient({ socket: { port, reconnectStrategy: false }, RESP, name: "checks", ...options });
  client.on("error", () => {}); // the calls fail as well, and tell more
  return client.connect();
}

async function untilBlocked(r) {
  while (!/blocked_clients:1/.test(await r.info("clients")));
}

async function handshake(r, RESP) {
  const own = await r.clientInfo();
  assert.equal(own.name, "checks");
  assert.equal(own.resp, RESP);
  assert.match(own.libName, /^node-redis/);
}

async function pipelines(r) {
  const calls = Array.from({ length: 5_000 }, (_, i) => r.set(`k${i}`, i.toString()));
  assert.ok((await Promise.all(calls)).every((reply) => reply === "OK"));
  await assert.rejects(r.multi().get("k7").lPush("k7", "x").incr("k7").execAsPipeline(), /WRONGTYPE/);
  assert.equal(await r.get("k7"), "8");
}

async function data(r) {
  await r.hSet("h", { a: "1", b: "x" });
  assert.deepEqual({ ...(await r.hGetAll("h")) }, { a: "1", b: "x" });
  await r.zAdd("z", [{ score: 1, value: "a" }, { score: 2.5, value: "b" }, { score: Infinity, value: "c" }]);
  const pairs = await r.zRangeWithScores("z", 0, -1);
  assert.deepEqual(pairs.map(({ score, value }) => [score, value]), [[1, "a"], [2.5, "b"], [Infinity, "c"]]);
  assert.equal(await r.zScore("z", "b"), 2.5);
  await r.sAdd("t", ["a", "b"]);
  assert.deepEqual([...(await r.sMembers("t"))].sort(), ["a", "b"]);
  const keys = [];
  for await (const some of r.scanIterator({ COUNT: 2 })) keys.push(...some);
  assert.deepEqual(keys.sort(), ["h", "t", "z"]);
  assert.deepEqual(await r.hExpire("h", "a", 60), [1]);
}

async function transactions(r) {
  assert.deepEqual(await r.multi().set("a", "1").incr("a").exec(), ["OK", 2]);
  await r.set("counter", "0");
  const pool = await createClientPool({ socket: { port } }, { maximum: 8 }).connect();
  const increase = () =>
    pool.execute(async (own) => {
      for (let done = 0; done < 25; ) {
        await own.watch("counter");
        const value = Number(await own.get("counter"));
        try {
          await own.multi().set("counter", String(value + 1)).exec();
          done++;
        } catch (trouble) {
          assert.ok(trouble instanceof WatchError, String(trouble));
        }
      }
    });
  await Promise.all(Array.from({ length: 8 }, increase));
  assert.equal(await r.get("counter"), "200");
  pool.destroy();
}

async function messages(r, RESP) {
  const subscriber = await connect(RESP);
  const heard = (how, ...args) =>
    new Promise((resolve, reject) => how.call(subscriber, ...args, (...message) => resolve(message)).catch(reject));
  const all = Promise.all([
    heard(subscriber.subscribe, "news"),
    heard(subscriber.pSubscribe, "n*"),
    heard(subscriber.sSubscribe, "shard"),
  ]);
  while ((await r.pubSubNumSub("news")).news !== 1 || (await r.pubSubShardNumSub("shard")).shard !== 1);
  assert.equal(await r.publish("news", "hello"), 2);
  assert.equal(await r.sPublish("shard", "s"), 1);
  assert.deepEqual(await all, [["hello", "news"], ["hello", "news"], ["s", "shard"]]);
  if (RESP === 3) assert.equal(await subscriber.get("none"), null, "RESP3 subscribers call as ever");
  await subscriber.unsubscribe("news");
  assert.equal(await r.publish("news", "x"), 1);
  subscriber.destroy();
}

async function blocking(r, RESP) {
  const own = await connect(RESP);
  const popped = own.blPop(["none", "list"], 20);
  await untilBlocked(r);
  await r.rPush("list", "late");
  assert.deepEqual({ ...(await popped) }, { key: "list", element: "late" });
  const least = own.bzPopMin("z", 20);
  await untilBlocked(r);
  await r.zAdd("z", { score: 1.5, value: "m" });
  assert.deepEqual({ ...(await least) }, { key: "z", value: "m", score: 1.5 });
  own.destroy();
}

async function streams(r, RESP) {
  const ids = [];
  for (let i = 0; i < 5; i++) ids.push(await r.xAdd("stream", "*", { n: String(i) }));
  await r.xGroupCreate("stream", "g", "0");
  const own = await connect(RESP);
  const read = async () => {
    const reply = await own.xReadGroup("g", "anna", { key: "stream", id: ">" }, { BLOCK: 20_000 });
    if (RESP === 3) return reply.stream.map(([id, [, n]]) => [id, n]); // the map as it came
    assert.equal(reply[0].name, "stream");
    return reply[0].messages.map(({ id, message }) => [id, message.n]);
  };
  assert.deepEqual(await read(), ids.map((id, i) => [id, String(i)]));
  assert.equal(await r.xAck("stream", "g", ids.slice(1)), 4);
  const pending = await r.xPending("stream", "g");
  assert.equal(pending.pending, 1);
  assert.equal(pending.firstId, ids[0]);
  const next = read();
  await untilBlocked(r);
  const late = await r.xAdd("stream", "*", { n: "late" });
  assert.deepEqual(await next, [[late, "late"]]);
  own.destroy();
}

async function caching(r, RESP) {
  if (RESP !== 3) return; // node-redis keeps a cache under RESP3 only
  const cached = await connect(3, { clientSideCache: { ttl: 0, maxEntries: 100, evictPolicy: "LRU" } });
  const calls = async () => Number(/cmdstat_get:calls=(\d+)/.exec(await r.info("commandstats"))[1]);
  await r.set("k", "1");
  assert.equal(await cached.get("k"), "1");
  const before = await calls();
  for (let i = 0; i < 50; i++) assert.equal(await cached.get("k"), "1");
  assert.equal(await calls(), before, "the cache answers");
  await r.set("k", "2");
  await cached.ping(); // the invalidation comes before this reply
  assert.equal(await cached.get("k"), "2");
  await r.flushDb();
  await cached.ping();
  assert.equal(await cached.get("k"), null);
  cached.destroy();
}

async function users(r, RESP) {
  await r.aclSetUser("writer", ["on", ">secret", "~app:*", "+set", "+hello", "+client"]);
  const writer = await connect(RESP, { username: "writer", password: "secret" });
  assert.equal(await writer.set("app:x", "v"), "OK");
  await assert.rejects(writer.set("x", "v"), /NOPERM/);
  await assert.rejects(connect(RESP, { username: "writer", password: "wrong" }), /WRONGPASS/);
  assert.deepEqual([...(await r.aclGetUser("writer")).flags], ["on", "sanitize-payload"]);
  writer.destroy();
}

async function encrypted(r, RESP) {
  const file = (name) => readFileSync(`${process.env.FILES}/${name}`);
  const tls = { tls: true, ca: file("ca.crt"), cert: file("client.crt"), key: file("client.key") };
  const own = await connect(RESP, { socket: { port: Number(process.env.TLS_PORT), reconnectStrategy: false, ...tls } });
  assert.equal(await own.set("over tls", "v".repeat(1_000_000)), "OK");
  assert.equal(await r.strLen("over tls"), 1_000_000);
  own.destroy();
}

const checks = { handshake, pipelines, data, transactions, messages, blocking, streams, caching, users, encrypted };
for (const RESP of [2, 3]) {
  const r = await connect(RESP);
  for (const name of process.argv.slice(2)) {
    console.log(`${name}, RESP${RESP}`);
    await r.flushAll();
    await checks[name](r, RESP);
  }
  r.destroy();
}
