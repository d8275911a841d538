// SPDX-License-Identifier: GPL-2.0-only
/*
 * libdecouple as a C program uses it: decouples, watches and recouples a child that computes, and is refused what must be refused.
 * Plain C11, and nothing of the tree but the public header: capi_install.sh builds it against an installed library.
 */
// part-of: capi.sh capi_install.sh
#define _GNU_SOURCE
#include <decouple/libdecouple.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NO_SUCH_PID 4194299
#define CHECK(condition)                                                                                                       \
	do {                                                                                                                   \
		if (!(condition)) {                                                                                            \
			printf("%s:%d: %s; last error: %s\n", __FILE__, __LINE__, #condition, decouple_error());               \
			exit(1);                                                                                               \
		}                                                                                                              \
	} while (0)

/* Shared with the child: it computes until `stop`, then leaves its result. */
static struct shared {
	atomic_ulong blocks;
	atomic_int stop;
	uint64_t result;
	int tid;
} * shared;
static volatile sig_atomic_t reaped, notified;

static uint64_t block(uint64_t x)
{
	for (int i = 0; i < 10000; i++)
		x = (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9u + 1;
	return x;
}

static void *compute(void *x)
{
	uint64_t value = 1;

	shared->tid = gettid();
	while (!shared->stop) {
		value = block(value);
		getppid();
		shared->blocks++;
	}
	shared->result = value;
	return x;
}

static void nap(void)
{
	nanosleep(&(struct timespec){0, 10000000}, NULL);
}

/* Does the child compute? */
static int goes_on(void)
{
	unsigned long before = shared->blocks;

	for (int i = 0; i < 500 && shared->blocks == before; i++)
		nap();
	return shared->blocks != before;
}

/* A child; `threads`: its main thread waits for one that computes. */
static pid_t start(int threads)
{
	memset(shared, 0, sizeof(*shared));
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		pthread_t thread;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!threads)
			compute(NULL);
		else if (pthread_create(&thread, NULL, compute, NULL) || pthread_join(thread, NULL))
			_exit(1);
		_exit(0);
	}
	CHECK(goes_on());
	return pid;
}

/* The child ends and its result is what its number of blocks gives natively. */
static void finish(pid_t pid)
{
	uint64_t value = 1;
	int status;

	CHECK(goes_on());
	shared->stop = 1;
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	for (unsigned long i = shared->blocks; i; i--)
		value = block(value);
	CHECK(shared->result == value);
}

/* Number of threads listed; the first one to `t`. */
static int list(int pid, struct decouple_thread *t)
{
	struct decouple_thread *threads;
	int count = decouple_status(pid, &threads, sizeof(*threads));

	CHECK((count > 0) == !!threads);
	if (count > 0)
		*t = threads[0];
	decouple_status_free(threads);
	return count;
}

/* KVM's exits of a thread's vCPU. */
static unsigned long exits_of(int pid)
{
	struct decouple_kvm_figure *figures;
	int count = decouple_kvm_figures(pid, pid, &figures, sizeof(*figures));
	unsigned long exits = 0;

	CHECK(count > 0 && figures);
	for (int i = 0; i < count; i++) {
		CHECK(figures[i].value && memchr(figures[i].name, 0, sizeof(figures[i].name)));
		if (!strcmp(figures[i].name, "exits"))
			exits = figures[i].value;
	}
	decouple_kvm_figures_free(figures);
	return exits;
}

