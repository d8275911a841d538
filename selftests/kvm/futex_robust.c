// SPDX-License-Identifier: GPL-2.0-only
/* Robust mutexes: the owner dies as thread or process; the robust list of the thread is the one it registered; PI futexes. */
// modes: run compute read run+follow
#include "testlib.h"

#include <linux/futex.h>

static pthread_mutex_t *mutex;

static void *dies_with_it(void *argument)
{
	pthread_mutex_lock(mutex);
	return argument;
}

static void prepare(int type)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setprotocol(&attributes, type);
	memset(mutex, 0, sizeof(*mutex));
	CHECK(pthread_mutex_init(mutex, &attributes) == 0);
}

static void take_over(const char *what)
{
	int result = pthread_mutex_lock(mutex);

	printf("%s: %s", what, errno_name(result));
	printf(" consistent %s", errno_name(pthread_mutex_consistent(mutex)));
	printf(" unlock %s\n", errno_name(pthread_mutex_unlock(mutex)));
}

static void *holds_briefly(void *argument)
{
	pthread_mutex_lock(mutex);
	*(atomic_int *)argument = 1;
	sleep_ms(50);
	pthread_mutex_unlock(mutex);
	return NULL;
}

int main(void)
{
	atomic_int held = 0;
	pthread_t thread;
	struct robust_list_head *head = NULL;
	size_t len = 0;

	test_start();
	mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 10; i++) {
		prepare(PTHREAD_PRIO_NONE);
		pthread_create(&thread, NULL, dies_with_it, NULL);
		pthread_join(thread, NULL);
		take_over("thread died");
	}
	for (int i = 0; i < 5; i++) {
		prepare(PTHREAD_PRIO_NONE);
		pid_t child = MUST(fork());
		if (child == 0) {
			pthread_mutex_lock(mutex);
			_exit(0);
		}
		CHECK(wait_child(child) == 0);
		take_over("process died");
	}
	prepare(PTHREAD_PRIO_INHERIT);
	pthread_create(&thread, NULL, dies_with_it, NULL);
	pthread_join(thread, NULL);
	take_over("PI, thread died");
	prepare(PTHREAD_PRIO_INHERIT);
	pthread_create(&thread, NULL, holds_briefly, &held);
	while (!held)
		sched_yield();
	printf("PI, contended: %s\n", errno_name(pthread_mutex_lock(mutex)));
	pthread_mutex_unlock(mutex);
	pthread_join(thread, NULL);

	MUST(syscall(SYS_get_robust_list, 0, &head, &len));
	struct robust_list_head mine = {.list = {&mine.list}};
	printf("own list: size %zu\n", len);
	MUST(syscall(SYS_set_robust_list, &mine, sizeof(mine)));
	struct robust_list_head *now = NULL;
	MUST(syscall(SYS_get_robust_list, 0, &now, &len));
	printf("set: %d\n", now == &mine);
	MUST(syscall(SYS_set_robust_list, head, sizeof(*head)));
	printf("bad size: %s\n", syscall(SYS_set_robust_list, head, 1l) ? errno_name(errno) : "ok");
	return test_done();
}
