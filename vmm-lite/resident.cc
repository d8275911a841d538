/* SPDX-License-Identifier: GPL-2.0-only */
/* First code of the resident in a process; on the injected thread, or on the only thread of a forked child. */
#include "resident.h"
#include "manager.h"
#include "own_gate.h"
#include "reflector.h"
#include "resident_start.h"
#include "vm.h"

extern "C" const char image_header[] __attribute__((visibility("hidden")));

namespace decouple
{

static void report(SetupStep step, long error)
{
	control.error_step = static_cast<u32>(step);
	control.error = static_cast<s32>(error);
	store(control.state, ResidentState::failed);
}

/* Prepares the process and starts the manager. False: everything was undone. */
static bool start()
{
	const auto *header = reinterpret_cast<const ImageHeader *>(image_header);
	control.image_base = addr(image_header);
	control.image_size = header->image_size;
	control.tgid = static_cast<s32>(sys(__NR_getpid));
	control.hold_tid = static_cast<s32>(sys(__NR_gettid));
	if (instruction_off()) {
		report(SetupStep::instructions_off, -EOPNOTSUPP);
		return false;
	}
	control.init_begin_tsc = rdtsc();
	long r = reflector_prepare();
	if (r < 0) {
		report(r == -EBUSY ? SetupStep::signal_in_use : SetupStep::set_signal_action, r);
		return false;
	}
	r = manager_start();
	if (r < 0) {
		reflector_release();
		report(SetupStep::clone_manager, r);
		return false;
	}
	return true;
}

/* Has the calling thread, for which the manager made a session, captured as soon as it unblocks the reserved signal. */
static void capture_self()
{
	reflector_capture_self();
}

/* Where a child's threads may have vCPUs. */
static OwnGate ask_for_gate(u64 at, const Config &config)
{
	u64 cores[16] = {};
	auto add = [&](u32 core) { cores[core / 64 % 16] |= 1ull << (core % 64); };
	add(config.hold_core);
	for (u32 i = 0; i < config.core_count; i++)
		add(config.cores[i]);
	return at ? own_gate_open(at, cores) : OwnGate{0, -1};
}

void manager_start_in_child(ChildRecord *record, u64 gate)
{
	Session *parent = record->session;
	UContext *context = &record->context;
	Config config = control.config;
	config.hold = 1;
	config.hold_core = parent->info.core;
	config.hold_service_core = parent->info.service_core;
	RseqArea rseq = parent->rseq;
	u64 fs = parent->guest.fs_base, gs = parent->guest.gs_base;
	resident_forget();
	OwnGate own = ask_for_gate(gate, config);
	config.gate = own.address;
	control.config = config;
	bool started = start() && manager_wait_ready();
	own_gate_close(own);
	if (!started) {
		control.config.gate = 0; /* it has gone */
		return; /* the child stays native; its parent's status shows the follow option, its own nothing */
	}
	Session *s = session_of(control.hold_tid);
	s->info.handover = {rseq.address, rseq.length, rseq.signature, (context->mask & reserved_signals()) != 0, 0};
	s->guest.fs_base = fs;
	s->guest.gs_base = gs;
	if (by_module()) {
		s->born = record;
		while (load(s->mode) == static_cast<u32>(Mode::native))
			reflector_capture(s); /* and on to module_captured() */
		return; /* somebody has given it back before */
	}
	context->mask &= ~reserved_signals();
	capture_self();
}

/*
 * Not one instruction of the program without a decision: the controller kills it or lets it go on. Not by SIGSTOP, which would stop the
 * manager too. Without a controller there will be no decision: the program goes on.
 */
static void await_decision()
{
	constexpr s64 ms = 1000000;
	TimeSpec t = {0, ms};
	for (u32 waited = 0; !load(control.hold_go) && waited < 15000; waited++)
		sys(__NR_nanosleep, addr(&t), 0);
}

} // namespace decouple

/* Called on the injected thread with all signals blocked; see ImageHeader::init_entry. */
extern "C" __attribute__((visibility("hidden"))) void resident_init()
{
	using namespace decouple;
	bool started = start();
	if (!control.config.hold) {
		if (started)
			store(control.init_done_tsc, rdtsc());
		return;
	}
	if (started && manager_wait_ready()) {
		session_of(control.hold_tid)->info.handover.reserved_blocked = control.config.hold_reserved_blocked;
		capture_self();
	} else {
		await_decision();
	}
}
