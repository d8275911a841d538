// SPDX-License-Identifier: GPL-2.0-only
// Syscall User Dispatch: SIGSYS in the calling thread, whose handler executes the call and puts the result into the frame.

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <csignal>
#include <memory>

#include "peer.h"

// Code whose system calls are never dispatched: the handler's own call and its sigreturn. The kernel compares the address behind
// the SYSCALL instruction, so one byte follows the last. With the range the handler need not touch the selector: the fast way.
asm(R"(
	.pushsection .text
	.p2align 4
decouple_bench_sud_begin:
decouple_bench_sud_restorer:
	mov	$15, %eax		# rt_sigreturn
	syscall
	ud2
decouple_bench_sud_call:		# (nr, a0, a1, a2, a3, a4, a5 on the stack)
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %r10
	mov	%r9, %r8
	mov	8(%rsp), %r9
	syscall
	ret
decouple_bench_sud_end:
	.popsection
)");

extern "C" {
extern const char decouple_bench_sud_begin[], decouple_bench_sud_end[];
void decouple_bench_sud_restorer();
long decouple_bench_sud_call(long nr, long a0, long a1, long a2, long a3, long a4, long a5);
}

namespace decouple::bench
{

namespace
{

// Read by the kernel at each system call. Of the worker: every fork has its own.
volatile char selector = SYSCALL_DISPATCH_FILTER_ALLOW;

void on_sigsys(int, siginfo_t *info, void *context)
{
	greg_t *regs = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
	regs[REG_RAX] = decouple_bench_sud_call(info->si_syscall, regs[REG_RDI], regs[REG_RSI], regs[REG_RDX], regs[REG_R10],
						regs[REG_R8], regs[REG_R9]);
}

// libc's sigaction() insists on its own restorer, which lies outside the range.
struct KernelSigaction {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
	void (*restorer)();
	unsigned long mask;
};
constexpr unsigned long flag_restorer = 0x04000000; // SA_RESTORER, which libc's headers hide

int64_t install(Channel &)
{
	KernelSigaction action = {on_sigsys, SA_SIGINFO | SA_NODEFER | flag_restorer, decouple_bench_sud_restorer, 0};
	if (syscall(SYS_rt_sigaction, SIGSYS, &action, nullptr, sizeof action.mask))
		return -errno;
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, decouple_bench_sud_begin,
		  decouple_bench_sud_end - decouple_bench_sud_begin, &selector))
		return -errno;
	return 0;
}

int64_t measure(Channel &channel)
{
	selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	int64_t result = measure_getpid(channel);
	selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	return result;
}

} // namespace

Result<Variant> sud_variant(const Options &options, size_t capacity)
{
	auto worker = std::make_shared<Worker>(TRY(Worker::start("sud worker", capacity, options.cores.dedicated, options.rt)));
	TRY(worker->run(install, 0));
	return Variant{.name = "sud", .take = [worker](unsigned share, std::vector<double> &samples_ns) {
			       return take_samples(*worker, measure, share, uint64_t(worker->pid()), samples_ns);
		       }};
}

} // namespace decouple::bench
