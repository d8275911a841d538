// SPDX-License-Identifier: GPL-2.0-only
// Segments of a send entry.

#include "hca-model/send_entry.h"

#include <algorithm>

namespace decouple::hca
{
namespace
{

bool allowed(const SendEntry &entry, qp::Service service)
{
	if (entry.opcode == wqe::Opcode::nop)
		return true;
	switch (service) {
	case qp::Service::rc:
		return entry.is_send() || entry.is_write() || entry.is_read() || entry.is_atomic();
	case qp::Service::uc:
		return entry.is_send() || entry.is_write();
	case qp::Service::ud:
		return entry.is_send();
	}
	return false;
}

/* Takes `size` bytes off the front. */
bool take(Bytes &bytes, size_t size, Bytes &taken)
{
	if (bytes.size() < size)
		return false;
	taken = bytes.first(size);
	bytes = bytes.subspan(size);
	return true;
}

bool parse_data(Bytes rest, SendEntry &entry)
{
	while (!rest.empty()) {
		auto count = static_cast<uint32_t>(get(rest, wqe::byte_count));
		Bytes segment;
		if (get(rest, wqe::inline_data)) {
			count &= wqe::inline_size;
			const size_t size =
				std::min<size_t>((4 + count + wqe::segment - 1) / wqe::segment * wqe::segment, rest.size());
			if (!take(rest, size, segment) || 4 + count > size)
				return false;
			entry.segments.push_back({count, 0, 0, {&segment[4], &segment[4] + count}});
		} else {
			if (!take(rest, wqe::segment, segment))
				return false;
			const auto key = static_cast<uint32_t>(get(segment, wqe::local_key));
			entry.segments.push_back({count, key, get(segment, wqe::local), {}});
		}
		entry.length += count;
	}
	return true;
}

} // namespace

unsigned send_entry_blocks(Bytes block)
{
	const auto size = static_cast<unsigned>(get(block, wqe::segments)) * wqe::segment;
	return std::max((size + wqe::block - 1) / wqe::block, 1u);
}

bool parse_send_entry(Bytes bytes, qp::Service service, SendEntry &entry)
{
	const auto flags = static_cast<unsigned>(get(bytes, wqe::fence_and_flags));
	entry.opcode = static_cast<wqe::Opcode>(get(bytes, wqe::opcode));
	entry.index = static_cast<uint16_t>(get(bytes, wqe::index));
	entry.blocks = send_entry_blocks(bytes);
	entry.signalled = (flags & wqe::signalled_mask) >= wqe::signalled;
	entry.solicited = flags & wqe::solicited;
	entry.immediate = static_cast<uint32_t>(get(bytes, wqe::immediate));
	if (!allowed(entry, service))
		return false;
	if (entry.opcode == wqe::Opcode::nop)
		return true;
	Bytes rest = bytes.first(std::min<size_t>(get(bytes, wqe::segments) * wqe::segment, bytes.size())), segment;
	if (!take(rest, wqe::segment, segment))
		return false;
	if (service == qp::Service::ud) {
		if (!take(rest, wqe::datagram_size, segment))
			return false;
		entry.key = static_cast<uint32_t>(get(segment, wqe::q_key));
		entry.target_qp = static_cast<uint32_t>(get(segment, wqe::target_qp));
		entry.target_lid = static_cast<uint32_t>(get(segment, wqe::target_lid));
	}
	if (!entry.is_send()) {
		if (!take(rest, wqe::segment, segment))
			return false;
		entry.address = get(segment, wqe::address);
		entry.key = static_cast<uint32_t>(get(segment, wqe::remote_key));
	}
	if (entry.is_atomic()) {
		if (!take(rest, wqe::segment, segment))
			return false;
		entry.swap_add = get(segment, wqe::swap_add);
		entry.compare = get(segment, wqe::compare);
	}
	return parse_data(rest, entry);
}

} // namespace decouple::hca
