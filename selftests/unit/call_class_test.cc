/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of treated system calls: a wrong class is a wrong result or a hang, so each class is pinned. */
#include "vmm-lite/call_class.cc"
#include <gtest/gtest.h>
#include <map>
#include <vector>

namespace decouple
{
namespace
{

void expect_class(CallClass c, std::initializer_list<u32> calls)
{
	for (u32 nr : calls)
		EXPECT_EQ(call_class(nr), c) << "call " << nr;
}

TEST(CallClassTest, CallsThatNeverBlock)
{
	expect_class(CallClass::plain,
		     {__NR_getpid, __NR_gettid, __NR_brk, __NR_madvise, __NR_lseek, __NR_dup2, __NR_pipe2, __NR_epoll_ctl,
		      __NR_set_robust_list, __NR_membarrier, __NR_sched_yield, __NR_getrandom, __NR_uname});
}

TEST(CallClassTest, CallsThatMayBlockAreInterruptible)
{
	expect_class(
		CallClass::interruptible,
		{__NR_read,           __NR_write,           __NR_open,    __NR_openat,  __NR_close,           __NR_futex,
		 __NR_nanosleep,      __NR_clock_nanosleep, __NR_poll,    __NR_select,  __NR_wait4,           __NR_waitid,
		 __NR_pause,          __NR_accept4,         __NR_connect, __NR_recvmsg, __NR_sendmsg,         __NR_epoll_wait,
		 __NR_flock,          __NR_fcntl,           __NR_ioctl,   __NR_fsync,   __NR_restart_syscall, __NR_ptrace,
		 __NR_io_uring_enter, __NR_msgrcv,          __NR_semop});
}

TEST(CallClassTest, UnknownNumbersAreTheKernelsToRefuse)
{
	expect_class(CallClass::interruptible,
		     {600, 1000, 0x40000000 /* x32 */, 0x40000000 + __NR_getpid, 0x7fffffff, 0x80000000, ~0u});
	for (u32 nr = 500; nr < 5000; nr++)
		EXPECT_EQ(call_class(nr), CallClass::interruptible) << nr;
}

TEST(CallClassTest, CallsThatCanSignalTheCaller)
{
	expect_class(CallClass::may_signal,
		     {__NR_kill, __NR_tkill, __NR_tgkill, __NR_rt_sigqueueinfo, __NR_rt_tgsigqueueinfo, __NR_pidfd_send_signal,
		      __NR_alarm, __NR_setitimer, __NR_timer_create, __NR_timer_settime});
}

TEST(CallClassTest, CallsWithAMaskOfTheirOwn)
{
	expect_class(CallClass::temporary_mask,
		     {__NR_rt_sigsuspend, __NR_ppoll, __NR_pselect6, __NR_epoll_pwait, __NR_epoll_pwait2, __NR_io_pgetevents});
}

TEST(CallClassTest, CallsThatChangeWhatIsExecutable)
{
	expect_class(CallClass::protection,
		     {__NR_mmap, __NR_munmap, __NR_mprotect, __NR_pkey_mprotect, __NR_mremap, __NR_shmat, __NR_shmdt});
}

TEST(CallClassTest, CallsThatTellCpuTime)
{
	expect_class(CallClass::cpu_clock, {__NR_clock_gettime, __NR_getrusage, __NR_times});
}

TEST(CallClassTest, CallsThatTheVcpuThreadRepeats)
{
	expect_class(CallClass::mirrored,
		     {__NR_set_mempolicy, __NR_sched_setscheduler, __NR_sched_setparam, __NR_sched_setattr, __NR_setpriority});
}

TEST(CallClassTest, CallsThatFailBehindAnyHandler)
{
	for (u64 nr : {__NR_pause, __NR_select, __NR_pselect6, __NR_ppoll, __NR_rt_sigsuspend, __NR_clock_nanosleep,
		       __NR_msgrcv, __NR_msgsnd})
		EXPECT_FALSE(call_restarts(nr)) << "call " << nr;
	for (u64 nr : {__NR_read, __NR_wait4, __NR_futex, __NR_flock, __NR_fcntl, __NR_accept})
		EXPECT_TRUE(call_restarts(nr)) << "call " << nr;
}

TEST(CallClassTest, OneOfAKind)
{
	const std::map<CallClass, std::vector<u32>> table = {
		{CallClass::sigreturn, {__NR_rt_sigreturn}},
		{CallClass::sigmask, {__NR_rt_sigprocmask}},
		{CallClass::sigaction, {__NR_rt_sigaction}},
		{CallClass::sigpending, {__NR_rt_sigpending}},
		{CallClass::altstack, {__NR_sigaltstack}},
		{CallClass::rseq, {__NR_rseq}},
		{CallClass::arch_prctl, {__NR_arch_prctl}},
		{CallClass::exec, {__NR_execve, __NR_execveat}},
		{CallClass::exit, {__NR_exit}},
		{CallClass::exit_group, {__NR_exit_group}},
		{CallClass::spawn, {__NR_clone, __NR_clone3, __NR_fork, __NR_vfork}},
		{CallClass::set_affinity, {__NR_sched_setaffinity}},
		{CallClass::get_affinity, {__NR_sched_getaffinity}},
		{CallClass::getcpu, {__NR_getcpu}},
		{CallClass::seccomp, {__NR_seccomp}},
		{CallClass::prctl, {__NR_prctl}},
		{CallClass::namespaces, {__NR_unshare, __NR_setns}},
		{CallClass::leave, {__NR_iopl, __NR_ioperm, __NR_modify_ldt, __NR_set_thread_area}},
	};
	std::map<CallClass, std::vector<u32>> found;
	for (u32 nr = 0; nr < 600; nr++)
		if (table.count(call_class(nr)))
			found[call_class(nr)].push_back(nr);
	for (auto [c, calls] : table) {
		std::sort(calls.begin(), calls.end());
		EXPECT_EQ(found[c], calls) << "class " << static_cast<int>(c);
	}
}

} // namespace
} // namespace decouple
