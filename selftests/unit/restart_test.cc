/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a thread goes on that was stopped in a system call. */
#include "vmm-lite/state.cc"
#include <gtest/gtest.h>

namespace decouple
{
namespace
{

constexpr s64 restart_errors[] = {-512, -513, -514};
constexpr s64 restart_block = -516;

TEST(RestartTest, KernelInternalErrorsMeanAgain)
{
	for (s64 error : restart_errors)
		for (s64 nr : {s64{__NR_read}, s64{__NR_pause}, s64{__NR_wait4}, s64{0}, s64{1000}})
			EXPECT_EQ(restart_of(nr, error), Restart::again) << nr << " " << error;
}

TEST(RestartTest, RestartBlockIsAClassOfItsOwn)
{
	for (s64 nr : {__NR_nanosleep, __NR_clock_nanosleep, __NR_futex, __NR_poll})
		EXPECT_EQ(restart_of(nr, restart_block), Restart::restart_block) << nr;
}

TEST(RestartTest, OutsideOfACallRaxIsJustANumber)
{
	for (s64 rax : {s64{-512}, s64{-513}, s64{-514}, restart_block, s64{-EINTR}})
		EXPECT_EQ(restart_of(-1, rax), Restart::no) << rax;
}

TEST(RestartTest, ResultsAndOtherErrorsStand)
{
	for (s64 rax : {s64{0}, s64{1}, s64{512}, s64{516}, s64{-EAGAIN}, s64{-EFAULT}, s64{-511}, s64{-515}, s64{-517},
			s64{-4095}, static_cast<s64>(1ull << 63), s64{0xfffffe00} /* -512 cut to 32 bits: a length */})
		for (s64 nr : {__NR_read, __NR_futex, __NR_epoll_wait})
			EXPECT_EQ(restart_of(nr, rax), Restart::no) << nr << " " << rax;
}

TEST(RestartTest, EintrIsOverUnlessByDesign)
{
	for (s64 nr :
	     {__NR_pause, __NR_rt_sigsuspend, __NR_futex, __NR_nanosleep, __NR_open, __NR_openat, __NR_close, __NR_wait4,
	      __NR_connect, __NR_poll, __NR_ppoll, __NR_select, __NR_pselect6, __NR_fcntl, __NR_msgrcv, __NR_msgsnd})
		EXPECT_EQ(restart_of(nr, -EINTR), Restart::no) << nr;
	for (s64 nr = 0; nr < 600; nr++)
		EXPECT_EQ(restart_of(nr, -EINTR) == Restart::again, eintr_by_design(nr)) << nr;
}

TEST(RestartTest, CallsThatAnswerEintrByDesign)
{
	/* signal(7): "never restarted", of those that a pause without a handler interrupts too; and sockets with timeouts. */
	for (s64 nr :
	     {__NR_epoll_wait,   __NR_epoll_pwait,   __NR_epoll_pwait2, __NR_rt_sigtimedwait, __NR_semop,    __NR_semtimedop,
	      __NR_io_getevents, __NR_io_pgetevents, __NR_read,         __NR_readv,           __NR_recvfrom, __NR_recvmsg,
	      __NR_recvmmsg,     __NR_accept,        __NR_accept4,      __NR_write,           __NR_writev,   __NR_sendto,
	      __NR_sendmsg,      __NR_sendmmsg})
		EXPECT_TRUE(eintr_by_design(nr)) << nr;
	EXPECT_FALSE(eintr_by_design(-1));
	EXPECT_FALSE(eintr_by_design(__NR_getpid));
}

} // namespace
} // namespace decouple
