// SPDX-License-Identifier: GPL-2.0-only
/* CPU time of thread and process: what was computed is counted, what was slept is not, all clocks agree to within a tick. */
#include "testlib.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/times.h>

static uint64_t usage_ns(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 * MS +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000ull;
}

/* The machine may be shared: what the core did not give to this thread is not the thread's time. */
static void burn(unsigned rounds)
{
	volatile double sum = 0;

	for (unsigned i = 1; i < rounds; i++)
		sum += 1.0 / i;
}

/* What the scheduler gave to the task that runs our code: natively this thread, decoupled its vCPU thread. */
static uint64_t scheduled_ns(void)
{
	char wanted[32], name[64], comm[32] = "";
	unsigned long long ns = 0;
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;

	snprintf(wanted, sizeof(wanted), "dec-vcpu/%d", (int)gettid());
	wanted[15] = 0; /* TASK_COMM_LEN */
	while (tasks && (entry = readdir(tasks))) {
		snprintf(name, sizeof(name), "/proc/self/task/%.20s/comm", entry->d_name);
		FILE *file = fopen(name, "r");
		bool ours = file && fscanf(file, "%31s", comm) == 1 &&
			    (test_decoupled_run() ? !strcmp(comm, wanted) : atoi(entry->d_name) == gettid());
		if (file)
			fclose(file);
		if (!ours)
			continue;
		snprintf(name, sizeof(name), "/proc/self/task/%.20s/schedstat", entry->d_name);
		file = fopen(name, "r");
		CHECK(file && fscanf(file, "%llu", &ns) == 1);
		if (file)
			fclose(file);
	}
	if (tasks)
		closedir(tasks);
	return ns;
}

/* Nothing but computing, whatever share of the core there is for it. */
static void against_the_scheduler(void)
{
	uint64_t scheduled = scheduled_ns(), thread = clock_ns(CLOCK_THREAD_CPUTIME_ID), usage = usage_ns(RUSAGE_THREAD);

	burn(100000000);
	thread = clock_ns(CLOCK_THREAD_CPUTIME_ID) - thread;
	usage = usage_ns(RUSAGE_THREAD) - usage;
	scheduled = scheduled_ns() - scheduled;
	fprintf(stderr, "scheduled %llu thread %llu usage %llu ms\n", (unsigned long long)(scheduled / MS),
		(unsigned long long)(thread / MS), (unsigned long long)(usage / MS));
	printf("long enough %d\n", thread > 50 * MS);
	printf("as the scheduler counts, to within a tick: clock %d, getrusage %d\n",
	       between(thread + 10 * MS, scheduled, scheduled + 20 * MS),
	       between(usage + 10 * MS, scheduled, scheduled + 20 * MS));
}

int main(void)
{
	clockid_t by_pthread;
	unsigned wrong = 0;

	test_start();
	uint64_t wall = now_ns(), thread = clock_ns(CLOCK_THREAD_CPUTIME_ID), process = clock_ns(CLOCK_PROCESS_CPUTIME_ID),
		 usage = usage_ns(RUSAGE_THREAD);
	struct tms ticks, later;
	times(&ticks);
	while (now_ns() - wall < 400 * MS)
		burn(10000);
	wall = now_ns() - wall;
	thread = clock_ns(CLOCK_THREAD_CPUTIME_ID) - thread;
	process = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - process;
	usage = usage_ns(RUSAGE_THREAD) - usage;
	times(&later);
	uint64_t by_times = (later.tms_utime - ticks.tms_utime + later.tms_stime - ticks.tms_stime) * 10 * MS;
	fprintf(stderr, "wall %llu thread %llu process %llu usage %llu times %llu ms\n", (unsigned long long)(wall / MS),
		(unsigned long long)(thread / MS), (unsigned long long)(process / MS), (unsigned long long)(usage / MS),
		(unsigned long long)(by_times / MS));
	printf("computing: not more than the wall clock %d, counted %d\n", thread <= wall + 12 * MS, thread >= 5 * MS);
	printf("getrusage agrees %d\n", between(usage + 12 * MS, thread, thread + 24 * MS));
	printf("process: at least the thread %d\n", process + 12 * MS >= thread);
	printf("times() counts %d\n", by_times + 40 * MS >= thread);

	against_the_scheduler();
	thread = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	sleep_ms(200);
	thread = clock_ns(CLOCK_THREAD_CPUTIME_ID) - thread;
	fprintf(stderr, "sleeping: %llu us\n", (unsigned long long)(thread / 1000));
	printf("sleeping is not counted: %d\n", thread < 20 * MS);

	uint64_t last = 0;
	for (int i = 0; i < 1000; i++) {
		uint64_t now = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		wrong += now < last;
		last = now;
	}
	printf("never backwards: wrong %u\n", wrong);
	CHECK(pthread_getcpuclockid(pthread_self(), &by_pthread) == 0);
	uint64_t there = clock_ns(by_pthread), here = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	printf("clock of pthread_getcpuclockid: %d\n", here + 12 * MS >= there && here <= there + 12 * MS);
	struct timespec resolution;
	printf("resolution: %d %ld\n", clock_getres(CLOCK_THREAD_CPUTIME_ID, &resolution), resolution.tv_nsec);
	printf("bad pointer: %s\n", syscall(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, 8ul) ? errno_name(errno) : "ok");
	return test_done();
}
