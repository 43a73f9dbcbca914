// ioredis against a running server: `ioredis.mjs CHECK..`, with PORT in the environment, and TLS_PORT and FILES for `encrypted`.
// The first thing that is not as it should be ends it with an error.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// The packages lie where PACKAGES says, and not above this file.
const { Redis } = createRequire(`${process.env.PACKAGES}/`)("ioredis");
const port = Number(process.env.PORT);
const r = new Redis({ port, connectionName: "checks" });

async function handshake() {
  assert.equal(await r.ping(), "PONG");
  assert.match(await r.client("LIST"), /name=checks /);
  assert.match(await r.info("server"), /redis_mode:standalone/);
}

async function pipelines() {
  const pipeline = r.pipeline();
  for (let i = 0; i < 10_000; i++) pipeline.set(`k${i}`, i).incr(`k${i}`);
  const replies = await pipeline.exec();
  assert.equal(replies.length, 20_000);
  replies.forEach(([error, reply], i) => assert.deepEqual([error, reply], [null, i % 2 ? (i + 1) / 2 : "OK"]));
  const auto = new Redis({ port, enableAutoPipelining: true });
  const values = await Promise.all(Array.from({ length: 1_000 }, (_, i) => auto.get(`k${i}`)));
  assert.deepEqual(values, Array.from({ length: 1_000 }, (_, i) => String(i + 1)));
  const [[error], [, reply]] = await r.pipeline().lpush("k1", "x").get("k1").exec();
  assert.match(error.message, /^WRONGTYPE/);
  assert.equal(reply, "2");
  const value = Buffer.alloc(3_000_000, "abcdefg");
  await r.set("large", value);
  assert.ok(value.equals(await r.getBuffer("large")));
  auto.disconnect();
}

async function data() {
  assert.equal(await r.set("s", "v", "EX", 60, "NX"), "OK");
  assert.equal(await r.set("s", "w", "NX"), null);
  await r.hset("h", { a: 1, b: "x" });
  assert.deepEqual(await r.hgetall("h"), { a: "1", b: "x" });
  await r.zadd("z", 1, "a", 2.5, "b");
  assert.deepEqual(await r.zrange("z", 0, -1, "WITHSCORES"), ["a", "1", "b", "2.5"]);
  await r.sadd("t", ...Array.from({ length: 500 }, (_, i) => `m${i}`));
  const found = new Set();
  for await (const members of r.sscanStream("t", { count: 50 })) members.forEach((m) => found.add(m));
  assert.equal(found.size, 500);
  await assert.rejects(r.incr("h"), /^ReplyError: WRONGTYPE/);
}

async function transactions() {
  assert.deepEqual(await r.multi().set("a", 1).incr("a").exec(), [[null, "OK"], [null, 2]]);
  await assert.rejects(r.multi().set("a").exec(), /EXECABORT/);
  await r.set("counter", 0);
  const increase = async () => {
    const own = r.duplicate();
    for (let done = 0; done < 25; ) {
      await own.watch("counter");
      const value = Number(await own.get("counter"));
      if (await own.multi().set("counter", value + 1).exec()) done++;
    }
    own.disconnect();
  };
  await Promise.all(Array.from({ length: 8 }, increase));
  assert.equal(await r.get("counter"), "200");
}

async function messages() {
  const subscriber = r.duplicate();
  assert.equal(await subscriber.subscribe("news", "other"), 2);
  assert.equal(await subscriber.psubscribe("n*"), 3);
  const both = Promise.all([once(subscriber, "message"), once(subscriber, "pmessage")]);
  assert.equal(await r.publish("news", "hello"), 2);
  assert.deepEqual(await both, [["news", "hello"], ["n*", "news", "hello"]]);
  assert.deepEqual(await subscriber.ping("x"), ["pong", "x"]);
  await assert.rejects(subscriber.get("s"), /subscriber mode/);
  const shard = once(subscriber, "smessage");
  await subscriber.ssubscribe("shard");
  assert.equal(await r.spublish("shard", "s"), 1);
  assert.deepEqual(await shard, ["shard", "s"]);
  // A lost connection is made anew, with its subscriptions.
  const again = once(subscriber, "ready");
  await r.client("KILL", "TYPE", "pubsub");
  await again;
  while ((await r.pubsub("NUMPAT")) === 0 || (await r.pubsub("NUMSUB", "news"))[1] === 0);
  const message = once(subscriber, "message");
  await r.publish("news", "after");
  assert.deepEqual(await message, ["news", "after"]);
  subscriber.disconnect();
}

async function blocking() {
  const own = r.duplicate();
  const popped = own.blpop("none", "list", 20);
  while (!/blocked_clients:1/.test(await r.info("clients")));
  await r.rpush("list", "late");
  assert.deepEqual(await popped, ["list", "late"]);
  assert.equal(await own.brpop("none", 0.02), null);
  own.disconnect();
}

async function streams() {
  const ids = [];
  for (let i = 0; i < 5; i++) ids.push(await r.xadd("stream", "*", "n", i));
  assert.equal(await r.xgroup("CREATE", "stream", "g", "0"), "OK");
  const own = r.duplicate();
  const read = () => own.xreadgroup("GROUP", "g", "anna", "COUNT", 10, "BLOCK", 20_000, "STREAMS", "stream", ">");
  assert.deepEqual(await read(), [["stream", ids.map((id, i) => [id, ["n", String(i)]])]]);
  assert.equal(await r.xack("stream", "g", ...ids.slice(1)), 4);
  assert.deepEqual(await r.xpending("stream", "g"), [1, ids[0], ids[0], [["anna", "1"]]]);
  const next = read();
  while (!/blocked_clients:1/.test(await r.info("clients")));
  const late = await r.xadd("stream", "*", "n", "late");
  assert.deepEqual(await next, [["stream", [[late, ["n", "late"]]]]]);
  own.disconnect();
}

async function users() {
  await r.call("ACL", "SETUSER", "writer", "on", ">secret", "~app:*", "+set", "+get", "+info", "+client");
  const writer = new Redis({ port, username: "writer", password: "secret" });
  assert.equal(await writer.set("app:x", "v"), "OK");
  await assert.rejects(writer.set("x", "v"), /NOPERM No permissions to access a key/);
  await assert.rejects(writer.del("app:x"), /NOPERM .*'del'/);
  const wrong = new Redis({ port, username: "writer", password: "wrong", retryStrategy: null, maxRetriesPerRequest: 0 });
  const [error] = await once(wrong, "error");
  assert.match(error.message, /WRONGPASS/);
  [writer, wrong].forEach((client) => client.disconnect());
}

async function encrypted() {
  const file = (name) => readFileSync(`${process.env.FILES}/${name}`);
  const tls = { ca: file("ca.crt"), cert: file("client.crt"), key: file("client.key") };
  const own = new Redis({ port: Number(process.env.TLS_PORT), tls });
  assert.equal(await own.set("over tls", "v".repeat(1_000_000)), "OK");
  assert.equal(await r.strlen("over tls"), 1_000_000);
  own.disconnect();
}

const checks = { handshake, pipelines, data, transactions, messages, blocking, streams, users, encrypted };
for (const name of process.argv.slice(2)) {
  console.log(name);
  await r.flushall();
  await checks[name]();
}
r.disconnect();
