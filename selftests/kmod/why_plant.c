// SPDX-License-Identifier: GPL-2.0-only
// part-of: why.sh
/*
 * Plants disturbances on a core, for why.sh, from core 0, one kind each:
 *
 *   target FILE              computes, and counts in FILE; for each line of its input an undecoupled sibling drops a page that it reads.
 *                            Prints that page's address first. Has a handler for SIGUSR1.
 *   hog CORE MS              a SCHED_FIFO task that computes there
 *   wake CORE TIMES          a SCHED_FIFO task that is woken there
 *   timer CORE TIMES         timers that expire there, of a thread that has left
 *   call CORE TIMES          functions called there by IPI
 *   irq CORE TIMES           serial port interrupts there
 *   ticks CORE MS            prints T LOC D twice: local timer interrupts of the core by /proc/interrupts between the times T and T + D (ns)
 *   poll CORE MS             a task that wakes up there every MS, as a reader does
 *   gaps FILE                computes, and writes to FILE for each 100 gaps of its time the median, in cycles of the TSC
 */
#include "testlib.h"

#include <linux/perf_event.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>

static void bind(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)core, &set);
	MUST(sched_setaffinity(0, sizeof(set), &set));
}

static void real_time(void)
{
	struct sched_param param = {.sched_priority = 50};

	MUST(sched_setscheduler(0, SCHED_FIFO, &param));
}

static volatile char *page;

static void *drop_pages(void *unused)
{
	char line[16];

	while (fgets(line, sizeof(line), stdin))
		MUST(madvise((void *)page, 4096, MADV_DONTNEED));
	return unused;
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
}

static int target(const char *name)
{
	volatile uint64_t *count;
	pthread_t sibling;
	sigset_t usr1;
	int file = (int)MUST(open(name, O_RDWR | O_CREAT, 0644));

	MUST(ftruncate(file, 4096));
	count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	handle(SIGUSR1, on_signal, SA_RESTART);
	printf("%#lx\n", (unsigned long)page);
	fflush(stdout);
	/* The signal is for the decoupled thread. */
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	pthread_create(&sibling, NULL, drop_pages, NULL);
	pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
	for (;;) {
		(*count)++;
		(void)*page;
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int gaps(const char *name)
{
	uint64_t gap[100], last = __builtin_ia32_rdtsc(), now;
	int file = (int)MUST(open(name, O_WRONLY | O_CREAT | O_APPEND, 0644));
	char line[32];

	for (;;) {
		for (unsigned n = 0; n < ARRAY_SIZE(gap);) {
			now = __builtin_ia32_rdtsc();
			if (now - last > 500)
				gap[n++] = now - last;
			last = now;
		}
		qsort(gap, ARRAY_SIZE(gap), sizeof(gap[0]), compare);
		MUST(write(file, line, (size_t)sprintf(line, "%lu\n", gap[ARRAY_SIZE(gap) / 2])));
		last = __builtin_ia32_rdtsc();
	}
}

static _Noreturn void poll_every(int core, unsigned ms)
{
	bind(core);
	for (;;)
		sleep_ms(ms);
}

static int hog(int core, unsigned ms)
{
	MUST(prctl(PR_SET_NAME, "planted-hog"));
	real_time();
	bind(core);
	busy_ms(ms);
	return 0;
}

static sem_t bell;

static void *sleeper(void *core)
{
	MUST(prctl(PR_SET_NAME, "planted-wake"));
	real_time();
	bind((int)(intptr_t)core);
	for (;;)
		sem_wait(&bell);
}

static int wake(int core, int times)
{
	pthread_t thread;

	sem_init(&bell, 0, 0);
	pthread_create(&thread, NULL, sleeper, (void *)(intptr_t)core);
	for (int i = 0; i < times; i++) {
		sleep_ms(50);
		sem_post(&bell);
	}
	sleep_ms(50);
	return 0;
}

/* Real-time while it is on the core: else it may wait there for long. */
static int timer(int core, int times)
{
	struct itimerspec later = {.it_value = {.tv_nsec = 60 * 1000 * 1000}};
	uint64_t expirations;

	real_time();
	for (int i = 0; i < times; i++) {
		int fd = (int)MUST(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));

		bind(core);
		MUST(timerfd_settime(fd, 0, &later, NULL));
		bind(0);
		MUST(read(fd, &expirations, sizeof(expirations)));
		close(fd);
	}
	return 0;
}

/* A counter of the core is made, read and removed on it; that of the CPU's clock needs nothing of the hardware. */
static int call(int core, int times)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_CPU_CLOCK};
	uint64_t value;

	for (int i = 0; i < times; i++) {
		int fd = (int)MUST(syscall(SYS_perf_event_open, &attr, -1, core, -1, PERF_FLAG_FD_CLOEXEC));

		MUST(read(fd, &value, sizeof(value)));
		close(fd);
		sleep_ms(20);
	}
	return 0;
}

/* The console's port: an interrupt tells that what was written has been sent. */
static int irq(int core, int times)
{
	FILE *affinity = fopen("/proc/irq/4/smp_affinity_list", "w");
	int port;

	if (!affinity)
		return 1;
	fprintf(affinity, "%d\n", core);
	if (fclose(affinity))
		return 1;
	port = (int)MUST(open("/dev/ttyS0", O_WRONLY | O_NOCTTY));
	for (int i = 0; i < times; i++) {
		MUST(write(port, "decouple\n", 9));
		sleep_ms(50);
	}
	return 0;
}

static uint64_t local_timer_interrupts(int core)
{
	FILE *file = fopen("/proc/interrupts", "r");
	char line[4096];
	uint64_t count = 0;

	while (fgets(line, sizeof(line), file)) {
		char *at = strstr(line, "LOC:");

		if (!at)
			continue;
		at += 4;
		for (int i = 0; i <= core; i++)
			count = strtoul(at, &at, 10);
	}
	fclose(file);
	return count;
}

/* At a time that is known to a millisecond, if the machine lets us. */
static void print_ticks(int core)
{
	uint64_t time, count, best = 0, best_count = 0, best_time = UINT64_MAX;

	for (int try = 0; try < 200 && best_time > MS; try++) {
		time = now_ns();
		count = local_timer_interrupts(core);
		if (now_ns() - time < best_time) {
			best_time = now_ns() - time;
			best = time;
			best_count = count;
		}
	}
	printf("%lu %lu %lu ", best, best_count, best_time);
}

static int ticks(int core, unsigned ms)
{
	real_time();
	print_ticks(core);
	sleep_ms(ms);
	print_ticks(core);
	printf("\n");
	return 0;
}

int main(int argc, char **argv)
{
	int core = argc > 2 ? atoi(argv[2]) : 0, number = argc > 3 ? atoi(argv[3]) : 0;

	if (argc < 3)
		return 2;
	bind(0);
	if (!strcmp(argv[1], "target"))
		return target(argv[2]);
	if (!strcmp(argv[1], "gaps"))
		return gaps(argv[2]);
	if (!strcmp(argv[1], "hog"))
		return hog(core, (unsigned)number);
	if (!strcmp(argv[1], "poll"))
		poll_every(core, (unsigned)number);
	if (!strcmp(argv[1], "wake"))
		return wake(core, number);
	if (!strcmp(argv[1], "timer"))
		return timer(core, number);
	if (!strcmp(argv[1], "call"))
		return call(core, number);
	if (!strcmp(argv[1], "irq"))
		return irq(core, number);
	if (!strcmp(argv[1], "ticks"))
		return ticks(core, (unsigned)number);
	return 2;
}
