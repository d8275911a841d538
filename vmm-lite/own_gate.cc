/* SPDX-License-Identifier: GPL-2.0-only */
/* See own_gate.h. */
#include "own_gate.h"
#include "decouple/uapi.h"

namespace decouple
{

constexpr u64 o_rdwr_cloexec = 02 | 02000000;

static long call_device(s32 device, u64 request, void *argument)
{
	return sys(__NR_ioctl, static_cast<u64>(device), request, addr(argument));
}

static long bind_self(s32 device)
{
	static const char path[] = "/proc/self/mem";
	long memory = sys(__NR_open, addr(path), o_rdwr_cloexec, 0);
	if (memory < 0)
		return memory;
	struct decouple_bind b = {};
	b.mem_fd = static_cast<s32>(memory);
	long r = call_device(device, DECOUPLE_BIND, &b);
	sys(__NR_close, static_cast<u64>(memory));
	return r;
}

/* The image is here already: the page that is mapped for it goes again. */
static long map_gate(s32 device, u64 at, u64 *gate)
{
	struct decouple_map m = {};
	m.image = at;
	m.image_size = page_size;
	long r = call_device(device, DECOUPLE_MAP, &m);
	if (r < 0)
		return r;
	*gate = m.gate;
	return sys(__NR_munmap, at, page_size);
}

static long use_cores(s32 device, const u64 cores[16])
{
	struct decouple_cores c = {};
	static_assert(sizeof(c.cores) == 16 * sizeof(cores[0]));
	memcpy(c.cores, cores, sizeof(c.cores));
	return call_device(device, DECOUPLE_USE_CORES, &c);
}

OwnGate own_gate_open(u64 at, const u64 cores[16])
{
	static const char path[] = DECOUPLE_DEVICE;
	OwnGate gate = {};
	long fd = sys(__NR_open, addr(path), o_rdwr_cloexec, 0);
	gate.device = static_cast<s32>(fd);
	struct decouple_version v = {};
	long r = fd < 0 ? fd : call_device(gate.device, DECOUPLE_GET_VERSION, &v);
	if (r >= 0 && v.abi != DECOUPLE_ABI_VERSION)
		r = -EINVAL;
	r = r < 0 ? r : bind_self(gate.device);
	r = r < 0 ? r : use_cores(gate.device, cores);
	r = r < 0 ? r : map_gate(gate.device, at, &gate.address);
	if (r < 0) {
		own_gate_close(gate);
		gate = {0, -1};
	}
	return gate;
}

void own_gate_close(const OwnGate &gate)
{
	if (gate.device >= 0)
		sys(__NR_close, static_cast<u64>(gate.device));
}

} // namespace decouple
