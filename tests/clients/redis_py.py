"""redis-py against a running server: `redis_py.py CHECK..`, with PORT in the environment, and TLS_PORT and FILES for
`encrypted`.

Every check runs under RESP2 and RESP3, each time on an empty server; the first thing that is not as it should be ends the
script with a traceback.
"""

import os
import sys
import threading

import redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError, WatchError

PORT = int(os.environ["PORT"])
# No reply takes this long; whoever waits for one that never comes fails instead of hanging.
PATIENCE_S = 20


def connect(protocol, **options):
    return redis.Redis(
        port=PORT, protocol=protocol, decode_responses=True, socket_timeout=PATIENCE_S, client_name="checks", **options
    )


def in_background(work):
    """Starts `work` in a thread; what is given back waits for its result and raises what it raised."""
    outcome = []

    def run():
        try:
            outcome.append((work(), None))
        except BaseException as trouble:
            outcome.append((None, trouble))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def join():
        thread.join(PATIENCE_S)
        assert outcome, "it still waits"
        result, trouble = outcome[0]
        if trouble:
            raise trouble
        return result

    return join


def assert_raises(kind, words, work):
    try:
        result = work()
    except kind as trouble:
        assert words in str(trouble), f"{words!r} is not in {str(trouble)!r}"
    else:
        raise AssertionError(f"{kind.__name__} expected, got {result!r}")


def wait_until_blocked(r, count):
    """Waits until so many clients are blocked: no time passes between looks but that of the calls."""
    for _ in range(100_000):
        if r.info("clients")["blocked_clients"] == count:
            return
    raise AssertionError(f"never {count} blocked clients")


def check_handshake(r, protocol):
    own = r.client_info()
    assert own["name"] == "checks" and own["resp"] == str(protocol), own
    assert own["lib-name"].startswith("redis-py") and own["lib-ver"] == redis.__version__, own
    assert own["id"] == r.client_id() and r.client_getname() == "checks"
    assert any(c["id"] == str(own["id"]) for c in r.client_list())
    assert r.info("server")["redis_mode"] == "standalone" and r.ping() and r.echo("words") == "words"
    assert len(r.time()) == 2 and r.config_get("maxmemory*")["maxmemory-policy"] == "noeviction"
    assert r.command_count() == len(r.command()) and r.command_getkeys("MSET", "a", "1", "b", "2") == ["a", "b"]
    assert r.command()["get"]["arity"] == 2
    assert isinstance(r.slowlog_get(), list) and r.memory_stats()["keys.count"] == 0
    assert connect(protocol, db=3).client_info()["db"] == 3


