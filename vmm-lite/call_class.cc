/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of calls that are treated; everything not named is reflected as an interruptible call. */
#include "call_class.h"

namespace decouple
{

CallClass call_class(u32 nr)
{
	switch (nr) {
	case __NR_getpid:
	case __NR_gettid:
	case __NR_getppid:
	case __NR_getuid:
	case __NR_geteuid:
	case __NR_getgid:
	case __NR_getegid:
	case __NR_getpgrp:
	case __NR_getpgid:
	case __NR_getsid:
	case __NR_getresuid:
	case __NR_getresgid:
	case __NR_getgroups:
	case __NR_brk:
	case __NR_madvise:
	case __NR_mincore:
	case __NR_dup:
	case __NR_dup2:
	case __NR_dup3:
	case __NR_lseek:
	case __NR_fstat:
	case __NR_pipe:
	case __NR_pipe2:
	case __NR_umask:
	case __NR_socketpair:
	case __NR_getsockname:
	case __NR_getpeername:
	case __NR_getsockopt:
	case __NR_setsockopt:
	case __NR_bind:
	case __NR_listen:
	case __NR_eventfd2:
	case __NR_epoll_create1:
	case __NR_epoll_ctl:
	case __NR_timerfd_create:
	case __NR_memfd_create:
	case __NR_uname:
	case __NR_sysinfo:
	case __NR_gettimeofday:
	case __NR_time:
	case __NR_clock_getres:
	case __NR_getrlimit:
	case __NR_getitimer:
	case __NR_timer_gettime:
	case __NR_timer_getoverrun:
	case __NR_timer_delete:
	case __NR_getrandom:
	case __NR_getpriority:
	case __NR_sched_getparam:
	case __NR_sched_getscheduler:
	case __NR_sched_get_priority_max:
	case __NR_sched_get_priority_min:
	case __NR_sched_getattr:
	case __NR_sched_rr_get_interval:
	case __NR_sched_yield:
	case __NR_set_tid_address:
	case __NR_set_robust_list:
	case __NR_get_robust_list:
	case __NR_prlimit64:
	case __NR_capget:
	case __NR_membarrier:
	case __NR_get_mempolicy:
	case __NR_mbind:
		return CallClass::plain;
	case __NR_kill:
	case __NR_tkill:
	case __NR_tgkill:
	case __NR_rt_sigqueueinfo:
	case __NR_rt_tgsigqueueinfo:
	case __NR_pidfd_send_signal:
	case __NR_alarm:
	case __NR_setitimer:
	case __NR_timer_create:
	case __NR_timer_settime:
	case __NR_setrlimit:
		return CallClass::may_signal;
	case __NR_rt_sigsuspend:
	case __NR_ppoll:
	case __NR_pselect6:
	case __NR_epoll_pwait:
	case __NR_epoll_pwait2:
	case __NR_io_pgetevents:
		return CallClass::temporary_mask;
	case __NR_mmap:
	case __NR_munmap:
	case __NR_mprotect:
	case __NR_pkey_mprotect:
	case __NR_mremap:
	case __NR_shmdt:
	case __NR_shmat:
		return CallClass::protection;
	case __NR_clock_gettime:
	case __NR_getrusage:
	case __NR_times:
		return CallClass::cpu_clock;
	case __NR_set_mempolicy:
	case __NR_sched_setscheduler:
	case __NR_sched_setparam:
	case __NR_sched_setattr:
	case __NR_setpriority:
		return CallClass::mirrored;
	case __NR_rt_sigreturn:
		return CallClass::sigreturn;
	case __NR_rt_sigtimedwait:
		return CallClass::sigwait;
	case __NR_rt_sigprocmask:
		return CallClass::sigmask;
	case __NR_rt_sigaction:
		return CallClass::sigaction;
	case __NR_rt_sigpending:
		return CallClass::sigpending;
	case __NR_sigaltstack:
		return CallClass::altstack;
	case __NR_rseq:
		return CallClass::rseq;
	case __NR_arch_prctl:
		return CallClass::arch_prctl;
	case __NR_execve:
	case __NR_execveat:
		return CallClass::exec;
	case __NR_exit:
		return CallClass::exit;
	case __NR_exit_group:
		return CallClass::exit_group;
	case __NR_clone:
	case __NR_fork:
	case __NR_vfork:
	case __NR_clone3:
		return CallClass::spawn;
	case __NR_sched_setaffinity:
		return CallClass::set_affinity;
	case __NR_sched_getaffinity:
		return CallClass::get_affinity;
	case __NR_getcpu:
		return CallClass::getcpu;
	case __NR_seccomp:
		return CallClass::seccomp;
	case __NR_prctl:
		return CallClass::prctl;
	case __NR_unshare:
	case __NR_setns:
		return CallClass::namespaces;
	case __NR_iopl:
	case __NR_ioperm:
	case __NR_modify_ldt:
	case __NR_set_thread_area:
		return CallClass::leave;
	default:
		return CallClass::interruptible;
	}
}

bool call_sleeps(u64 nr)
{
	return nr == __NR_nanosleep || nr == __NR_clock_nanosleep || nr == __NR_poll || nr == __NR_restart_syscall;
}

bool call_reaps(u64 nr)
{
	return nr == __NR_wait4 || nr == __NR_waitid;
}

bool call_restarts(u64 nr)
{
	switch (nr) { /* -ERESTARTNOHAND: fails behind any handler */
	case __NR_clock_nanosleep: /* to an absolute time; else it has a restart block */
	case __NR_msgrcv:
	case __NR_msgsnd:
	case __NR_pause:
	case __NR_select:
	case __NR_pselect6:
	case __NR_ppoll:
	case __NR_rt_sigsuspend:
	case __NR_io_pgetevents:
		return false;
	default:
		return true;
	}
}

} // namespace decouple
