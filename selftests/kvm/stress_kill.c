// SPDX-License-Identifier: GPL-2.0-only
/*
 * kill -9 at random moments: of the target, of the decouple command and everything that it started, of a vCPU thread.
 *
 * usage: stress_kill SEED ROUNDS PROGRAMS       (environment: DECOUPLE, the command; REFLECTOR)
 * PROGRAMS is the directory of stress_threads and stress_regs, which are the targets in turn. Each round starts one and does one of:
 *   target  attach (and sometimes recouple) it, kill it meanwhile or afterwards: all must be gone
 *   attach  kill the command while it attaches       the target must go on and end with the right result, sometimes after
 *   back    kill the command while it recouples      another recouple; which may fail, but must come back
 *   vcpu    attach, then kill a thread that has a vCPU: the whole process dies, as Linux has it
 *   run     kill `decouple run` while it starts or runs the target: it dies or ends with the right result
 * After each round nothing may be left of what it started. Exit status 1 after the first failure; the seed is printed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 30.0 /* a busy machine is slow, not stuck */

enum kind { KILL_TARGET, KILL_ATTACH, KILL_BACK, KILL_VCPU, KILL_RUN, KINDS };
static const char *const kind_names[KINDS] = {"target", "attach", "back", "vcpu", "run"};

struct target {
	pid_t pid;
	int out; /* its standard output */
	char text[4096];
	size_t len;
};

static const char *command, *programs, *reflector;
static uint64_t state;
static double attach_s = 0.05, back_s = 0.05;
static unsigned long rounds_of[KINDS], in_time[KINDS], survivors[KINDS];
static unsigned long round_now;
static enum kind kind_now;

static uint64_t random64(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void sleep_s(double s)
{
	struct timespec t = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};

	nanosleep(&t, NULL);
}

static void sleep_random(double most_s)
{
	sleep_s(most_s * (double)(random64() >> 11) / (double)(1ull << 53));
}

static void show_file(const char *format, int pid, const char *tid)
{
	char path[300], text[512];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), format, pid, tid);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n > 0) {
		text[n] = 0;
		text[strcspn(text, "\n")] = 0;
		printf("  %s: %s\n", path, text);
	}
	if (fd >= 0)
		close(fd);
}

/* Says where each thread of a process is, for who has to find out why. */
static void show_process(pid_t pid)
{
	char path[64];
	DIR *dir;
	struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		show_file("/proc/%d/task/%s/comm", pid, entry->d_name);
		show_file("/proc/%d/task/%s/wchan", pid, entry->d_name);
		show_file("/proc/%d/task/%s/syscall", pid, entry->d_name);
	}
	if (dir)
		closedir(dir);
	snprintf(path, sizeof(path), "%d", pid);
	fflush(stdout);
	if (!fork()) {
		alarm(5);
		execl(command, command, "status", "-v", path, (char *)NULL);
		_exit(127);
	}
	wait(NULL);
}

__attribute__((noreturn, format(printf, 2, 3))) static void fail(pid_t pid, const char *format, ...)
{
	va_list args;

	printf("round %lu (%s): ", round_now, kind_names[kind_now]);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	if (pid > 0)
		show_process(pid);
	fflush(stdout);
	/* What is left is ours: only processes that this one started or inherited. */
	for (int i = 0; i < 100; i++) {
		pid_t child = -1;
		char path[64], text[4096];
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", getpid(), getpid());
		f = fopen(path, "r");
		if (f && fgets(text, sizeof(text), f))
			for (char *s = strtok(text, " "); s; s = strtok(NULL, " "))
				kill(atoi(s), SIGKILL);
		if (f)
			fclose(f);
		while ((child = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (child < 0)
			break;
		sleep_s(0.01);
	}
	exit(1);
}

static pid_t spawn(const char *const argv[], int out)
{
	pid_t pid = fork();
	int null;

	if (pid < 0)
		fail(0, "fork: %s", strerror(errno));
	if (pid)
		return pid;
	setpgid(0, 0);
	null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(out >= 0 ? out : null, 1);
	dup2(null, 2);
	close_range(3, ~0u, 0);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(126);
}

/* Waits for a child to end; -1 if it does not in time. */
static int ended(pid_t pid, double patience_s, int *status)
{
	double end = now() + patience_s;

	for (;;) {
		pid_t got = waitpid(pid, status, WNOHANG);

		if (got == pid)
			return 0;
		if (got < 0)
			fail(0, "waitpid(%d): %s", pid, strerror(errno));
		if (now() > end)
			return -1;
		sleep_s(0.0005);
	}
}

static pid_t start_command(const char *first, const char *second, int all)
{
	const char *argv[8];
	int n = 0;

	argv[n++] = command;
	argv[n++] = first;
	if (second)
		argv[n++] = second;
	if (all)
		argv[n++] = "--all";
	if (reflector && (!second || all)) {
		argv[n++] = "--reflector";
		argv[n++] = reflector;
	}
	argv[n] = NULL;
	return spawn(argv, -1);
}

static pid_t start_attach(pid_t target, int all)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", target);
	return start_command(pid, NULL, all);
}

static pid_t start_recouple(pid_t target)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", target);
	return start_command("recouple", pid, 0);
}

