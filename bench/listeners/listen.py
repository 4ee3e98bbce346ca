"""How soon many browsers see what happened: COUNT event streams over TLS at one brain, and how long after each change all of them have its event.
Usage: bench/listeners/listen.py WEIR [COUNT [CHANGES]]. Needs descriptors for twice COUNT, in two processes."""

import asyncio
import json
import pathlib
import resource
import ssl
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test" / "clients"), str(ROOT / "clients" / "python")]
import brain as brains  # noqa: E402
import weir as client  # noqa: E402


def tenant(number):
    return {"apiVersion": "weir/v1", "kind": "Tenant", "metadata": {"name": f"tenant-{number}"}}


async def listen(address, context, token, seen):
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context, server_hostname=client.BRAIN_NAME, limit=1 << 20)
    writer.write(f"GET /v1/events?tail=true&names=TenantDefined HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    status = await reader.readline()
    if b" 200 " not in status:
        raise RuntimeError(status.decode())
    while await reader.readline() not in (b"\r\n", b""):
        pass

    async def follow():
        while line := await reader.readline():
            if line.startswith(b"data:"):
                seen(json.loads(line[5:]), time.monotonic())

    return asyncio.create_task(follow()), writer


async def measure(brain, count, changes):
    api = client.Client.from_context(str(brain.context), rest=brain.rest)
    context = ssl.create_default_context(cafile=str(brain.data / "ca" / "ca.crt"))
    token = next(line.split('"')[1] for line in brain.context.read_text().splitlines() if line.startswith("token"))
    arrived = {}
    began = time.monotonic()
    streams = []
    for at in range(0, count, 50):
        streams += await asyncio.gather(*(listen(brain.rest, context, token, lambda event, when: arrived.setdefault(event["subject"], []).append(when))
                                          for _ in range(min(50, count - at))))
    print(f"{count} streams opened in {time.monotonic() - began:.1f} s")
    first, last = [], []
    for number in range(changes):
        subject = f"tenant/tenant-{number}"
        sent = time.monotonic()
        await asyncio.to_thread(api.apply, tenant(number))
        end = time.monotonic() + 60
        while len(arrived.get(subject, [])) < count:
            if time.monotonic() > end:
                raise RuntimeError(f"{len(arrived.get(subject, []))} of {count} streams have {subject} after a minute")
            await asyncio.sleep(0.001)
        times = sorted(arrived[subject])
        first.append(times[0] - sent)
        last.append(times[-1] - sent)
    status = pathlib.Path(f"/proc/{brain.process.pid}/status").read_text()
    memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    said = [int(1000 * sorted(values)[len(values) // 2]) for values in (first, last)]
    print(f"{changes} changes: the first stream has one after {said[0]} ms, all after {said[1]} ms, at most {int(1000 * max(last))} ms (medians, and the worst)")
    print(f"the brain holds {memory // 1024} MiB, with {count} streams")
    for task, writer in streams:
        task.cancel()
        writer.close()


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    changes = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    brain = brains.Brain(sys.argv[1])
    try:
        brain.start()
        asyncio.run(measure(brain, count, changes))
    finally:
        brain.end()


if __name__ == "__main__":
    main()
