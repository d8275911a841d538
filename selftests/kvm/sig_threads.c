// SPDX-License-Identifier: GPL-2.0-only
/* Signals between threads: pthread_kill both ways, masks of their own, process signals, pthread_cancel. */
// modes: run compute read run+follow compute+follow
#include "testlib.h"

static atomic_int main_calls, worker_calls, ready;
static pthread_t main_thread;
static volatile int stop;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	if (pthread_equal(pthread_self(), main_thread))
		main_calls++;
	else
		worker_calls++;
}

static void *worker(void *argument)
{
	bool sleeping = argument != NULL;

	ready = 1;
	while (!stop)
		if (sleeping)
			sleep_ms(2);
	return NULL;
}

static void *pester(void *argument)
{
	(void)argument;
	for (int i = 0; i < 100; i++) {
		int before = main_calls;
		pthread_kill(main_thread, SIGUSR1);
		while (main_calls == before)
			;
	}
	return NULL;
}

static void cleanup(void *argument)
{
	*(int *)argument = 1;
}

static void *cancelled(void *argument)
{
	pthread_cleanup_push(cleanup, argument);
	ready = 1;
	for (;;)
		pause();
	pthread_cleanup_pop(0);
	return NULL;
}

static void *cancels_computing(void *argument)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	pthread_cleanup_push(cleanup, argument);
	ready = 1;
	for (;;)
		__asm__ volatile("" ::: "memory");
	pthread_cleanup_pop(0);
	return NULL;
}

int main(void)
{
	sigset_t set;
	pthread_t thread;
	void *result;

	test_start();
	main_thread = pthread_self();
	handle(SIGUSR1, handler, SA_RESTART);
	handle(SIGUSR2, handler, SA_RESTART);
	for (long sleeping = 0; sleeping < 2; sleeping++) {
		ready = stop = 0;
		pthread_create(&thread, NULL, worker, (void *)sleeping);
		while (!ready)
			;
		worker_calls = 0;
		for (int i = 0; i < 50; i++) {
			int before = worker_calls;
			CHECK(pthread_kill(thread, SIGUSR1) == 0);
			while (worker_calls == before)
				;
		}
		printf("to the worker: %d\n", (int)worker_calls);
		stop = 1;
		pthread_join(thread, NULL);
	}
	pthread_create(&thread, NULL, pester, NULL);
	pthread_join(thread, NULL);
	printf("to the main thread: %d\n", (int)main_calls);

	/* USR2 is open in the worker only. */
	ready = stop = worker_calls = main_calls = 0;
	pthread_create(&thread, NULL, worker, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	while (!ready)
		;
	for (int i = 0; i < 20; i++) {
		int before = worker_calls;
		kill(getpid(), SIGUSR2);
		for (uint64_t end = now_ns() + 2000 * MS; worker_calls == before && now_ns() < end;)
			;
	}
	printf("to whoever has it open: worker %d, main %d\n", (int)worker_calls, (int)main_calls);
	stop = 1;
	pthread_join(thread, NULL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);

	int cleaned = 0;
	ready = 0;
	pthread_create(&thread, NULL, cancelled, &cleaned);
	while (!ready)
		;
	sleep_ms(5);
	pthread_cancel(thread);
	pthread_join(thread, &result);
	printf("cancelled in pause: %d, cleaned %d\n", result == PTHREAD_CANCELED, cleaned);
	cleaned = ready = 0;
	pthread_create(&thread, NULL, cancels_computing, &cleaned);
	while (!ready)
		;
	pthread_cancel(thread);
	pthread_join(thread, &result);
	printf("cancelled while computing: %d, cleaned %d\n", result == PTHREAD_CANCELED, cleaned);
	return test_done();
}