static int read_more(struct target *t)
{
	ssize_t n = read(t->out, t->text + t->len, sizeof(t->text) - 1 - t->len);

	if (n > 0)
		t->text[t->len += (size_t)n] = 0;
	return n == 0;
}

static void wait_for_start(struct target *t)
{
	double end = now() + PATIENCE_S;

	while (!strstr(t->text, "pid=")) {
		if (read_more(t) || now() > end)
			fail(t->pid, "the target does not start");
		sleep_s(0.0002);
	}
}

static void start_target(struct target *t, int under_run)
{
	char threads[300], regs[300];
	const char *argv[12];
	int n = 0, pipe_fd[2];

	snprintf(threads, sizeof(threads), "%s/stress_threads", programs);
	snprintf(regs, sizeof(regs), "%s/stress_regs", programs);
	if (under_run) {
		argv[n++] = command;
		argv[n++] = "run";
		if (reflector) {
			argv[n++] = "--reflector";
			argv[n++] = reflector;
		}
		argv[n++] = "--";
	}
	argv[n++] = round_now & 1 ? threads : regs;
	argv[n++] = round_now & 1 ? "-t" : "-s";
	argv[n++] = round_now & 1 ? "2" : "60";
	argv[n] = NULL;
	memset(t, 0, sizeof(*t));
	if (pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK))
		fail(0, "pipe: %s", strerror(errno));
	fcntl(pipe_fd[1], F_SETFL, 0);
	t->pid = spawn(argv, pipe_fd[1]);
	t->out = pipe_fd[0];
	close(pipe_fd[1]);
}

/* The target must still be able to end by itself, with the right result. */
static void expect_result(struct target *t)
{
	double end = now() + PATIENCE_S;
	int status;

	sleep_random(0.01);
	kill(t->pid, SIGTERM);
	if (ended(t->pid, PATIENCE_S, &status))
		fail(t->pid, "the target hangs; it said: %s", t->text);
	while (!read_more(t) && now() < end)
		sleep_s(0.0002);
	if (status || !strstr(t->text, " bad=0\n"))
		fail(0, "the target ended with status %x and said: %s", status, t->text);
	survivors[kind_now]++;
}

static void expect_killed(struct target *t)
{
	int status;

	if (ended(t->pid, PATIENCE_S, &status))
		fail(t->pid, "the killed target is still there");
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail(0, "the killed target has status %x and said: %s", status, t->text);
}

static void expect_end(pid_t pid, const char *what)
{
	int status;

	if (ended(pid, PATIENCE_S, &status))
		fail(pid, "%s hangs", what);
}

static void attach_fully(struct target *t)
{
	pid_t cli = start_attach(t->pid, (int)(random64() & 1));
	int status;

	if (ended(cli, PATIENCE_S, &status))
		fail(cli, "attach hangs");
	if (status)
		fail(t->pid, "attach failed with status %x", status);
}

