// SPDX-License-Identifier: GPL-2.0-only
/* rseq(2) of a decoupled thread: errors, taking a registration away, making another one, what children and threads find. */
// modes: run compute read run+follow
#include "testlib.h"

#include <sys/rseq.h>

#define SIGNATURE 0x53053053 /* the C library's, in front of its abort handlers */

static struct rseq other __attribute__((aligned(32)));
static struct rseq *own;
static unsigned own_len;

static const char *call(void *area, unsigned len, int flags, unsigned signature)
{
	return syscall(SYS_rseq, area, len, flags, signature) ? errno_name(errno) : "ok";
}

static void *in_thread(void *argument)
{
	struct rseq *mine = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);

	/* The C library registers none for a thread that is started where it seems to be not available, as in a decoupled thread. */
	const char *again = call(mine, own_len, 0, SIGNATURE);
	printf("in a thread: registered by now %d\n", !strcmp(again, "EBUSY") || !strcmp(again, "ok"));
	return argument;
}

int main(void)
{
	pthread_t thread;

	own = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
	if (!__rseq_size)
		test_skip("the C library has registered no rseq area: kernel without rseq?");
	own_len = 32; /* what the C library hands over, whatever it uses */
	test_start();
	printf("register again: %s\n", call(own, own_len, 0, SIGNATURE));
	printf("with another signature: %s\n", call(own, own_len, 0, 1));
	printf("another area: %s\n", call(&other, sizeof(other), 0, SIGNATURE));
	printf("bad flags: %s\n", call(own, own_len, 4, SIGNATURE));
	printf("take away, another area: %s\n", call(&other, sizeof(other), RSEQ_FLAG_UNREGISTER, SIGNATURE));
	printf("take away, another length: %s\n", call(own, own_len + 32, RSEQ_FLAG_UNREGISTER, SIGNATURE));
	printf("take away, another signature: %s\n", call(own, own_len, RSEQ_FLAG_UNREGISTER, 1));
	pthread_create(&thread, NULL, in_thread, NULL);
	pthread_join(thread, NULL);
	fflush(stdout);
	pid_t child = MUST(fork());
	if (child == 0)
		_exit(strcmp(call(own, own_len, 0, SIGNATURE), "EBUSY") ? 1 : 7);
	printf("a child has it: %d\n", wait_child(child));
	for (int i = 0; i < 3; i++) {
		printf("take away: %s", call(own, own_len, RSEQ_FLAG_UNREGISTER, SIGNATURE));
		printf(", cpu %d", (int)own->cpu_id);
		printf(", again %s\n", call(own, own_len, RSEQ_FLAG_UNREGISTER, SIGNATURE));
		printf("other area: %s", call(&other, 32, 0, SIGNATURE));
		printf(", again %s", call(&other, 32, 0, SIGNATURE));
		printf(", taken away %s\n", call(&other, 32, RSEQ_FLAG_UNREGISTER, SIGNATURE));
		printf("misaligned: %s", call((char *)&other + 8, 32, 0, SIGNATURE));
		printf(", short: %s", call(&other, 16, 0, SIGNATURE));
		printf(", bad pointer: %s\n", call((void *)0xffff800000000000, 32, 0, SIGNATURE));
		printf("back: %s\n", call(own, own_len, 0, SIGNATURE));
		sleep_ms(2);
	}
	child = MUST(fork());
	if (child == 0)
		_exit(strcmp(call(own, own_len, 0, SIGNATURE), "EBUSY") ? 1 : 8);
	printf("a child has it: %d\n", wait_child(child));
	return test_done();
}
