/* SPDX-License-Identifier: GPL-2.0-only */
/* ptrace; see tracer.h. */
#include "tracer.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "proc.h"
#include "vmm-lite/state.h"

namespace decouple
{

static long trace(int request, pid_t tid, uint64_t address, const void *data)
{
	return ptrace(static_cast<__ptrace_request>(request), tid, address, data);
}

/*
 * A fault's signal is queued, but was not delivered before the stop. Its handler is to see the fault's registers, not what the thread is
 * given now; and it may not come back (siglongjmp).
 */
static bool fault_waits(pid_t tid)
{
	constexpr int most = 16;
	siginfo_t queue[most];
	struct __ptrace_peeksiginfo_args own = {0, 0, most};
	long n = trace(PTRACE_PEEKSIGINFO, tid, reinterpret_cast<uint64_t>(&own), queue);
	for (long i = 0; i < n; i++) {
		int sig = queue[i].si_signo;
		bool by_fault =
			sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGTRAP || sig == SIGSYS;
		if (by_fault && queue[i].si_code > 0)
			return true;
	}
	return false;
}

Result<Stopped> Stopped::stop(pid_t tid)
{
	std::string who = "thread " + std::to_string(tid);
	if (trace(PTRACE_SEIZE, tid, 0, nullptr) < 0)
		return fail(errno, errno == EPERM ? "not permitted to stop " + who +
							    ": it belongs to another user, is protected (see ptrace(2), Yama) "
							    "or is traced already"
						  : "can't stop " + who + ": " + strerror(errno));
	Stopped s(tid);
	if (trace(PTRACE_INTERRUPT, tid, 0, nullptr) < 0)
		return fail_errno("can't interrupt " + who);
	constexpr int most_faults = 100;
	for (int faults = 0;;) {
		int status;
		if (waitpid(tid, &status, __WALL) < 0)
			return fail_errno("can't wait for " + who);
		if (!WIFSTOPPED(status)) {
			s.tid_ = 0;
			return fail(ESRCH, who + " ended while it was being stopped");
		}
		if (status >> 16 == PTRACE_EVENT_STOP) {
			if (WSTOPSIG(status) != SIGTRAP || !fault_waits(tid) || faults++ == most_faults)
				return s;
			/* Its own stop follows: interrupted at once, this one would come again. */
			if (trace(PTRACE_CONT, tid, 0, nullptr) < 0)
				return fail_errno("can't let " + who + " take a signal");
			continue;
		}
		/* A signal that was on its way: deliver it. Any trap takes a pending interruption with it (kernel/signal.c: ptrace_stop). */
		if (trace(PTRACE_CONT, tid, 0, reinterpret_cast<void *>(static_cast<uintptr_t>(WSTOPSIG(status)))) < 0 ||
		    (trace(PTRACE_INTERRUPT, tid, 0, nullptr) < 0 && errno != ESRCH)) /* it died of it: seen above */
			return fail_errno("can't pass a signal to " + who);
	}
}

Result<user_regs_struct> Stopped::registers() const
{
	user_regs_struct r;
	if (trace(PTRACE_GETREGS, tid_, 0, &r) < 0)
		return fail_errno("can't read the registers of thread " + std::to_string(tid_));
	return r;
}

Result<> Stopped::set_registers(const user_regs_struct &r) const
{
	if (trace(PTRACE_SETREGS, tid_, 0, &r) < 0)
		return fail_errno("can't set the registers of thread " + std::to_string(tid_));
	in_user_mode_ = static_cast<s64>(r.orig_rax) < 0;
	return {};
}

Result<uint64_t> Stopped::signal_mask() const
{
	uint64_t mask;
	if (trace(PTRACE_GETSIGMASK, tid_, sizeof(mask), &mask) < 0)
		return fail_errno("can't read the signal mask of thread " + std::to_string(tid_));
	return mask;
}

Result<> Stopped::set_signal_mask(uint64_t mask) const
{
	if (trace(PTRACE_SETSIGMASK, tid_, sizeof(mask), &mask) < 0)
		return fail_errno("can't set the signal mask of thread " + std::to_string(tid_));
	return {};
}

Handover Stopped::rseq() const
{
	struct __ptrace_rseq_configuration c = {};
	Handover h = {};
	if (trace(PTRACE_GET_RSEQ_CONFIGURATION, tid_, sizeof(c), &c) == sizeof(c) && c.rseq_abi_pointer) {
		h.rseq = c.rseq_abi_pointer;
		h.rseq_len = c.rseq_abi_size;
		h.rseq_sig = c.signature;
	}
	return h;
}

bool Stopped::dispatches_calls() const
{
	constexpr int get_config = 0x4211; /* PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG */
	struct {
		uint64_t mode, selector, offset, length;
	} c = {};
	return trace(get_config, tid_, sizeof(c), &c) == 0 && c.mode;
}

Result<> Stopped::poke(const ForcedMemory &memory, uint64_t to, const void *from, size_t size) const
{
	if (memory.write(to, from, size))
		return {};
	if (errno == ESRCH)
		return fail(ESRCH, "thread " + std::to_string(tid_) + " has ended or executes another program");
	/* Kernels that forbid forced writes through /proc still allow a tracer's. */
	const char *bytes = static_cast<const char *>(from);
	for (size_t at = 0; at < size; at += 8) {
		uint64_t word = 0;
		memcpy(&word, bytes + at, size - at < 8 ? size - at : 8);
		if (trace(PTRACE_POKEDATA, tid_, to + at, reinterpret_cast<void *>(word)) < 0)
			return fail_errno("can't write to the vDSO of thread " + std::to_string(tid_));
	}
	return {};
}

/* The stop itself made such a call fail; the other classes are the kernel's to restart. */
static void undo_interruption(const Stopped &stopped, pid_t tid)
{
	auto r = stopped.registers();
	if (!r || static_cast<s64>(r->orig_rax) < 0 || static_cast<s64>(r->rax) != -EINTR ||
	    !eintr_by_design(static_cast<s64>(r->orig_rax)))
		return;
	auto mask = stopped.signal_mask();
	if (!mask || would_be_interrupted(tid, tid, *r, *mask))
		return;
	restart_interrupted_call(*r, false);
	(void)stopped.set_registers(*r); /* else it has died meanwhile */
}

void Stopped::detach()
{
	if (!tid_)
		return;
	if (!in_user_mode_)
		undo_interruption(*this, tid_);
	trace(PTRACE_DETACH, tid_, 0, nullptr);
	tid_ = 0;
}

bool would_be_interrupted(pid_t pid, pid_t tid, const user_regs_struct &r, uint64_t mask)
{
	if (static_cast<s64>(r.orig_rax) < 0 || static_cast<s64>(r.rax) != -EINTR)
		return false;
	auto s = read_task_status(pid, tid);
	return s && (s->pending & ~mask);
}

void restart_interrupted_call(user_regs_struct &r, bool pending)
{
	auto nr = static_cast<s64>(r.orig_rax), rax = static_cast<s64>(r.rax);
	constexpr unsigned syscall_insn = 2;
	switch (pending && eintr_by_design(nr) ? Restart::no : restart_of(nr, rax)) {
	case Restart::again:
		r.rax = r.orig_rax;
		r.rip -= syscall_insn;
		break;
	case Restart::restart_block:
		r.rax = __NR_restart_syscall;
		r.rip -= syscall_insn;
		break;
	case Restart::no:
		break;
	}
	r.orig_rax = ~0ull;
}

} // namespace decouple
