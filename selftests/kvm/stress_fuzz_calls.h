/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The system calls that stress_fuzz draws from, with the kind of each argument. All are harmless for the machine, none waits.
 *
 * Arguments: f descriptor, b buffer, n length, p path, t short or wrong timespec (never absent), w page of the playground,
 * q length in the playground, k signal mask in a buffer, s signal, i small integer, r any 64 bits, 0-9 that number, a AT_FDCWD,
 * v array of iovec, V its length, l array of pollfd, L its length, c choice of the list in `choices`, o file offset, x socket address.
 * Flags: N the buffers hold what differs from run to run; P the result is a process id; S not while the process is stopped now and
 * then: natively too, a stop that interrupts a sleep writes the time that is left and leaves what restart_syscall then goes on with, and
 * makes sigtimedwait fail;
 * A not on eventfds, epoll and the like: they all share one inode, on which other processes of the machine may hold locks.
 */
#ifndef STRESS_FUZZ_CALLS_H
#define STRESS_FUZZ_CALLS_H

struct call {
	int nr;
	const char *name, *args, *flags;
	long choices[10]; /* for each argument c: one of these; ends at the first 0 behind the first element */
};

#define CALL(name, args, flags, ...)                                                                                           \
	{                                                                                                                      \
		SYS_##name, #name, args, flags,                                                                                \
		{                                                                                                              \
			__VA_ARGS__                                                                                            \
		}                                                                                                              \
	}

