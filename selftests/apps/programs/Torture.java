// SPDX-License-Identifier: GPL-2.0-only
// What a JVM does with signals and threads: Torture faults|overflow|garbage|threads. Prints only what doesn't depend on time.

import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

public class Torture {
	static class Node {
		int value;
		Node next;
	}

	static int read(Node node) {
		return node.value;
	}

	// Compiled code has no null checks: each is a true SIGSEGV, at least until the JIT learns that they are common.
	static void faults() {
		long caught = 0, sum = 0;
		Node node = new Node();
		node.value = 3;
		for (int i = 0; i < 300000; i++) {
			try {
				sum += read(i % 10 == 0 ? null : node);
			} catch (NullPointerException e) {
				caught++;
			}
		}
		int zero = 0, divided = 0;
		for (int i = 0; i < 20000; i++) {
			try {
				sum += i / (i % 4 == 0 ? zero : 1);
			} catch (ArithmeticException e) {
				divided++;
			}
		}
		System.out.println("null " + caught + " divided " + divided + " sum " + sum);
	}

	static int depth(int n) {
		return n == Integer.MIN_VALUE ? 0 : 1 + depth(n + 1);
	}

	static void overflow() throws Exception {
		int caught = 0;
		for (int i = 0; i < 30; i++) {
			try {
				depth(0);
			} catch (StackOverflowError e) {
				caught++;
			}
		}
		int[] inThread = new int[1];
		Thread thread = new Thread(() -> {
			for (int i = 0; i < 10; i++) {
				try {
					depth(0);
				} catch (StackOverflowError e) {
					inThread[0]++;
				}
			}
		});
		thread.start();
		thread.join();
		System.out.println("overflows " + caught + " " + inThread[0]);
	}

	static void garbage() {
		Map<Integer, List<String>> kept = new HashMap<>();
		long sum = 0;
		for (int i = 0; i < 1500000; i++) {
			List<String> list = new ArrayList<>();
			list.add("item " + i);
			kept.put(i % 5000, list);
			sum += list.get(0).hashCode();
		}
		Node head = null;
		for (int i = 0; i < 200000; i++) {
			Node node = new Node();
			node.next = head;
			node.value = i;
			head = node;
		}
		System.gc();
		for (Node node = head; node != null; node = node.next)
			sum += node.value;
		System.out.println("kept " + kept.size() + " sum " + sum);
	}

	static void threads() throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(4);
		List<Future<Long>> futures = new ArrayList<>();
		for (int job = 1; job <= 16; job++) {
			final long seed = job;
			futures.add(pool.submit(() -> {
				long x = seed;
				for (int i = 0; i < 300000; i++)
					x = x * 6364136223846793005L + 1442695040888963407L;
				return x;
			}));
		}
		long sum = 0;
		for (Future<Long> future : futures)
			sum ^= future.get();
		pool.shutdown();

		CyclicBarrier barrier = new CyclicBarrier(4);
		AtomicLong counter = new AtomicLong();
		Map<Integer, Integer> map = new ConcurrentHashMap<>();
		long[] locked = new long[1];
		List<Thread> members = new ArrayList<>();
		for (int member = 0; member < 4; member++) {
			final int number = member;
			Thread thread = new Thread(() -> {
				try {
					for (int i = 0; i < 300; i++) {
						map.merge(i, number, Integer::sum);
						counter.addAndGet(i);
						synchronized (locked) {
							locked[0]++;
						}
						if (i % 100 == 0)
							barrier.await();
					}
					LockSupport.parkNanos(1000000);
				} catch (Exception e) {
					System.out.println(e);
				}
			});
			members.add(thread);
			thread.start();
		}
		for (Thread thread : members)
			thread.join();
		System.out.println("pool " + sum + " counter " + counter + " map " + map.values().stream().mapToInt(i -> i).sum() +
				" locked " + locked[0]);
		Process process = new ProcessBuilder("sh", "-c", "echo child; exit 6").start();
		String line = new BufferedReader(new InputStreamReader(process.getInputStream())).readLine();
		System.out.println(line + " " + process.waitFor());
	}

	// Works while it waits, so that the process is attached to in the middle of something.
	static void gate() throws Exception {
		String path = System.getenv("APP_GATE");
		if (path == null)
			return;
		new File(path + ".ready").createNewFile();
		long x = 1;
		while (!new File(path).exists())
			for (int i = 0; i < 100000; i++)
				x = x * 31 + i;
		if (x == 0)
			System.out.println("never");
	}

	public static void main(String[] args) throws Exception {
		gate();
		switch (args[0]) {
		case "faults": faults(); break;
		case "overflow": overflow(); break;
		case "garbage": garbage(); break;
		case "threads": threads(); break;
		}
	}
}