def check_data(r, protocol):
    assert r.set("s", "v", px=60_000, nx=True) is True and r.set("s", "w", nx=True) is None
    assert r.set("s", "w", get=True, keepttl=True) == "v" and 0 < r.pttl("s") <= 60_000
    assert r.getex("s", persist=True) == "w" and r.ttl("s") == -1 and r.getdel("s") == "w" and r.get("s") is None
    assert r.incrbyfloat("f", 0.1) == 0.1 and r.mset({"a": 1, "b": 2}) and r.mget("a", "b", "none") == ["1", "2", None]
    assert r.hset("h", mapping={"a": 1, "b": "x"}) == 2 and r.hgetall("h") == {"a": "1", "b": "x"}
    assert r.hexpire("h", 60, "a", "none") == [1, -2] and r.httl("h", "a", "b")[1] == -1
    assert dict(r.hscan_iter("h")) == {"a": "1", "b": "x"} and len(r.hrandfield("h", 2, withvalues=True)) in (2, 4)
    assert r.rpush("l", *range(5)) == 5 and r.lrange("l", 1, -2) == ["1", "2", "3"] and r.lpos("l", "3") == 3
    assert r.lmpop(2, "none", "l", direction="RIGHT", count=2) == ["l", ["4", "3"]]
    assert r.sadd("t", "a", "b", "c") == 3 and r.smembers("t") == {"a", "b", "c"} and r.smismember("t", ["a", "z"]) == [1, 0]
    assert r.sadd("u", "b", "c", "d") == 3 and r.sinter("t", "u") == {"b", "c"} and r.sintercard(2, ["t", "u"]) == 2
    assert r.zadd("z", {"a": 1, "b": 2.5, "c": float("inf")}) == 3 and r.zadd("z", {"a": 3}, gt=True, ch=True) == 1
    assert r.zincrby("z", 0.5, "a") == 3.5 and r.zscore("z", "c") == float("inf") and r.zmscore("z", ["a", "no"]) == [3.5, None]
    members = [list(pair) for pair in r.zrange("z", 0, -1, withscores=True)]
    assert members == [["b", 2.5], ["a", 3.5], ["c", float("inf")]], members
    rank = r.zrank("z", "a", withscore=True)
    assert rank == [1, 3.5], rank
    assert [list(pair) for pair in r.zpopmin("z", 1)] == [["b", 2.5]]
    assert r.geoadd("g", (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania")) == 2
    near = r.geosearch("g", longitude=15, latitude=37, radius=200, unit="km", sort="ASC", withdist=True)
    assert [[name, round(float(km))] for name, km in near] == [["Catania", 56], ["Palermo", 190]], near
    assert r.pfadd("p", *range(1000)) == 1 and abs(r.pfcount("p") - 1000) < 30
    assert r.setbit("bits", 7, 1) == 0 and r.bitcount("bits") == 1
    assert r.bitfield("bits").set("u8", 8, 200).incrby("u8", 8, 100).execute() == [0, 44]
    names = {"f", "a", "b", "h", "l", "t", "u", "z", "g", "p", "bits"}
    assert set(r.scan_iter(count=3)) == names and set(r.keys()) == names and set(r.scan_iter(_type="hash")) == {"h"}
    payload = connect(protocol).execute_command("DUMP", "h", NEVER_DECODE=True)
    assert r.restore("h2", 0, payload) and r.hgetall("h2") == r.hgetall("h")
    assert r.sort("t", alpha=True, desc=True) == ["c", "b", "a"] and r.object("encoding", "h2") == "listpackex"
    assert r.copy("a", "a2") and r.unlink("a", "a2", "none") == 2 and r.exists("a") == 0 and r.type("z") == "zset"
    assert_raises(ResponseError, "WRONGTYPE", lambda: r.incr("h"))
    assert_raises(ResponseError, "unknown command", lambda: r.execute_command("NOSUCH"))


def check_pipelines(r, protocol):
    with r.pipeline(transaction=False) as p:
        for i in range(10_000):
            p.set(f"k{i}", i)
            p.incr(f"k{i}")
        replies = p.execute()
    assert replies == [x for i in range(10_000) for x in (True, i + 1)]
    value = os.urandom(3_000_000)
    raw = redis.Redis(port=PORT, protocol=protocol)
    raw.set("large", value)
    assert raw.get("large") == value and raw.getrange("large", 10, 19) == value[10:20]
    with r.pipeline(transaction=False) as p:
        replies = p.lpush("k1", 1).get("k1").execute(raise_on_error=False)
    assert isinstance(replies[0], ResponseError) and replies[1] == "2", replies


def check_transactions(r, protocol):
    with r.pipeline() as p:
        assert p.set("a", 1).incr("a").hset("h", "f", "v").hgetall("h").execute() == [True, 2, 1, {"f": "v"}]
    with r.pipeline() as p:
        p.set("s", "x").lpush("s", 1).set("t", "y")
        assert_raises(ResponseError, "Command # 2 (LPUSH s 1) of pipeline caused error: WRONGTYPE", p.execute)
    assert r.mget("s", "t") == ["x", "y"], "what stands around the failing call is done"
    with r.pipeline() as p:
        p.set("s", "z").execute_command("SET", "s")
        assert_raises(ResponseError, "wrong number of arguments", p.execute)
    assert r.get("s") == "x", "a call that cannot be queued has none of them done"

    r.set("counter", 0)

    def increase():
        own = connect(protocol)

        def step(p):
            value = int(p.get("counter"))
            p.multi()
            p.set("counter", value + 1)

        for _ in range(50):
            own.transaction(step, "counter")

    for join in [in_background(increase) for _ in range(8)]:
        join()
    assert r.get("counter") == "400", "no increase got lost"
    with r.pipeline() as p:
        p.watch("counter")
        r.set("counter", "touched")
        p.multi()
        p.set("counter", "mine")
        assert_raises(WatchError, "", p.execute)
        p.watch("counter")
        p.unwatch()
        assert r.get("counter") == "touched" and p.set("counter", "last").execute() == [True]


def check_messages(r, protocol):
    subscriber = r.pubsub()
    seen = []

    def next_message(kind):
        message = subscriber.get_message(timeout=PATIENCE_S)
        assert message and message["type"] == kind, f"{kind} expected, got {message!r}"
        return message

    subscriber.subscribe("news", handled=seen.append)
    subscriber.psubscribe("n*")
    assert {next_message("subscribe")["channel"] for _ in range(2)} == {"news", "handled"}
    assert next_message("psubscribe")["data"] == 3
    assert r.publish("news", "hello") == 2 and r.publish("none", "x") == 1 and r.publish("handled", "for the handler") == 1
    assert next_message("message") == {"type": "message", "pattern": None, "channel": "news", "data": "hello"}
    assert next_message("pmessage") == {"type": "pmessage", "pattern": "n*", "channel": "news", "data": "hello"}
    assert next_message("pmessage")["channel"] == "none"
    assert subscriber.get_message(timeout=PATIENCE_S) is None and seen[0]["data"] == "for the handler"
    assert sorted(r.pubsub_channels()) == ["handled", "news"] and r.pubsub_numpat() == 1
    assert [list(pair) for pair in r.pubsub_numsub("news", "x")] == [["news", 1], ["x", 0]]
    if protocol == 2:  # under RESP3 PING is a call as ever, which redis-py does not expect here
        subscriber.ping("are you there")
        assert next_message("pong")["data"] == "are you there"
    subscriber.unsubscribe("news")
    assert next_message("unsubscribe")["data"] == 2
    subscriber.ssubscribe("shard")
    assert next_message("ssubscribe")["data"] == 1 and r.execute_command("SPUBLISH", "shard", "s") == 1
    message = subscriber.get_sharded_message(timeout=PATIENCE_S)
    assert (message["type"], message["channel"], message["data"]) == ("smessage", "shard", "s"), message
    subscriber.close()

    r.config_set("notify-keyspace-events", "KEA")
    events = r.pubsub(ignore_subscribe_messages=True)
    events.psubscribe("__key*__:*")
    assert events.get_message(timeout=PATIENCE_S) is None
    r.set("key", "v", px=1)
    named = [events.get_message(timeout=PATIENCE_S) for _ in range(6)]
    assert [(m["channel"], m["data"]) for m in named] == [
        pair
        for event in ("set", "expire", "expired")
        for pair in ((f"__keyspace@0__:key", event), (f"__keyevent@0__:{event}", "key"))
    ], named
    events.close()
    r.config_set("notify-keyspace-events", "")


def check_blocking(r, protocol):
    waiting = in_background(lambda: connect(protocol).blpop(["l1", "l2"], timeout=PATIENCE_S))
    wait_until_blocked(r, 1)
    r.rpush("l2", "late")
    assert list(waiting()) == ["l2", "late"]
    waiting = in_background(lambda: connect(protocol).blmove("from", "to", PATIENCE_S, "RIGHT", "LEFT"))
    wait_until_blocked(r, 1)
    with r.pipeline() as p:
        p.rpush("from", "a", "b").llen("from").execute()
    assert waiting() == "b" and r.lrange("to", 0, -1) == ["b"]
    waiting = in_background(lambda: connect(protocol).bzpopmin("z", timeout=PATIENCE_S))
    wait_until_blocked(r, 1)
    r.zadd("z", {"first": 1, "second": 2})
    assert list(waiting()) == ["z", "first", 1.0]
    waiting = in_background(lambda: connect(protocol).bzmpop(PATIENCE_S, 1, ["z2"], max=True))
    wait_until_blocked(r, 1)
    r.zadd("z2", {"only": 1.5})
    assert waiting() in (["z2", [["only", "1.5"]]], ["z2", [["only", 1.5]]])
    assert connect(protocol).brpop("none", timeout=0.05) is None
    own = connect(protocol, single_connection_client=True)
    number = own.client_id()
    waiting = in_background(lambda: own.blpop("never", timeout=0))
    wait_until_blocked(r, 1)
    assert r.client_unblock(number, error=True)
    assert_raises(ResponseError, "UNBLOCKED", waiting)


def check_streams(r, protocol):
    def only(reply):
        """The entries of the one stream in a reply of XREAD: a list of pairs under RESP2, a map under RESP3."""
        (name, entries), *others = reply.items() if isinstance(reply, dict) else reply
        assert name == "s" and not others, reply
        # redis-py wraps a map's entries in one more list.
        return entries[0] if entries and isinstance(entries[0], list) else entries

    ids = [r.xadd("s", {"n": i, "text": f"line {i}"}) for i in range(10)]
    assert r.xlen("s") == 10 and r.xrange("s", ids[2], count=1) == [(ids[2], {"n": "2", "text": "line 2"})]
    assert [i for i, _ in r.xrevrange("s", count=2)] == ids[:-3:-1]
    assert r.xgroup_create("s", "g", id="0") and r.xgroup_create("new", "g", mkstream=True)
    assert_raises(ResponseError, "BUSYGROUP", lambda: r.xgroup_create("s", "g"))
    entries = only(r.xreadgroup("g", "anna", {"s": ">"}, count=4))
    assert [i for i, _ in entries] == ids[:4]
    assert r.xack("s", "g", *ids[:2]) == 2
    pending = r.xpending("s", "g")
    assert (pending["pending"], pending["min"], pending["max"]) == (2, ids[2], ids[3]), pending
    assert pending["consumers"] == [{"name": "anna", "pending": 2}], pending
    details = r.xpending_range("s", "g", "-", "+", 10)
    assert [(d["message_id"], d["consumer"], d["times_delivered"]) for d in details] == [(i, "anna", 1) for i in ids[2:4]]
    assert [i for i, _ in r.xclaim("s", "g", "bert", 0, [ids[2]])] == [ids[2]]
    cursor, claimed, *_ = r.xautoclaim("s", "g", "carl", 0, "0-0")
    assert cursor == "0-0" and [i for i, _ in claimed] == ids[2:4]
    assert r.xinfo_groups("s")[0]["lag"] == 6 and r.xinfo_stream("s")["length"] == 10
    assert {c["name"]: c["pending"] for c in r.xinfo_consumers("s", "g")} == {"anna": 0, "bert": 0, "carl": 2}
    assert r.xinfo_stream("s", full=True)["groups"][0]["pel-count"] == 2
    only(r.xreadgroup("g", "anna", {"s": ">"}))
    waiting = in_background(lambda: connect(protocol).xreadgroup("g", "anna", {"s": ">"}, block=PATIENCE_S * 1000))
    wait_until_blocked(r, 1)
    last = r.xadd("s", {"n": "late"})
    assert only(waiting()) == [(last, {"n": "late"})]
    waiting = in_background(lambda: connect(protocol).xread({"s": "$"}, block=PATIENCE_S * 1000))
    wait_until_blocked(r, 1)
    last = r.xadd("s", {"n": "later"}, maxlen=5, approximate=False)
    assert only(waiting()) == [(last, {"n": "later"})] and r.xlen("s") == 5
    assert not connect(protocol).xread({"s": "$"}, block=20)
    assert r.xtrim("s", minid=last, approximate=False) == 4 and r.xdel("s", last) == 1
    assert r.xgroup_delconsumer("s", "g", "bert") == 0 and r.xgroup_destroy("s", "g") == 1


def check_locks(r, protocol):
    """A lock without scripts: SET NX PX takes it, a compare-and-delete by WATCH, or by DELIFEQ, gives it back."""
    r.set("balance", 0)
    inside = []

    def work(name):
        own = connect(protocol)
        for i in range(20):
            token = f"{name}.{i}"
            while not own.set("lock", token, nx=True, px=60_000):
                pass
            inside.append(name)
            assert len(inside) == 1, "two hold the lock"
            own.set("balance", int(own.get("balance")) + 1)
            inside.pop()
            if name % 2:
                assert own.execute_command("DELIFEQ", "lock", "not mine") == 0
                assert own.execute_command("DELIFEQ", "lock", token) == 1
            else:

                def release(p):
                    assert p.get("lock") == token
                    p.multi()
                    p.delete("lock")

                assert own.transaction(release, "lock") == [1]

    for join in [in_background(lambda name=name: work(name)) for name in range(4)]:
        join()
    assert r.get("balance") == "80" and not r.exists("lock")
    assert r.set("lock", "theirs", px=1)
    for _ in range(100_000):
        if r.set("lock", "mine", nx=True, px=60_000):
            return
    raise AssertionError("a lock whose time is over is free")


def check_users(r, protocol):
    may = ["+@read", "+publish", "+client|setinfo", "+client|setname", "+ping"]
    assert r.acl_setuser("reader", True, passwords=["+secret"], keys=["app:*"], channels=["app.*"], commands=may)
    user = r.acl_getuser("reader")
    assert "on" in user["flags"] and user["keys"] == ["~app:*"] and user["channels"] == ["&app.*"], user
    assert len(user["passwords"]) == 1 and "reader" in r.acl_users() and "get" in r.acl_cat("read")
    assert any(line.startswith("user reader on ") for line in r.acl_list())
    reader = connect(protocol, username="reader", password="secret")
    r.set("app:x", "v")
    assert reader.get("app:x") == "v" and reader.publish("app.news", "m") == 0
    assert_raises(NoPermissionError, "No permissions to access a key", lambda: reader.get("other"))
    assert_raises(NoPermissionError, "no permissions to run the 'set' command", lambda: reader.set("app:x", "w"))
    assert_raises(NoPermissionError, "channel", lambda: reader.publish("other", "m"))
    assert_raises(AuthenticationError, "", lambda: connect(protocol, username="reader", password="wrong").ping())
    reasons = {(entry["reason"], entry["object"]) for entry in r.acl_log()}
    expected = {("key", "other"), ("command", "set"), ("channel", "other"), ("auth", "AUTH" if protocol == 2 else "HELLO")}
    assert expected <= reasons, reasons
    assert r.acl_log_reset() and r.acl_log() == [] and r.acl_whoami() == "default"
    assert "no permissions" in r.acl_dryrun("reader", "set", "app:x", "v")
    assert r.acl_deluser("reader") == 1
    r.config_set("requirepass", "sesame")
    assert_raises(AuthenticationError, "", lambda: connect(protocol).ping())
    own = connect(protocol, password="sesame")
    assert own.ping() and own.config_set("requirepass", "")


def check_caching(r, protocol):
    if protocol == 2:
        return  # redis-py keeps a cache under RESP3 only
    from redis.cache import CacheConfig

    cached = connect(3, cache_config=CacheConfig(max_size=100), single_connection_client=True)

    def calls_of_get():
        return r.info("commandstats").get("cmdstat_get", {"calls": 0})["calls"]

    r.mset({f"k{i}": i for i in range(10)})
    assert cached.get("k1") == "1"
    before = calls_of_get()
    assert [cached.get("k1") for _ in range(50)] == ["1"] * 50 and calls_of_get() == before, "the cache answers"
    changes = [
        (lambda: r.set("k1", "new"), "new"),
        (lambda: r.append("k1", "er"), "newer"),
        (lambda: r.delete("k1"), None),
        (lambda: r.set("k1", "back"), "back"),
        (lambda: r.rename("k2", "k1"), "2"),
        (lambda: r.flushdb(), None),
    ]
    for change, expected in changes:
        change()
        cached.ping()  # what is to be forgotten comes before this reply
        assert cached.get("k1") == expected, f"{expected!r} is what it is now"
        assert cached.get("k1") == expected
    r.set("short", "lived", px=30)
    cached.get("short")
    for _ in range(100_000):
        if cached.get("short") is None:
            break
    else:
        raise AssertionError("nobody told the cache of a key that expired")
    assert cached.client_info()["flags"] == "t", cached.client_info()
    assert r.info("clients")["tracking_clients"] == 1
    assert cached.client_trackinginfo()["flags"] == ["on"], cached.client_trackinginfo()


def check_encrypted(r, protocol):
    files = os.environ["FILES"]
    options = dict(
        port=int(os.environ["TLS_PORT"]), protocol=protocol, ssl=True, ssl_ca_certs=f"{files}/ca.crt", decode_responses=True
    )
    own = redis.Redis(ssl_certfile=f"{files}/client.crt", ssl_keyfile=f"{files}/client.key", **options)
    value = "v" * 2_000_000
    assert own.set("key", value) and own.get("key") == value and r.strlen("key") == len(value)
    with own.pipeline() as p:
        for i in range(2_000):
            p.incr("n")
        assert p.execute() == list(range(1, 2_001))
    subscriber = own.pubsub(ignore_subscribe_messages=True)
    subscriber.subscribe("c")
    assert subscriber.get_message(timeout=PATIENCE_S) is None and r.publish("c", "m") == 1
    assert subscriber.get_message(timeout=PATIENCE_S)["data"] == "m"
    assert_raises(redis.ConnectionError, "", lambda: redis.Redis(retry=None, **options).ping())


def main():
    for protocol in (2, 3):
        r = connect(protocol)
        for name in sys.argv[1:]:
            print(f"{name}, RESP{protocol}", flush=True)
            r.flushall()
            globals()[f"check_{name}"](r, protocol)


main()
