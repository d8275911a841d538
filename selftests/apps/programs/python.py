#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""python.py threads|subprocess|signals|processes|asyncio: prints only what doesn't depend on time."""

import asyncio
import hashlib
import math
import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import threading
import time


def gate():
    path = os.environ.get("APP_GATE")
    if not path:
        return
    open(path + ".ready", "w").close()
    x = 1
    while not os.path.exists(path):
        for i in range(2000):
            x = (x * 48271 + i) % 2147483647


def work(seed, n=20000):
    x, s = seed, 0.0
    for i in range(n):
        x = (x * 48271) % 2147483647
        s += math.sin(x) * math.sqrt(i)
    return f"{x} {s!r}"


def threads():
    results, jobs, lock = {}, queue.Queue(), threading.Lock()
    barrier = threading.Barrier(4)

    def worker(number):
        barrier.wait()
        while True:
            job = jobs.get()
            if job is None:
                return
            value = work(job)
            with lock:
                results[job] = value

    pool = [threading.Thread(target=worker, args=(i,)) for i in range(4)]
    for job in range(1, 41):
        jobs.put(job)
    for thread in pool:
        jobs.put(None)
        thread.start()
    for thread in pool:
        thread.join()
    for _ in range(60):
        thread = threading.Thread(target=lambda: results.update(last=work(7, 10)))
        thread.start()
        thread.join()
    print(len(results), hashlib.sha256(repr(sorted(results.items(), key=str)).encode()).hexdigest())
    event = threading.Event()
    print("timed wait:", event.wait(0.05))


def subprocesses():
    for i in range(10):
        out = subprocess.run(["sh", "-c", f"echo child {i}; exit {i}"], capture_output=True, check=False)
        print(out.stdout, out.returncode)
    with subprocess.Popen(["tr", "a-z", "A-Z"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as tr:
        out, _ = tr.communicate(b"through a pipe " * 20000)
    print(len(out), hashlib.md5(out).hexdigest())
    print(os.popen("seq 1 100 | tail -n 1").read().strip(), os.system("exit 3") >> 8)
    try:
        subprocess.run(["sleep", "10"], timeout=0.1, check=False)
    except subprocess.TimeoutExpired:
        print("timed out")
    child = subprocess.Popen(["sleep", "10"])
    child.terminate()
    print("terminated:", child.wait())
    try:
        subprocess.run(["/nonexistent"], check=False)
    except FileNotFoundError as error:
        print(error.strerror)
    for i in range(10):
        pid = os.fork()
        if pid == 0:
            os._exit(i + 50)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), end=" ")
    print()


def signals():
    """Computes below a timer of 500 Hz, sleeps through it, and takes every other kind of signal."""
    count = {"alarm": 0, "usr": 0}

    def on_alarm(number, frame):
        count["alarm"] += 1
        math.sqrt(count["alarm"])

    def on_usr(number, frame):
        count["usr"] += 1

    signal.signal(signal.SIGALRM, on_alarm)
    signal.signal(signal.SIGUSR1, on_usr)
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    print(work(5, 500000))
    before = count["alarm"]
    time.sleep(0.2)
    print("handlers ran:", before > 5, "and during sleep:", count["alarm"] > before + 5)
    reader, writer = os.pipe()
    threading.Timer(0.1, lambda: os.write(writer, b"x" * 100)).start()
    print("read through the timer:", len(os.read(reader, 100)))
    print(subprocess.run(["sh", "-c", "echo child below a timer"], capture_output=True, check=False).stdout)
    signal.setitimer(signal.ITIMER_REAL, 0)
    for i in range(200):
        os.kill(os.getpid(), signal.SIGUSR1)
    print("usr1:", count["usr"])
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    os.kill(os.getpid(), signal.SIGUSR2)
    print("pending:", signal.SIGUSR2 in signal.sigpending(), signal.sigwait({signal.SIGUSR2}))
    # A signal that comes to the main thread while it is blocked in a lock.
    lock = threading.Lock()
    lock.acquire()
    threading.Timer(0.1, lambda: signal.raise_signal(signal.SIGUSR1)).start()
    threading.Timer(0.2, lock.release).start()
    lock.acquire()
    print("lock acquired, usr1:", count["usr"])
    sys.stdout.flush()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)


def processes():
    with multiprocessing.Pool(3) as pool:
        values = pool.map(work, range(1, 31))
    print(hashlib.sha256(repr(values).encode()).hexdigest())
    results = multiprocessing.Queue()
    counter = multiprocessing.Value("i", 0)

    def add():
        for _ in range(500):
            with counter.get_lock():
                counter.value += 1
        results.put(os.getpid() > 0)

    members = [multiprocessing.Process(target=add) for _ in range(4)]
    for member in members:
        member.start()
    print([results.get(timeout=30) for _ in members])
    for member in members:
        member.join()
    print(counter.value, [member.exitcode for member in members])


async def serve():
    async def echo(reader, writer):
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def client(number):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        got = []
        for i in range(20):
            writer.write(f"client {number} line {i}\n".encode())
            got.append(await reader.readline())
            await asyncio.sleep(0.001)
        writer.close()
        return hashlib.md5(b"".join(got)).hexdigest()

    print(await asyncio.gather(*(client(i) for i in range(8))))
    process = await asyncio.create_subprocess_exec("sh", "-c", "echo from asyncio; exit 4", stdout=subprocess.PIPE)
    out, _ = await process.communicate()
    print(out, process.returncode)
    print(await asyncio.get_running_loop().run_in_executor(None, work, 9))
    try:
        await asyncio.wait_for(asyncio.sleep(10), 0.05)
    except asyncio.TimeoutError:
        print("timed out")
    server.close()


def main():
    gate()
    {
        "threads": threads,
        "subprocess": subprocesses,
        "signals": signals,
        "processes": processes,
        "asyncio": lambda: asyncio.run(serve()),
    }[sys.argv[1]]()


if __name__ == "__main__":
    main()
