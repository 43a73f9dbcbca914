"""arq, a job queue that needs no scripts, against a running server: PORT is in the environment.

Its workers claim jobs by WATCH and MULTI over a sorted set; everything that it sends is seen by MONITOR.
"""

import asyncio
import logging
import os
from datetime import timedelta

from arq import Retry, create_pool
from arq.connections import RedisSettings
from arq.jobs import Job, JobStatus
from arq.worker import Worker, func
from redis.asyncio import Redis

PORT = int(os.environ["PORT"])
PATIENCE_S = 20
runs = []


async def add(context, a, b):
    runs.append(("add", a))
    return a + b


async def fail_once(context):
    runs.append(("fail_once", context["job_try"]))
    if context["job_try"] == 1:
        raise Retry(defer=0.01)
    return "done"


async def refuse(context):
    raise ValueError("never")


def worker():
    return Worker(
        [add, fail_once, func(refuse, max_tries=1)],
        redis_settings=RedisSettings(port=PORT),
        burst=True,
        poll_delay=0.01,
        handle_signals=False,
    )


async def watch_calls(seen, is_ready):
    async with Redis(port=PORT).monitor() as monitor:
        is_ready.set()
        async for call in monitor.listen():
            seen.add(call["command"].split(" ")[0].upper())


async def main():
    seen, is_ready = set(), asyncio.Event()
    monitor = asyncio.create_task(watch_calls(seen, is_ready))
    await is_ready.wait()

    pool = await create_pool(RedisSettings(port=PORT))
    jobs = [await pool.enqueue_job("add", i, i) for i in range(40)]
    assert await pool.enqueue_job("add", 1, 1, _job_id="only") and not await pool.enqueue_job("add", 1, 1, _job_id="only")
    retried = await pool.enqueue_job("fail_once")
    refused = await pool.enqueue_job("refuse")
    later = await pool.enqueue_job("add", 100, 1, _defer_by=timedelta(milliseconds=20))
    tomorrow = await pool.enqueue_job("add", 1, 1, _defer_by=timedelta(days=1), _queue_name="elsewhere")
    assert await tomorrow.status() == JobStatus.deferred and await jobs[0].status() == JobStatus.queued
    assert len(await pool.queued_jobs()) == 44

    # Two workers race for the same jobs: who loses sees its transaction fail, and nothing is done twice.
    await asyncio.gather(*[worker().async_run() for _ in range(2)])
    assert sorted(a for name, a in runs if name == "add") == sorted([*range(40), 1, 100]), runs
    assert [await job.result(timeout=PATIENCE_S) for job in jobs] == [2 * i for i in range(40)]
    assert await retried.result(timeout=PATIENCE_S) == "done" and runs.count(("fail_once", 2)) == 1
    assert await later.result(timeout=PATIENCE_S) == 101
    try:
        await refused.result(timeout=PATIENCE_S)
        raise AssertionError("it was to fail")
    except ValueError as trouble:
        assert str(trouble) == "never"
    assert await Job("nosuch", pool).status() == JobStatus.not_found
    assert not await pool.queued_jobs() and len(await pool.all_job_results()) == 44

    monitor.cancel()
    assert {"WATCH", "MULTI", "EXEC", "ZADD", "PSETEX"} <= seen, seen
    assert not {call for call in seen if "EVAL" in call or "SCRIPT" in call or "FCALL" in call}, seen


logging.getLogger("arq").setLevel(logging.CRITICAL)  # one job is to fail
asyncio.run(asyncio.wait_for(main(), PATIENCE_S))