static void cycle(void)
{
	struct decouple_thread t, later;
	pid_t pid = start(0);

	CHECK(decouple_probe(pid) == 0);
	CHECK(list(pid, &t) == 0);
	CHECK(decouple_attach(pid, NULL) == 1);
	CHECK(list(pid, &t) == 1);
	CHECK(t.pid == pid && t.tid == pid && t.core >= 0 && t.service_core >= 0 && t.error == 0 && t.captures > 0);
	CHECK(t.state == DECOUPLE_STATE_DECOUPLED && !strcmp(decouple_state_name(t.state), "decoupled"));
	CHECK(t.reason == DECOUPLE_REASON_NONE && !*decouple_reason_text(t.reason));
	CHECK(goes_on() && goes_on());
	CHECK(list(pid, &later) == 1 && later.syscalls > t.syscalls);
	CHECK(list(0, &later) >= 1);
	unsigned long exits = exits_of(pid);
	CHECK(exits && exits_of(pid) >= exits);
	CHECK(decouple_attach(pid, NULL) == -EALREADY && strstr(decouple_error(), "already"));
	CHECK(decouple_recouple(pid, NULL, 0) == 1);
	CHECK(list(pid, &t) == 0);
	CHECK(decouple_recouple(pid, NULL, 0) == -ENOENT);
	finish(pid);
}

/* Every option at once, and an array of larger elements. */
static void options(void)
{
	struct {
		struct decouple_attach_options known;
		char later[24];
	} o = {.known = {.size = sizeof(o), .flags = DECOUPLE_ATTACH_FOLLOW, .home_spin_us = 50}};
	char(*larger)[sizeof(struct decouple_thread) + 16];
	struct decouple_thread t;
	cpu_set_t allowed;
	int core = 0, service, tids[2], count;
	pid_t pid = start(1);

	CHECK(sched_getaffinity(0, sizeof(allowed), &allowed) == 0);
	while (!CPU_ISSET(core, &allowed))
		core++;
	for (service = core + 1; service < CPU_SETSIZE && !CPU_ISSET(service, &allowed); service++)
		;
	if (service == CPU_SETSIZE)
		service = core;
	tids[0] = pid, tids[1] = shared->tid;
	o.known.tids = &tids[1], o.known.tid_count = 1;
	o.known.cores = &core, o.known.core_count = 1;
	o.known.service_cores = &service, o.known.service_core_count = 1;
	CHECK(decouple_attach(pid, &o.known) == 1);
	CHECK(list(pid, &t) == 1 && t.tid == tids[1] && t.core == core && t.service_core == service);
	o.known.tids = tids;
	CHECK(decouple_attach(pid, &o.known) == 1);
	count = decouple_status(pid, (struct decouple_thread **)&larger, sizeof(*larger));
	CHECK(count == 2);
	for (int i = 0; i < count; i++) {
		static const char zero[16];

		memcpy(&t, larger[i], sizeof(t));
		CHECK(t.pid == pid && (t.tid == tids[0] || t.tid == tids[1]) && t.state == DECOUPLE_STATE_DECOUPLED);
		CHECK(!memcmp(larger[i] + sizeof(t), zero, sizeof(zero)));
	}
	decouple_status_free((struct decouple_thread *)larger);
	CHECK(decouple_recouple(pid, tids, 2) == 2);
	o.known = (struct decouple_attach_options){.size = sizeof(o.known), .flags = DECOUPLE_ATTACH_ALL};
	CHECK(decouple_attach(pid, &o.known) == 2);
	CHECK(decouple_recouple(pid, NULL, 0) == 2);
	finish(pid);
}

/* One field wrong at a time, in otherwise valid options. */
static void refused_option(pid_t pid, struct decouple_attach_options o, int error, const char *text)
{
	struct decouple_thread t;
	int result = decouple_attach(pid, &o);

	if (result != error || !strstr(decouple_error(), text)) {
		printf("attach with a bad option: %d (%s) instead of %d (%s)\n", result, decouple_error(), error, text);
		exit(1);
	}
	CHECK(list(pid, &t) == 0);
}