/* A thread of the process that holds a vCPU, 0 if there is none. */
static pid_t vcpu_thread(pid_t pid)
{
	char path[600], link[64];
	DIR *tasks, *fds;
	struct dirent *task, *fd;
	pid_t found = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	while (tasks && !found && (task = readdir(tasks))) {
		if (task->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/fd", pid, task->d_name);
		fds = opendir(path);
		while (fds && (fd = readdir(fds))) {
			ssize_t n;

			snprintf(path, sizeof(path), "/proc/%d/task/%s/fd/%s", pid, task->d_name, fd->d_name);
			n = readlink(path, link, sizeof(link) - 1);
			if (n > 0 && !strncmp(link, "anon_inode:kvm-vcpu", 19))
				found = atoi(task->d_name);
		}
		if (fds)
			closedir(fds);
	}
	if (tasks)
		closedir(tasks);
	return found;
}

static void kill_command(pid_t cli)
{
	int status;

	if (waitpid(cli, &status, WNOHANG) == cli)
		return;
	kill(-cli, SIGKILL);
	if (ended(cli, PATIENCE_S, &status))
		fail(cli, "the killed command is still there");
	in_time[kind_now] += WIFSIGNALED(status) != 0;
}

static void one_round(void)
{
	struct target t;
	pid_t cli, vcpu;

	start_target(&t, kind_now == KILL_RUN);
	if (kind_now != KILL_RUN)
		wait_for_start(&t);
	switch (kind_now) {
	case KILL_TARGET:
		cli = start_attach(t.pid, (int)(random64() & 1));
		if (random64() & 1) {
			sleep_random(attach_s * 1.2);
		} else {
			expect_end(cli, "attach");
			cli = start_recouple(t.pid);
			sleep_random(back_s * 1.2);
		}
		in_time[kind_now]++;
		kill(t.pid, SIGKILL);
		expect_killed(&t);
		expect_end(cli, "the command whose target was killed");
		break;
	case KILL_ATTACH:
	case KILL_BACK:
		if (kind_now == KILL_BACK) {
			attach_fully(&t);
			cli = start_recouple(t.pid);
		} else {
			cli = start_attach(t.pid, (int)(random64() & 1));
		}
		sleep_random(kind_now == KILL_BACK ? back_s : attach_s);
		kill_command(cli);
		if (random64() & 1)
			expect_end(start_recouple(t.pid), "recouple after a killed command");
		expect_result(&t);
		break;
	case KILL_VCPU:
		attach_fully(&t);
		sleep_random(0.005);
		vcpu = vcpu_thread(t.pid);
		if (!vcpu)
			fail(t.pid, "the decoupled target has no vCPU thread");
		in_time[kind_now]++;
		syscall(SYS_tgkill, t.pid, vcpu, SIGKILL);
		expect_killed(&t);
		break;
	case KILL_RUN:
	case KINDS:
		sleep_random(attach_s * 2);
		kill(t.pid, SIGKILL);
		expect_end(t.pid, "the killed command");
		in_time[kind_now]++;
		/* The program, if it was started, is ours now; the end of its output is its end. */
		for (double end = now() + PATIENCE_S; !read_more(&t);) {
			char *pid = strstr(t.text, "pid=");

			if (pid && strchr(pid, '\n'))
				kill(atoi(pid + 4), SIGTERM);
			if (now() > end)
				fail(pid ? atoi(pid + 4) : 0, "the program under a killed command hangs; it said: %s", t.text);
			sleep_s(0.001);
		}
		if (strstr(t.text, " bad=0\n"))
			survivors[kind_now]++;
		else if (strstr(t.text, "bad=") || strstr(t.text, "BAD"))
			fail(0, "the program under a killed command said: %s", t.text);
		break;
	}
	close(t.out);
	for (double end = now() + PATIENCE_S; waitpid(-1, NULL, WNOHANG) >= 0; sleep_s(0.0005))
		if (now() > end)
			fail(0, "processes of this round are left");
	if (errno != ECHILD)
		fail(0, "waitpid: %s", strerror(errno));
}

/* How long the commands take here and now, so that the random moments fall into them. */
static void measure(void)
{
	struct target t;
	double start;
	int status;

	kind_now = KILL_ATTACH;
	start_target(&t, 0);
	wait_for_start(&t);
	start = now();
	attach_fully(&t);
	attach_s = now() - start;
	start = now();
	if (ended(start_recouple(t.pid), PATIENCE_S, &status) || status)
		fail(t.pid, "recouple failed with status %x", status);
	back_s = now() - start;
	expect_result(&t);
	survivors[kind_now] = 0;
	close(t.out);
}

int main(int argc, char **argv)
{
	unsigned long count;

	if (argc != 4)
		return 2;
	command = getenv("DECOUPLE") ? getenv("DECOUPLE") : "build/decouple";
	reflector = getenv("REFLECTOR") && *getenv("REFLECTOR") ? getenv("REFLECTOR") : NULL;
	state = strtoull(argv[1], NULL, 0);
	count = strtoul(argv[2], NULL, 0);
	programs = argv[3];
	printf("seed=%s\n", argv[1]);
	fflush(stdout);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	measure();
	printf("attach %.0f ms, recouple %.0f ms\n", attach_s * 1e3, back_s * 1e3);
	for (round_now = 0; round_now < count; round_now++) {
		kind_now = (enum kind)(random64() % KINDS);
		rounds_of[kind_now]++;
		one_round();
	}
	for (int k = 0; k < KINDS; k++)
		printf("%s: rounds=%lu killed_in_time=%lu survivors=%lu\n", kind_names[k], rounds_of[k], in_time[k],
		       survivors[k]);
	return 0;
}
