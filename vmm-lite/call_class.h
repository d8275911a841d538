/* SPDX-License-Identifier: GPL-2.0-only */
/* How each system call is reflected. Pure table, tested on the host. */
#ifndef DECOUPLE_VMM_CALL_CLASS_H
#define DECOUPLE_VMM_CALL_CLASS_H

#include "sys.h"

namespace decouple
{

enum class CallClass : u8 {
	interruptible, /* may block: the home thread can be taken out of it for a signal */
	plain, /* never blocks for long: executed with all signals blocked */
	may_signal, /* plain, but may leave a signal for the caller pending, which must be handled before it returns */
	temporary_mask, /* blocks with a signal mask of its own */
	protection, /* changes what is mapped or executable */
	cpu_clock, /* reports CPU time */
	mirrored, /* plain, and repeated by the vCPU thread: it sets what the kernel consults there */
	sigreturn,
	sigwait,
	sigmask,
	sigaction,
	sigpending,
	altstack,
	rseq,
	arch_prctl,
	exec,
	exit,
	exit_group,
	spawn,
	set_affinity,
	get_affinity,
	getcpu,
	seccomp,
	prctl,
	namespaces,
	leave, /* changes what a guest can't follow: the thread goes native for good */
};

CallClass call_class(u32 nr);

/* Interrupted it goes on by restart_syscall(2), or fails (-ERESTART_RESTARTBLOCK). */
bool call_sleeps(u64 nr);
/* Its result tells of an event that sends a signal, which natively comes before the call returns. */
bool call_reaps(u64 nr);
/* Interrupted without a handler it starts again, interrupted by one with SA_RESTART too (-ERESTARTSYS, -ERESTARTNOINTR; signal(7)). */
bool call_restarts(u64 nr);

} // namespace decouple

#endif