static void refusals(void)
{
	const __u32 size = sizeof(struct decouple_attach_options), thread_size = sizeof(struct decouple_thread);
	const int self = getpid(), no_core = 4095, bad_core = -1;
	struct {
		struct decouple_attach_options known;
		char later[8];
	} newer = {.known = {.size = sizeof(newer)}, .later = {1}};
	struct decouple_thread *threads = NULL, t;
	pid_t pid = start(0);
	const int twice[] = {pid, pid};

	CHECK(decouple_probe(-1) == -EINVAL && decouple_probe(NO_SUCH_PID) == -ESRCH && decouple_probe(self) == -EINVAL);
	CHECK(decouple_attach(0, NULL) == -EINVAL && decouple_attach(-1, NULL) == -EINVAL);
	CHECK(decouple_attach(NO_SUCH_PID, NULL) == -ESRCH && strstr(decouple_error(), "no process"));
	CHECK(decouple_attach(self, NULL) == -EINVAL);
	refused_option(pid, (struct decouple_attach_options){.size = 0}, -EINVAL, "size");
	refused_option(pid, (struct decouple_attach_options){.size = size - 1}, -EINVAL, "size");
	refused_option(pid, (struct decouple_attach_options){.size = ~0u}, -EINVAL, "size");
	CHECK(decouple_attach(pid, &newer.known) == -E2BIG && strstr(decouple_error(), "newer"));
	refused_option(pid, (struct decouple_attach_options){.size = size, .flags = 4}, -EINVAL, "flags");
	refused_option(pid, (struct decouple_attach_options){.size = size, .tid_count = 1}, -EINVAL, "tids is NULL");
	refused_option(pid, (struct decouple_attach_options){.size = size, .core_count = 1}, -EINVAL, "cores is NULL");
	refused_option(pid, (struct decouple_attach_options){.size = size, .service_core_count = 1}, -EINVAL,
		       "service_cores is NULL");
	refused_option(pid, (struct decouple_attach_options){.size = size, .tids = &pid, .tid_count = 1025}, -EINVAL, "1025");
	refused_option(pid, (struct decouple_attach_options){.size = size, .tids = &self, .tid_count = 1}, -ESRCH, "no thread");
	refused_option(
		pid, (struct decouple_attach_options){.size = size, .flags = DECOUPLE_ATTACH_ALL, .tids = &pid, .tid_count = 1},
		-EINVAL, "ALL");
	refused_option(pid, (struct decouple_attach_options){.size = size, .cores = &no_core, .core_count = 1}, -EINVAL,
		       "4095");
	refused_option(pid, (struct decouple_attach_options){.size = size, .cores = &bad_core, .core_count = 1}, -EINVAL, "-1");
	refused_option(pid, (struct decouple_attach_options){.size = size, .service_cores = &no_core, .service_core_count = 1},
		       -EINVAL, "service core 4095");
	refused_option(pid, (struct decouple_attach_options){.size = size, .home_spin_us = 1000001}, -EINVAL, "home_spin_us");
	refused_option(pid, (struct decouple_attach_options){.size = size, .tids = twice, .tid_count = 2}, -EINVAL, "twice");

	CHECK(decouple_status(pid, NULL, thread_size) == -EINVAL);
	threads = (void *)-1;
	CHECK(decouple_status(pid, &threads, 0) == -EINVAL && !threads);
	CHECK(decouple_status(pid, &threads, thread_size - 1) == -EINVAL && decouple_status(pid, &threads, ~0u) == -EINVAL);
	CHECK(decouple_status(-1, &threads, thread_size) == -EINVAL);
	CHECK(decouple_status(NO_SUCH_PID, &threads, thread_size) == -ESRCH && !threads);
	decouple_status_free(NULL);

	struct decouple_kvm_figure *figures = (void *)-1;
	const __u32 figure_size = sizeof(*figures);
	CHECK(decouple_kvm_figures(pid, pid, NULL, figure_size) == -EINVAL);
	CHECK(decouple_kvm_figures(pid, pid, &figures, figure_size - 1) == -EINVAL && !figures);
	CHECK(decouple_kvm_figures(pid, pid, &figures, ~0u) == -EINVAL);
	CHECK(decouple_kvm_figures(0, pid, &figures, figure_size) == -EINVAL);
	CHECK(decouple_kvm_figures(pid, 0, &figures, figure_size) == -EINVAL && strstr(decouple_error(), "thread id 0"));
	CHECK(decouple_kvm_figures(pid, pid, &figures, figure_size) == -ENOENT && strstr(decouple_error(), "not decoupled"));
	CHECK(decouple_kvm_figures(NO_SUCH_PID, pid, &figures, figure_size) == -ESRCH);
	decouple_kvm_figures_free(NULL);

	CHECK(decouple_recouple(0, NULL, 0) == -EINVAL && decouple_recouple(NO_SUCH_PID, NULL, 0) == -ESRCH);
	CHECK(decouple_recouple(pid, NULL, 1) == -EINVAL && decouple_recouple(pid, &pid, 1025) == -EINVAL);
	CHECK(decouple_recouple(pid, NULL, 0) == -ENOENT);
	CHECK(decouple_attach(pid, NULL) == 1);
	CHECK(decouple_recouple(pid, &self, 1) == -ENOENT && goes_on());
	CHECK(decouple_recouple(pid, twice, 2) == -EINVAL && list(pid, &t) == 1);
	CHECK(decouple_recouple(pid, &pid, 1) == 1);
	CHECK(!strcmp(decouple_state_name(99), "unknown") && !strcmp(decouple_reason_text(99), "unknown"));
	finish(pid);
}

