/* SPDX-License-Identifier: GPL-2.0-only */
/* Steps of the resident's set-up, so that the controller can say which one failed. Order is free; values travel in Control::error_step. */
#ifndef DECOUPLE_VMM_SETUP_STEP_H
#define DECOUPLE_VMM_SETUP_STEP_H

#include <stdint.h>

namespace decouple
{

enum class SetupStep : uint32_t {
	none = 0,
	instructions_off,
	map_stub,
	signal_in_use,
	set_signal_action,
	clone_manager,
	open_kvm,
	api_version,
	create_vm,
	stub_memory,
	open_maps,
	create_vcpu,
	cpuid,
	xcr0,
	msrs,
	tsc_offset,
	sregs,
	signal_mask,
	map_run,
	probe_guest,
	session_memory,
	clone_vcpu_thread,
	page_tables,
	module_session,
	doorbell,
	place,
	wake,
};

} // namespace decouple

#endif
