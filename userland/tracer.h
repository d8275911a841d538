/* SPDX-License-Identifier: GPL-2.0-only */
/* One thread stopped by ptrace, for as short as possible. */
#ifndef DECOUPLE_USERLAND_TRACER_H
#define DECOUPLE_USERLAND_TRACER_H

#include <sys/types.h>
#include <sys/user.h>

#include <cstdint>

#include "base/result.h"
#include "proc.h"
#include "vmm-lite/resident.h"

namespace decouple
{

/*
 * Detaches, and so lets the thread run, when it goes out of scope; an adopted one stays stopped unless detach() was called. Not
 * copyable: one tracer per thread.
 */
class Stopped
{
public:
	/* Seizes and interrupts a running thread. */
	static Result<Stopped> stop(pid_t tid);
	/* Takes over a thread that the caller already traces and that is in ptrace-stop. */
	static Stopped adopt(pid_t tid)
	{
		Stopped s(tid);
		s.adopted_ = true;
		return s;
	}
	Stopped(Stopped &&other) noexcept
	    : tid_(std::exchange(other.tid_, 0)), adopted_(other.adopted_), in_user_mode_(other.in_user_mode_)
	{
	}
	Stopped &operator=(Stopped &&) = delete;
	~Stopped()
	{
		if (!adopted_)
			detach();
	}

	Result<user_regs_struct> registers() const;
	Result<> set_registers(const user_regs_struct &r) const;
	Result<uint64_t> signal_mask() const;
	Result<> set_signal_mask(uint64_t mask) const;
	/* The registered rseq area, as a handover; zeroes where the kernel can't tell. */
	Handover rseq() const;
	/* Syscall User Dispatch would judge the resident's own calls. Kernels before 6.4 can't tell: false. */
	bool dispatches_calls() const;
	/* Writes where even the thread itself may not (text, vDSO). */
	Result<> poke(const ForcedMemory &memory, uint64_t to, const void *from, size_t size) const;
	/* A call that fails with EINTR by design (`epoll_wait`, `sigtimedwait`) and has been interrupted by the stop alone starts again. */
	void detach();

private:
	explicit Stopped(pid_t tid) : tid_(tid) {}
	pid_t tid_;
	bool adopted_ = false;
	mutable bool in_user_mode_ = false; /* by the registers that it was given */
};

/*
 * Makes a system call that a stop has interrupted start again instead of failing, and takes the thread out of it: afterwards the
 * registers are those of a thread in user mode. `pending`: a signal waits that would have interrupted it anyway.
 */
void restart_interrupted_call(user_regs_struct &r, bool pending);

/* A signal is pending that would have ended the call anyway; only asked where the answer matters. */
bool would_be_interrupted(pid_t pid, pid_t tid, const user_regs_struct &r, uint64_t mask);

} // namespace decouple

#endif
