/* SPDX-License-Identifier: GPL-2.0-only */
/* Which reflector; see reflector.h. */
#include "manager.h"
#include "reflector_module.h"
#include "reflector_signal.h"

namespace decouple
{

long reflector_prepare()
{
	return by_module() ? 0 : signal_reflector::prepare();
}

void reflector_release()
{
	if (!by_module())
		signal_reflector::release();
}

void reflector_first_capture(Session *s)
{
	if (by_module())
		module_reflector::first_capture(s);
	else
		signal_reflector::strip_masks();
}

void reflector_last_leave()
{
	if (by_module())
		return;
	signal_reflector::restore_masks();
	signal_reflector::forget_masks();
}

long reflector_add(Session *s)
{
	return by_module() ? module_reflector::add(s) : 0;
}

void reflector_remove(Session *s)
{
	if (by_module())
		module_reflector::remove(s);
}

bool reflector_left(Session *s)
{
	return !by_module() || module_reflector::left(s);
}

long reflector_vcpu(Session *s)
{
	return by_module() ? module_reflector::vcpu(s) : 0;
}

bool reflector_core(Session *s, long *result)
{
	if (by_module())
		*result = module_reflector::core(s);
	return by_module();
}

void reflector_vcpu_end(Session *s)
{
	if (by_module())
		module_reflector::vcpu_end(s);
}

void reflector_capture(Session *s)
{
	by_module() ? module_reflector::capture(s) : signal_reflector::capture(s);
}

void reflector_capture_self()
{
	by_module() ? module_reflector::capture_self() : signal_reflector::send_self();
}

bool reflector_kick(Session *s)
{
	return by_module() ? module_reflector::kick(s) : signal_reflector::kick(s);
}

void reflector_kicked()
{
	while (!by_module() && sigtimedwait(capture_bit, nullptr, &no_wait) == signal_capture)
		;
}

bool reflector_unfetched(Session *s)
{
	return by_module() && module_reflector::unfetched(s);
}

static u32 manager_waits; /* it waits for its signal, and saw nothing to do before */

Reason reflector_manager_wait(const TimeSpec *longest)
{
	if (by_module())
		return module_reflector::manager_wait(longest);
	store(manager_waits, 1u);
	full_barrier(); /* pairs with reflector_manager_wake() */
	if (!manager_has_work())
		sigtimedwait(capture_bit, nullptr, longest);
	store(manager_waits, 0u);
	return Reason::none;
}

void reflector_manager_wake()
{
	full_barrier(); /* pairs with reflector_manager_wait() */
	if (by_module()) {
		module_reflector::manager_wake();
		return;
	}
	if (signal_reflector::send(control.manager_tid))
		return;
	while (load(manager_waits))
		signal_reflector::nudge(control.manager_tid, &manager_waits);
}

Wake reflector_sleep(Session *s, u64 mask)
{
	return by_module() ? module_reflector::sleep(s, mask) : signal_reflector::sleep(s, mask);
}

void reflector_take_claimed(Session *s)
{
	if (!by_module()) /* the module keeps a bell that nobody waits for */
		signal_reflector::take_claimed(s);
}

void reflector_wake_home(Session *s)
{
	by_module() ? module_reflector::wake_home(s) : signal_reflector::wake_home(s);
}

bool reflector_interrupt_call(Session *s)
{
	return by_module() ? module_reflector::interrupt_call(s) : signal_reflector::interrupt_call(s);
}

bool reflector_signal_possible(Session *s)
{
	return !by_module() || module_reflector::signal_possible(s);
}

bool reflector_call(Session *s, const u64 call[7], u64 mask, long *result, CallEnd *end)
{
	return by_module() ? module_reflector::call(s, call, mask, result, end)
			   : signal_reflector::call(s, call, mask, result, end);
}

bool reflector_call_masked(Session *s, const u64 call[7], u64 mask, bool signal, long *result)
{
	return by_module() ? module_reflector::call_masked(s, call, mask, signal, result)
			   : signal_reflector::call_masked(s, call, mask, signal, result);
}

[[noreturn]] void reflector_return(Session *s, Return how)
{
	if (by_module())
		module_reflector::leave(s, how);
	signal_reflector::leave(s, how);
}

[[noreturn]] void reflector_return_to(Session *s, UContext *frame)
{
	if (by_module())
		module_reflector::leave(s, Return::moment);
	signal_reflector::leave_by_frame(s, frame);
}

void reflector_requeue(Session *s, const SigInfo &info)
{
	signal_reflector::requeue(s, info);
}

void reflector_filter_action(int signal, SigAction *to_kernel)
{
	if (!by_module())
		signal_reflector::filter_action(signal, to_kernel);
}

void reflector_unfilter_action(int signal, SigAction *to_app)
{
	if (!by_module())
		signal_reflector::unfilter_action(signal, to_app);
}

bool reflector_action_blocks_reserved(int signal)
{
	return !by_module() && signal_reflector::action_blocks_reserved(signal);
}

void reflector_spare_altstack(Session *s, u64 signals)
{
	if (!by_module())
		signal_reflector::spare_altstack(s, signals);
}

} // namespace decouple
