// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does to a process, quickly and often, what the stress tests need done to it.
 *
 * usage: stress_driver COMMAND PID ...   (random delays come from SEED; it is printed)
 *   trips  PID TID COUNT                  COUNT immediate recouple + decouple round trips inside the process
 *   cycles PID TID COUNT CORE US SEED     COUNT times: recouple TID, let it run natively for up to US us, attach it again
 *   storm  PID TID HZ SECONDS SEED        signals to the process and to the thread in turn, at random distances
 *   captures PID TID                      prints how often the thread was captured
 * Prints one line with the counts; exit status 1 and a message on failure.
 */
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

#include "userland/session.h"

namespace
{

uint64_t seed = 1;

uint64_t random64()
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

double now()
{
	timespec t{};

	clock_gettime(CLOCK_MONOTONIC, &t);
	return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

void sleep_us(uint64_t us)
{
	timespec t{time_t(us / 1000000), long(us % 1000000 * 1000)};

	nanosleep(&t, nullptr);
}

int failed(const char *what, unsigned long done, const decouple::Error &error)
{
	std::printf("%s: failed after %lu: %s (errno %d)\n", what, done, error.what.c_str(), error.code);
	return 1;
}

/* Captures so far, as the resident counts them; -1 if the thread has no session. */
long captures(pid_t pid, pid_t tid)
{
	auto threads = decouple::status(pid);

	if (threads)
		for (const auto &thread : *threads)
			if (thread.tid == tid)
				return long(thread.info.captures);
	return -1;
}

int trips(pid_t pid, pid_t tid, unsigned long count)
{
	constexpr unsigned long batch = sizeof(decouple::Control::samples) / sizeof(uint32_t);
	unsigned long done = 0;
	double start = now(), fastest = 1e12;

	while (done < count) {
		auto samples = decouple::measure_round_trips(pid, tid, unsigned(std::min(batch, count - done)));

		if (!samples)
			return failed("round trips", done, samples.error());
		if (samples->empty()) {
			std::printf("round trips: none done after %lu\n", done);
			return 1;
		}
		for (double ns : *samples)
			fastest = std::min(fastest, ns);
		done += samples->size();
	}
	std::printf("trips=%lu seconds=%.1f fastest_ns=%.0f\n", done, now() - start, fastest);
	return 0;
}

int cycles(pid_t pid, pid_t tid, unsigned long count, int core, uint64_t native_us)
{
	decouple::AttachOptions options;
	double start = now();

	options.tids = {tid};
	if (core >= 0)
		options.cores = {core};
	for (unsigned long done = 0; done < count; done++) {
		auto back = decouple::recouple(pid, {tid});

		if (!back)
			return failed("recouple", done, back.error());
		sleep_us(random64() % (native_us + 1));
		auto away = decouple::attach(pid, options);
		if (!away)
			return failed("attach", done, away.error());
		sleep_us(random64() % (native_us + 1));
	}
	std::printf("cycles=%lu seconds=%.1f\n", count, now() - start);
	return 0;
}

int storm(pid_t pid, pid_t tid, double hz, double seconds)
{
	const int kinds[] = {SIGUSR1, SIGUSR2, SIGALRM, SIGRTMIN + 1};
	double start = now();
	unsigned long sent = 0;

	while (now() - start < seconds) {
		int sig = kinds[random64() % 4];
		long err = random64() & 1 ? syscall(SYS_tgkill, pid, tid, sig) : kill(pid, sig);

		if (err) {
			std::printf("signal %d to %d: %s\n", sig, pid, std::strerror(errno));
			return 1;
		}
		sent++;
		sleep_us(random64() % uint64_t(2e6 / hz + 1));
	}
	std::printf("sent=%lu seconds=%.1f\n", sent, now() - start);
	return 0;
}

} // namespace

int main(int argc, char **argv)
{
	std::string command = argc > 3 ? argv[1] : "";
	pid_t pid = argc > 3 ? std::atoi(argv[2]) : 0, tid = argc > 3 ? std::atoi(argv[3]) : 0;

	if (command == "trips" && argc == 5)
		return trips(pid, tid, std::strtoul(argv[4], nullptr, 0));
	if (command == "captures" && argc == 4) {
		std::printf("%ld\n", captures(pid, tid));
		return 0;
	}
	if ((command == "cycles" && argc == 8) || (command == "storm" && argc == 7)) {
		seed = std::strtoull(argv[argc - 1], nullptr, 0) * 2 + 1;
		if (command == "cycles")
			return cycles(pid, tid, std::strtoul(argv[4], nullptr, 0), std::atoi(argv[5]),
				      std::strtoull(argv[6], nullptr, 0));
		return storm(pid, tid, std::atof(argv[4]), std::atof(argv[5]));
	}
	std::fprintf(stderr, "usage: stress_driver trips|cycles|storm|captures PID TID ...\n");
	return 2;
}
