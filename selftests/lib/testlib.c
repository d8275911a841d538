// SPDX-License-Identifier: GPL-2.0-only
/* The common part of the behaviour tests; see testlib.h. */
#include "testlib.h"

#include <dirent.h>
#include <stdarg.h>

static volatile uint8_t *control;
static int failed;

static const char *mode(void)
{
	const char *value = getenv("DECOUPLE_TEST_MODE");
	return value ? value : "native";
}

bool test_decoupled_run(void)
{
	return strcmp(mode(), "native") != 0;
}

bool decoupled_now(void)
{
	char wanted[32], name[64], comm[32];
	struct dirent *entry;
	bool found = false;
	DIR *tasks = opendir("/proc/self/task");

	snprintf(wanted, sizeof(wanted), "dec-vcpu/%d", (int)syscall(SYS_gettid));
	wanted[15] = 0; /* TASK_COMM_LEN */
	while (tasks && !found && (entry = readdir(tasks))) {
		snprintf(name, sizeof(name), "/proc/self/task/%.20s/comm", entry->d_name);
		int fd = open(name, O_RDONLY | O_CLOEXEC);
		ssize_t len = fd < 0 ? -1 : read(fd, comm, sizeof(comm) - 1);
		if (fd >= 0)
			close(fd);
		if (len > 0) {
			comm[len - 1] = 0;
			found = !strcmp(comm, wanted);
		}
	}
	if (tasks)
		closedir(tasks);
	return found;
}

static int open_in_dir(const char *name, int flags)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", getenv("DECOUPLE_TEST_DIR"), name);
	return MUST(open(path, flags | O_CLOEXEC));
}

static void tell(const char *event)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "%s %d %d .\n", event, (int)getpid(), (int)syscall(SYS_gettid));
	int fd = open_in_dir("events", O_WRONLY);

	CHECK(write(fd, line, len) == len);
	close(fd);
}

/* Integer and floating point registers carry the same sequence: a register lost at the attach shows as a difference. */
static void compute_until(volatile uint8_t *flag)
{
	uint64_t i = 1;
	double f = 1;

	while (!*flag) {
		i = i * 5 % 1048573;
		f = f * 5;
		f -= (double)(uint64_t)(f / 1048573) * 1048573;
	}
	CHECK(i == (uint64_t)f);
}

static void sleep_until_flag(void)
{
	while (!control[0]) {
		uint64_t begin = now_ns();
		struct timespec delay = {0, 50 * MS};
		CHECK(nanosleep(&delay, NULL) == 0);
		CHECK(now_ns() - begin >= 50 * MS);
	}
}

static void read_until_flag(void)
{
	int fd = open_in_dir("go", O_RDONLY);
	char byte;

	do {
		CHECK(read(fd, &byte, 1) == 1);
	} while (!control[0]);
	close(fd);
}

void test_start(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!getenv("DECOUPLE_TEST_DIR"))
		return;
	int fd = open_in_dir("control", O_RDWR);
	control = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(control != MAP_FAILED);
	close(fd);
	tell("start");
	if (!strcmp(mode(), "call"))
		return;
	if (!strcmp(mode(), "sleep"))
		sleep_until_flag();
	else if (!strcmp(mode(), "read"))
		read_until_flag();
	else
		compute_until(&control[0]);
	if (test_decoupled_run())
		CHECK(decoupled_now());
}

static int done(const char *event, bool decoupled)
{
	if (!control)
		return failed;
	/* The vCPU thread of one who went native ends beside it. */
	for (int tries = 0; test_decoupled_run() && !decoupled && decoupled_now() && tries < 200; tries++)
		usleep(10000);
	if (test_decoupled_run() && decoupled_now() != decoupled)
		test_fail(__FILE__, __LINE__, decoupled ? "not decoupled at the end" : "still decoupled at the end");
	tell(event);
	compute_until(&control[1]);
	return failed;
}

int test_done(void)
{
	return done("end", true);
}

int test_done_native(void)
{
	return done("native", false);
}

void test_skip(const char *reason, ...)
{
	va_list args;

	va_start(args, reason);
	vprintf(reason, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(4);
}

void test_fail(const char *file, int line, const char *what)
{
	const char *slash = strrchr(file, '/');

	printf("FAIL %s:%d: %s\n", slash ? slash + 1 : file, line, what);
	failed = 1;
}

uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

void busy_ms(unsigned ms)
{
	uint64_t end = now_ns() + ms * MS;

	while (now_ns() < end)
		;
}

void sleep_ms(unsigned ms)
{
	struct timespec rest = {ms / 1000, (long)(ms % 1000) * 1000000};

	while (nanosleep(&rest, &rest) && errno == EINTR)
		;
}

bool between(uint64_t value, uint64_t low, uint64_t high)
{
	if (value >= low && value <= high)
		return true;
	fprintf(stderr, "%llu is not in %llu..%llu\n", (unsigned long long)value, (unsigned long long)low,
		(unsigned long long)high);
	return false;
}

void handle(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

	MUST(sigaction(sig, &action, NULL));
}

pid_t signal_later(pid_t pid, int sig, unsigned ms)
{
	pid_t child = MUST(fork());

	if (child)
		return child;
	sleep_ms(ms);
	_exit(kill(pid, sig) ? 1 : 0);
}

int wait_child(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, __WALL) != pid)
		if (errno != EINTR)
			return -errno;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void arm_timer(unsigned first_us, unsigned interval_us)
{
	struct itimerval value = {{interval_us / 1000000, interval_us % 1000000}, {first_us / 1000000, first_us % 1000000}};

	MUST(setitimer(ITIMER_REAL, &value, NULL));
}

const char *errno_name(int error)
{
	const char *name = error ? strerrorname_np(error) : "0";
	return name ? name : "unknown";
}