static const struct call calls[] = {
	/* files by descriptor */
	CALL(read, "fbn", ""),
	CALL(write, "fbn", ""),
	CALL(pread64, "fbno", ""),
	CALL(pwrite64, "fbno", ""),
	CALL(readv, "fvV", ""),
	CALL(writev, "fvV", ""),
	CALL(preadv, "fvVo0", ""),
	CALL(pwritev, "fvVo0", ""),
	CALL(preadv2, "fvVo0c", "", 0, 8, 2, 0x100),
	CALL(lseek, "foc", "", 0, 1, 2, 3, 4, 9),
	CALL(ftruncate, "fo", ""),
	CALL(fallocate, "fcoo", "", 0, 1, 3, 0x80),
	CALL(fsync, "f", ""),
	CALL(fdatasync, "f", ""),
	CALL(dup, "f", ""),
	CALL(dup2, "ff", ""),
	CALL(dup3, "ffc", "", 0, 02000000, 1),
	CALL(close, "f", ""),
	CALL(fcntl, "fc", "", 1, 3, 1032, 1034),
	CALL(fcntl, "fci", "", 0, 2, 1030),
	CALL(fcntl, "fcb", "NA", 5, 6),
	CALL(ioctl, "fcb", "N", 0x541b, 0x5401, 0x5413, 0x7fff1234),
	CALL(ioctl, "fc", "", 0x5451, 0x5450),
	CALL(sendfile, "ffbn", "N"),
	CALL(splice, "f0f0nc", "", 2, 3, 0x100),
	CALL(tee, "ffnc", "", 2, 3),
	CALL(copy_file_range, "f0f0n0", ""),
	CALL(flock, "fc", "A", 5, 6, 12, 77),
	CALL(fadvise64, "foni", ""),
	CALL(sync_file_range, "foni", ""),
	CALL(readahead, "fon", ""),
	CALL(getdents64, "fbn", "N"),
	CALL(fgetxattr, "fpbn", ""),
	/* files by name */
	CALL(open, "pcc", "", 0, 1, 2, 0102, 01102, 02001, 0200000, 0302, 0644),
	CALL(creat, "pc", "", 0644, 0600),
	CALL(openat, "apcc", "", 0, 2, 0102, 01102, 020200002, 010000000, 0600),
	CALL(mkdir, "pc", "", 0755),
	CALL(rmdir, "p", ""),
	CALL(unlink, "p", ""),
	CALL(unlinkat, "apc", "", 0, 0x200, 1),
	CALL(rename, "pp", ""),
	CALL(renameat2, "apapc", "", 0, 1, 2, 8),
	CALL(link, "pp", ""),
	CALL(symlink, "pp", ""),
	CALL(readlink, "pbn", ""),
	CALL(access, "pi", ""),
	CALL(faccessat, "api", ""),
	CALL(truncate, "po", ""),
	CALL(chmod, "pc", "", 0644, 0600, 0755),
	CALL(utimensat, "apbc", "", 0, 0x100, 7),
	CALL(statfs, "pb", "N"),
	CALL(setxattr, "ppbnc", "", 0, 1, 2),
	CALL(getxattr, "ppbn", ""),
	CALL(listxattr, "pbn", ""),
	CALL(umask, "c", "", 022, 077),
	CALL(getcwd, "bn", ""),
	CALL(memfd_create, "pc", "", 0, 1, 2, 0x1000),
	/* descriptors of other kinds; all of them without waiting */
	CALL(pipe2, "bc", "", 04000, 02004000, 04001),
	CALL(eventfd2, "ic", "", 04000, 04001, 6),
	CALL(epoll_create1, "c", "", 0, 02000000, 1),
	CALL(epoll_ctl, "fcfb", "N", 1, 2, 3, 9),
	CALL(epoll_wait, "fbi0", "N"),
	CALL(epoll_pwait, "fbi0k8", "N"),
	CALL(poll, "lL0", ""),
	CALL(ppoll, "lLtk8", "N"),
	CALL(select, "ibbbt", "N"),
	CALL(timerfd_create, "1c", "", 04000, 02004000, 6),
	CALL(timerfd_gettime, "fb", "N"),
	CALL(signalfd4, "fkic", "", 3, 5),
	CALL(inotify_init1, "c", "", 04000, 5),
	CALL(inotify_add_watch, "fpc", "", 0x100, 0x2, 0x3f, 0x200),
	CALL(inotify_rm_watch, "fi", ""),
	CALL(socketpair, "1cib", "", 04001, 04002, 04005, 04077),
	CALL(socket, "1ci", "", 04001, 04002, 04005, 9),
	CALL(bind, "fxi", ""),
	CALL(connect, "fxi", ""),
	CALL(listen, "fi", ""),
	CALL(accept4, "f00c", "", 04000, 3),
	CALL(sendto, "fbnc00", "", 0x40, 0x4040, 0x41),
	CALL(recvfrom, "fbnc00", "", 0x40, 0x42, 0x60, 0x140),
	CALL(shutdown, "fi", ""),
	CALL(getsockname, "fbb", "N"),
	CALL(getpeername, "fbb", "N"),
	CALL(getsockopt, "f1cbb", "N", 3, 4, 7, 8, 16, 30, 999),
	CALL(setsockopt, "f1cbn", "", 2, 7, 16, 999),
	/* memory */
	CALL(mprotect, "wqc", "", 0, 1, 3, 5, 7, 0x100),
	CALL(munmap, "wq", ""),
	CALL(madvise, "wqc", "", 0, 1, 4, 10, 11, 3, 77),
	CALL(msync, "wqc", "", 1, 2, 4, 5, 8),
	CALL(mlock, "wq", ""),
	CALL(munlock, "wq", ""),
	CALL(mincore, "rqb", ""),
	CALL(process_vm_readv, "PvVvV0", ""),
	CALL(membarrier, "c0", "", 0, 999),
	/* signals */
	CALL(rt_sigpending, "b8", ""),
	CALL(rt_sigpending, "bn", ""),
	CALL(rt_sigtimedwait, "kbt8", "NS"),
	CALL(kill, "Ps", ""),
	CALL(tkill, "Ps", ""),
	CALL(tgkill, "PPs", ""),
	CALL(rt_sigqueueinfo, "Psb", ""),
	CALL(sigaltstack, "0b", "N"),
	/* time */
	CALL(clock_gettime, "ib", "N"),
	CALL(clock_getres, "ib", ""),
	CALL(gettimeofday, "bb", "N"),
	CALL(time, "b", "NT"),
	CALL(times, "b", "NT"),
	CALL(nanosleep, "tb", "S"),
	CALL(clock_nanosleep, "1ctb", "S", 0, 1),
	CALL(getitimer, "ib", ""),
	CALL(timer_gettime, "ib", ""),
	CALL(timer_delete, "r", ""),
	CALL(getrusage, "ib", "N"),
	/* synchronisation */
	CALL(futex, "bci", "", 1, 129, 11),
	CALL(futex, "bcit", "", 0, 128, 9),
	CALL(futex, "bciib", "", 3, 4, 131, 5),
	CALL(futex, "bciibr", "", 4, 5, 132, 133),
	CALL(get_robust_list, "0bb", "N"),
	CALL(sched_yield, "", ""),
	/* who and what am I */
	CALL(getpid, "", "P"),
	CALL(gettid, "", "P"),
	CALL(getppid, "", "T"),
	CALL(getuid, "", ""),
	CALL(geteuid, "", ""),
	CALL(getgid, "", ""),
	CALL(getresuid, "bbb", ""),
	CALL(getresgid, "bbb", ""),
	CALL(getgroups, "ib", ""),
	CALL(getpgid, "P", "T"),
	CALL(uname, "b", ""),
	CALL(getrlimit, "ib", ""),
	CALL(prlimit64, "0i0b", ""),
	CALL(getpriority, "ii", ""),
	CALL(capget, "bb", ""),
	CALL(prctl, "cb", "", 16, 15),
	CALL(prctl, "c", "", 3, 7, 39, 30, 27, 21, 42, 3999),
	CALL(prctl, "ci", "", 23, 4, 99999),
	CALL(prctl, "cb", "N", 2, 25),
	CALL(personality, "c", "", 0xffffffff),
	CALL(arch_prctl, "cb", "", 0x7777, 0x1011),
	CALL(sched_getscheduler, "0", ""),
	CALL(sched_getparam, "0b", ""),
	CALL(sched_get_priority_max, "i", ""),
	CALL(sched_rr_get_interval, "0b", "N"),
	CALL(sched_getaffinity, "0nb", ""),
	CALL(getrandom, "bnc", "N", 0, 1, 99),
	CALL(ioprio_get, "1ii", ""),
	CALL(wait4, "rbc0", "", 1),
	CALL(waitid, "irbc0", "", 5),
	CALL(restart_syscall, "", "S"),
	CALL(keyctl, "crrrr", "", 999),
	/* not there, or not as numbers go */
	{600, "no_600", "rrrrrr", "", {0}},
	{9999, "no_9999", "rrrrrr", "", {0}},
	{-1, "no_-1", "rrrrrr", "", {0}},
	{350, "no_350", "r", "", {0}},
	{0x40000000 + 39, "x32_getpid", "", "T", {0}},
};

#endif
