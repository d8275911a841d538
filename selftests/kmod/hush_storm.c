// SPDX-License-Identifier: GPL-2.0-only
// timeout: 120
/*
 * Guest exits of all kinds at all times on a core whose hush is set, changed and taken away meanwhile: signals, page faults, system calls,
 * timers and tasks on the core, recouple and attach. What would be unbalanced shows in the kernel's log; the thread computes on. SOAK=1
 */
#include "hush.h"

#define PAGES 64

struct shared {
	atomic_ulong rounds, signals;
};
static struct shared *shared;

static void on_alarm(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	atomic_fetch_add(&shared->signals, 1);
}

/* Between two exits from nothing to some 100 ms. */
static void exit_often(void)
{
	unsigned long state = 1;

	handle(SIGALRM, on_alarm, SA_RESTART);
	arm_timer(1000, 47000);
	for (;;) {
		volatile char *pages = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		uint64_t until;

		CHECK(pages != MAP_FAILED);
		for (unsigned i = 0; i < PAGES; i++)
			pages[i * 4096] = 1;
		munmap((void *)pages, PAGES * 4096);
		state = state * 6364136223846793005ul + 1442695040888963407ul;
		if (state >> 62)
			for (until = now_ns() + (state >> 33) % (100 * MS); now_ns() < until;)
				;
		else
			sleep_ms((state >> 33) % 30);
		atomic_fetch_add(&shared->rounds, 1);
	}
}

static void sleep_there(void)
{
	on_core(CORE);
	for (unsigned ms = 1;; ms = ms * 5 % 97)
		sleep_ms(ms);
}

int main(void)
{
	static const unsigned intervals[] = {10, 4000, 20, 0, 100, 1000, 30};
	unsigned seconds = getenv("SOAK") ? 600 : 10;
	unsigned long before;
	uint64_t end;
	pid_t pid, sleeper;

	hush_required();
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	on_core(0);
	pid = start_child(exit_often);
	sleeper = start_child(sleep_there);
	end = now_ns() + seconds * 1000 * MS;
	for (unsigned round = 0; now_ns() < end; round++) {
		decouple(pid);
		for (unsigned i = 0; i < ARRAY_SIZE(intervals) && now_ns() < end; i++) {
			before = shared->rounds;
			hush(intervals[i]);
			sleep_ms(round % 2 ? 150 : 700);
			kill(pid, SIGALRM);
			for (unsigned try = 0; shared->rounds == before; try++) {
				CHECK(try < 100);
				sleep_ms(100);
			}
		}
		recouple(pid);
	}
	hush(0);
	before = shared->signals;
	CHECK(before > seconds);
	kill(pid, SIGKILL);
	kill(sleeper, SIGKILL);
	return 0;
}