/* A caller without rights learns that, and does not see an empty list. */
static void not_permitted(void)
{
	struct decouple_thread *threads;
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
		CHECK(decouple_status(getppid(), &threads, sizeof(*threads)) == -EPERM &&
		      strstr(decouple_error(), "permitted"));
		CHECK(decouple_recouple(getppid(), NULL, 0) == -EPERM && decouple_attach(getppid(), NULL) < 0);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void on_child(int sig)
{
	int status, error = errno;

	(void)sig;
	notified++;
	while (waitpid(-1, &status, WNOHANG) > 0)
		reaped++;
	errno = error;
}

/* A caller that reaps its children at SIGCHLD keeps its handler, mask, affinity and timer slack, and sees no stop of the target. */
static void caller_untouched(void)
{
	struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART};
	const char *reflector = getenv("REFLECTOR");
	cpu_set_t cores[2];
	sigset_t mask[2];
	pid_t pid = start(0);

	CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
	CHECK(prctl(PR_SET_TIMERSLACK, 77777) == 0 && sched_getaffinity(0, sizeof(cores[0]), &cores[0]) == 0);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &mask[0]) == 0);
	for (int i = 0; i < 10; i++) {
		CHECK(decouple_attach(pid, NULL) == 1);
		CHECK(decouple_recouple(pid, NULL, 0) == 1);
	}
	/* The stops of one call (an attach has two) become one SIGCHLD at its end, when there is nothing to be taken away. The module stops none. */
	CHECK(reflector && !strcmp(reflector, "module") ? !notified : notified > 0 && notified <= 20);
	CHECK(prctl(PR_GET_TIMERSLACK) == 77777 && sched_getaffinity(0, sizeof(cores[1]), &cores[1]) == 0);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &mask[1]) == 0);
	CHECK(CPU_EQUAL(&cores[0], &cores[1]) && !memcmp(&mask[0], &mask[1], 8) && !reaped);
	action.sa_handler = SIG_DFL;
	CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
	finish(pid);
}

static void *other_thread(void *ok)
{
	CHECK(!*decouple_error());
	CHECK(decouple_probe(-7) == -EINVAL && strstr(decouple_error(), "-7"));
	return ok;
}

static void error_per_thread(void)
{
	pthread_t thread;

	CHECK(decouple_probe(-5) == -EINVAL && strstr(decouple_error(), "-5"));
	CHECK(pthread_create(&thread, NULL, other_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
	CHECK(strstr(decouple_error(), "-5"));
}

int main(int count, char **arguments)
{
	setbuf(stdout, NULL);
	CHECK(!*decouple_error());
	CHECK(count < 2 || !strcmp(decouple_version(), arguments[1]));
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	if (decouple_probe(0)) {
		CHECK(decouple_probe(0) == -EOPNOTSUPP && *decouple_error());
		printf("%s\n", decouple_error());
		return 4;
	}
	cycle();
	options();
	refusals();
	if (geteuid() == 0)
		not_permitted();
	else
		printf("not permitted: needs root, not tested\n");
	caller_untouched();
	error_per_thread();
	return 0;
}
