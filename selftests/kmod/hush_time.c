// SPDX-License-Identifier: GPL-2.0-only
// timeout: 180
/*
 * What others see of a hushed core: clocks agree with each other and jiffies go on, grace periods do not wait for it, its vCPU thread's CPU time
 * is counted, timers on other cores are in time, timers on the core itself late by no more than twice the interval, and in time again behind.
 */
#include "hush.h"

#include <dirent.h>

#define MS_INTERVAL 800
#define SLACK 700 /* ms that an overloaded machine is given */
#define SAMPLES 11

static void compute(void)
{
	for (;;)
		;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t median(uint64_t *samples, unsigned n)
{
	qsort(samples, n, sizeof(*samples), compare);
	return samples[n / 2];
}

/* MEMBARRIER_CMD_GLOBAL: synchronize_rcu(). */
static uint64_t grace_period(void)
{
	uint64_t samples[SAMPLES], start;

	for (unsigned i = 0; i < SAMPLES; i++) {
		start = now_ns();
		MUST(syscall(SYS_membarrier, 1, 0, 0));
		samples[i] = now_ns() - start;
	}
	return median(samples, SAMPLES);
}

/* How far behind the clock of the last tick is: that of the core that keeps the time. */
static void clocks_agree(void)
{
	uint64_t samples[200], raw = clock_ns(CLOCK_MONOTONIC_RAW), monotonic = now_ns(), real = clock_ns(CLOCK_REALTIME),
			       boot = clock_ns(CLOCK_BOOTTIME), passed, tick;
	struct timespec resolution;

	MUST(clock_getres(CLOCK_MONOTONIC_COARSE, &resolution));
	tick = (uint64_t)resolution.tv_nsec;
	for (unsigned i = 0; i < ARRAY_SIZE(samples); i++) {
		uint64_t coarse = clock_ns(CLOCK_MONOTONIC_COARSE), fine = now_ns();

		samples[i] = fine - coarse;
		busy_ms(7);
	}
	CHECK(median(samples, ARRAY_SIZE(samples)) < 2 * tick);
	raw = clock_ns(CLOCK_MONOTONIC_RAW) - raw;
	passed = now_ns() - monotonic;
	CHECK(between(raw, passed - passed / 500 - SLACK * MS / 10, passed + passed / 500 + SLACK * MS / 10));
	CHECK(between(clock_ns(CLOCK_REALTIME) - real, passed, passed + SLACK * MS / 10));
	CHECK(between(clock_ns(CLOCK_BOOTTIME) - boot, passed, passed + SLACK * MS / 10));
}

static uint64_t read_number(const char *path, unsigned fields_before)
{
	char text[4096], *at = text;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	CHECK(n > 0);
	close(fd);
	text[n] = 0;
	while (fields_before--)
		at = strchr(at, ' ') + 1;
	return strtoull(at, NULL, 10);
}

/* The busiest thread of the process but the main one: ns on a CPU. */
static uint64_t vcpu_time(pid_t pid)
{
	char path[300];
	uint64_t most = 0, time;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	CHECK(dir);
	while ((entry = readdir(dir))) {
		if (*entry->d_name == '.' || atoi(entry->d_name) == pid)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid, entry->d_name);
		time = read_number(path, 0);
		most = time > most ? time : most;
	}
	closedir(dir);
	return most;
}

/* Ticks that the core is accounted to have been anything at all, in ns. */
static uint64_t core_time(void)
{
	char line[512], name[16];
	unsigned long long v[8];
	uint64_t sum = 0;
	FILE *f = fopen("/proc/stat", "re");

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%15s %llu %llu %llu %llu %llu %llu %llu %llu", name, v, v + 1, v + 2, v + 3, v + 4, v + 5,
			   v + 6, v + 7) == 9 &&
		    !strcmp(name, "cpu1"))
			for (unsigned i = 0; i < 8; i++)
				sum += v[i];
	fclose(f);
	return sum * (1000 * MS / (uint64_t)sysconf(_SC_CLK_TCK));
}

static void cpu_time_is_counted(pid_t pid)
{
	uint64_t thread = vcpu_time(pid), core = core_time(), start = now_ns(), passed;

	sleep_ms(2500);
	thread = vcpu_time(pid) - thread;
	core = core_time() - core;
	passed = now_ns() - start;
	CHECK(between(thread, passed - passed / 10 - MS_INTERVAL * MS, passed + passed / 10 + MS_INTERVAL * MS));
	CHECK(between(core, passed - passed / 5 - MS_INTERVAL * MS, passed + passed / 5 + MS_INTERVAL * MS));
}

/* The latest of some sleeps, in ms behind the time asked for. */
static uint64_t lateness(int core, unsigned ms, unsigned times)
{
	uint64_t worst = 0, start, late;

	on_core(core);
	for (unsigned i = 0; i < times; i++) {
		start = now_ns();
		sleep_ms(ms);
		late = (now_ns() - start) / MS - ms;
		worst = late > worst ? late : worst;
	}
	on_core(0);
	return worst;
}

int main(void)
{
	uint64_t loud, quiet, late;
	pid_t pid;

	hush_required();
	on_core(0);
	pid = start_child(compute);
	decouple(pid);
	loud = grace_period();
	hush(MS_INTERVAL);
	sleep_ms(500);
	quiet = grace_period();
	printf("grace periods: %llu ms, hushed %llu ms\n", (unsigned long long)(loud / MS), (unsigned long long)(quiet / MS));
	CHECK(quiet < 2 * loud + 100 * MS);
	clocks_agree();
	cpu_time_is_counted(pid);
	CHECK(lateness(0, 10, 50) < SLACK);
	late = lateness(CORE, 300, 3);
	printf("timers on the core: %llu ms late at most\n", (unsigned long long)late);
	CHECK(late < 2 * MS_INTERVAL + SLACK);
	hush(4000);
	CHECK(grace_period() < 2 * loud + 100 * MS);
	late = lateness(CORE, 500, 1);
	printf("with an interval of 4 s: %llu ms\n", (unsigned long long)late);
	CHECK(late > SLACK && late < 4000 + SLACK); /* else it was not hushed */
	recouple(pid);
	CHECK(lateness(CORE, 300, 3) < SLACK);
	decouple(pid);
	hush(0);
	CHECK(lateness(CORE, 300, 3) < SLACK);
	kill(pid, SIGKILL);
	return 0;
}
