// SPDX-License-Identifier: GPL-2.0-only
/* getcpu by the vDSO, by the C library and RDPID name the dedicated core of a decoupled thread. */
#include "testlib.h"

#include <cpuid.h>
#include <sched.h>
#include <sys/rseq.h>

int main(void)
{
	unsigned a, b, c, d, differ = 0;
	int first;
	cpu_set_t set;

	test_start();
	if (!test_decoupled_run()) {
		/* Natively the thread may move; the comparison is of decoupled runs with this. */
		CPU_ZERO(&set);
		CPU_SET(sched_getcpu(), &set);
		MUST(sched_setaffinity(0, sizeof(set), &set));
	}
	first = sched_getcpu();
	bool rdpid = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & 1 << 22);
	for (int i = 0; i < 2000; i++) {
		uint64_t aux = first;
		if (rdpid)
			__asm__ volatile("rdpid %0" : "=r"(aux));
		differ += sched_getcpu() != first || (aux & 0xfff) != (unsigned)first;
		if (i % 50 == 0)
			sleep_ms(1);
	}
	printf("vDSO and RDPID stay the same core: differ %u\n", differ);
	printf("rseq size known to the C library: %u\n", __rseq_size);
	struct rseq *mine = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
	printf("rseq critical section pointer: %d\n", mine->rseq_cs == 0);
	printf("a cpu number there: %d\n", (int)mine->cpu_id >= 0 || (int)mine->cpu_id == RSEQ_CPU_ID_UNINITIALIZED);
	return test_done();
}
