// SPDX-License-Identifier: GPL-2.0-only
/* Threads: create and join 200 times, mutexes, condition variables, barriers, thread-local storage, detached ones. */
// timeout: 120
// modes: run compute read run+follow compute+follow
#include "testlib.h"

static __thread int local = 17;
static __thread char block[300] = "initial";
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static long counter, turn;
static atomic_int detached;

static void *simple(void *argument)
{
	long number = (long)argument;

	if (local != 17 || strcmp(block, "initial"))
		return (void *)-1;
	local = number;
	snprintf(block, sizeof(block), "thread %ld", number);
	return (void *)(number * 2);
}

static void *count(void *argument)
{
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	return argument;
}

static void *take_turns(void *argument)
{
	long me = (long)argument;

	for (int i = 0; i < 200; i++) {
		pthread_mutex_lock(&mutex);
		while (turn != me)
			pthread_cond_wait(&condition, &mutex);
		turn = !turn;
		pthread_cond_signal(&condition);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *meet(void *argument)
{
	(void)argument;
	for (int i = 0; i < 50; i++)
		pthread_barrier_wait(&barrier);
	return NULL;
}

static void *leave(void *argument)
{
	detached++;
	return argument;
}

int main(void)
{
	pthread_t threads[4];
	void *result;
	long sum = 0;

	test_start();
	for (long i = 0; i < 200; i++) {
		CHECK(pthread_create(&threads[0], NULL, simple, (void *)i) == 0);
		pthread_join(threads[0], &result);
		sum += (long)result;
	}
	printf("200 threads: %ld, own storage %d %s\n", sum, local, block);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, count, NULL);
	count(NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	printf("mutex: %ld\n", counter);
	pthread_create(&threads[0], NULL, take_turns, (void *)1);
	take_turns((void *)0);
	pthread_join(threads[0], NULL);
	printf("condition variable: turn %ld\n", turn);
	pthread_barrier_init(&barrier, NULL, 4);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, meet, NULL);
	meet(NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 10; i++) {
		pthread_create(&threads[0], NULL, leave, NULL);
		pthread_detach(threads[0]);
	}
	for (uint64_t end = now_ns() + 5000 * MS; detached < 10 && now_ns() < end;)
		sched_yield();
	printf("detached: %d\n", (int)detached);
	return test_done();
}
