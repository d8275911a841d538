// SPDX-License-Identifier: GPL-2.0-only
// Page lists, keys, access through them.

#include "hca-model/memory.h"

#include <algorithm>
#include <cstring>

#include "prm/opcode.h"

namespace decouple::hca
{
namespace
{

/* UARs below are those of the firmware itself. */
constexpr uint32_t first_uar = 8, last_uar = 511;
constexpr uint64_t record_alignment = 8;

std::vector<uint64_t> page_list(Bytes list, uint64_t count)
{
	std::vector<uint64_t> addresses;
	for (uint64_t i = 0; i < count; i++)
		addresses.push_back(get(tail(list, 8 * i), {0, 64}));
	return addresses;
}

} // namespace

uint8_t *Pages::find(Bus &bus, uint64_t at, uint64_t len) const
{
	const uint64_t size = 1ull << log_size, inside = (offset + at) & (size - 1), page = (offset + at) >> log_size;
	if (offset + at < at || page >= addresses.size() || len > size - inside)
		return nullptr;
	return static_cast<uint8_t *>(bus.dma((addresses[page] & ~0xfffull) + inside, len));
}

std::optional<Buffer> Memory::buffer(Bytes in, const BufferFields &fields)
{
	if (get(in, fields.umem_valid)) {
		auto *umem = umems_.find(static_cast<uint32_t>(get(in, fields.umem_id)));
		if (!umem)
			return std::nullopt;
		return Buffer{*umem, get(in, fields.umem_offset)};
	}
	const Bytes context = tail(in, fields.context_at), list = tail(in, fields.pas_at);
	auto pages = std::make_shared<Pages>();
	pages->log_size = 12 + static_cast<unsigned>(get(context, fields.log_page_size));
	/* Counted in 64ths of a page. */
	pages->offset = get(context, fields.page_offset) << (pages->log_size - 6);
	pages->addresses = page_list(list, list.size() / 8);
	if (pages->addresses.empty())
		return std::nullopt;
	return Buffer{std::move(pages)};
}

std::optional<Buffer> Memory::record(Bytes context, const RecordFields &fields)
{
	const uint64_t address = get(context, fields.address);
	if (get(context, fields.umem_valid)) {
		auto *umem = umems_.find(static_cast<uint32_t>(get(context, fields.umem_id)));
		if (!umem || ((*umem)->offset + address) % record_alignment)
			return std::nullopt;
		return Buffer{*umem, address};
	}
	if (address % record_alignment)
		return std::nullopt;
	auto pages = std::make_shared<Pages>();
	pages->offset = address & 0xfff;
	pages->addresses = {address & ~0xfffull};
	return Buffer{std::move(pages)};
}

Status Memory::create_umem(Command &command)
{
	const Bytes context = tail(command.in, umem::at), list = tail(command.in, umem::mtt_at);
	const uint64_t count = get(context, umem::count);
	if (!count || count > list.size() / 8)
		return Status::bad_input_length;
	auto pages = std::make_shared<Pages>();
	pages->log_size = 12 + static_cast<unsigned>(get(context, umem::log_page_size));
	pages->offset = get(context, umem::offset);
	pages->addresses = page_list(list, count);
	return add_to(umems_, std::shared_ptr<const Pages>(std::move(pages)), command);
}

Status Memory::create_key(Command &command)
{
	const Bytes context = tail(command.in, mkey::at);
	const auto mode = get(context, mkey::access_mode);
	Key key = {};
	key.key = static_cast<uint8_t>(get(context, mkey::key));
	key.physical = mode == mkey::mode_physical;
	key.rights[local_read] = true;
	key.rights[local_write] = get(context, mkey::local_write);
	key.rights[remote_write] = get(context, mkey::remote_write);
	key.rights[remote_read] = get(context, mkey::remote_read);
	key.rights[atomic] = get(context, mkey::atomic);
	key.pd = static_cast<uint32_t>(get(context, mkey::pd));
	key.start = get(context, mkey::start);
	key.length = get(context, mkey::length64) ? ~0ull : get(context, mkey::length);
	if (get(command.in, mkey::umem_valid)) {
		auto *umem = umems_.find(static_cast<uint32_t>(get(command.in, mkey::umem_id)));
		if (!umem)
			return Status::bad_resource;
		key.pages = *umem;
		key.offset = get(command.in, mkey::umem_offset);
	} else if (mode == mkey::mode_pages) {
		const Bytes list = tail(command.in, command::pas_at);
		const uint64_t count = 2 * get(command.in, mkey::translations);
		if (count > list.size() / 8)
			return Status::bad_input_length;
		auto pages = std::make_shared<Pages>();
		/* 32 pages of 2 TiB would do for all addresses: more is nonsense. */
		pages->log_size = std::min(static_cast<unsigned>(get(context, mkey::log_page_size)), 40u);
		if (pages->log_size < 12)
			return Status::bad_parameter;
		pages->addresses = page_list(list, count);
		key.offset = key.start & ((1ull << pages->log_size) - 1);
		key.pages = std::move(pages);
	} else if (!key.physical) {
		return Status::bad_parameter; /* indirect keys are not modelled */
	}
	return add_to(keys_, std::move(key), command);
}

Status Memory::query_key(Command &command)
{
	const Key *key = keys_.find(command.number());
	if (!key)
		return Status::bad_resource;
	const MutableBytes context = tail(command.out, mkey::at);
	set(context, mkey::key, key->key);
	set(context, mkey::pd, key->pd);
	set(context, mkey::start, key->start);
	set(context, mkey::length, key->length);
	set(context, mkey::access_mode, key->physical ? mkey::mode_physical : mkey::mode_pages);
	return Status::ok;
}

Status Memory::allocate_uar(Command &command)
{
	for (uint32_t number = first_uar; number <= last_uar; number++)
		if (std::ranges::find(uars_, number) == uars_.end()) {
			uars_.push_back(number);
			command.answer_number(number);
			return Status::ok;
		}
	return Status::limit;
}

Status Memory::free_uar(Command &command)
{
	return std::erase(uars_, command.number()) ? Status::ok : Status::bad_resource;
}

std::optional<Status> Memory::execute(Command &command)
{
	switch (command.opcode()) {
	case op_alloc_pd:
		return add_to(pds_, {}, command);
	case op_dealloc_pd:
		return remove_from(pds_, command);
	case op_alloc_transport_domain:
		return add_to(domains_, {}, command);
	case op_dealloc_transport_domain:
		return remove_from(domains_, command);
	case op_alloc_q_counter:
		return add_to(counters_, {}, command);
	case op_dealloc_q_counter:
		return remove_from(counters_, command);
	case op_create_uctx:
		return add_to(contexts_, {}, command);
	case op_destroy_uctx:
		return remove_from(contexts_, command);
	case op_alloc_uar:
		return allocate_uar(command);
	case op_dealloc_uar:
		return free_uar(command);
	case op_create_umem:
		return create_umem(command);
	case op_destroy_umem:
		return remove_from(umems_, command);
	case op_create_mkey:
		return create_key(command);
	case op_query_mkey:
		return query_key(command);
	case op_destroy_mkey:
		return remove_from(keys_, command);
	case op_query_special_contexts: {
		constexpr Field reserved_lkey{0x60, 32};
		set(command.out, reserved_lkey, 0xff00);
		return Status::ok;
	}
	}
	return std::nullopt;
}

void Memory::reset()
{
	umems_.clear();
	keys_.clear();
	pds_.clear();
	contexts_.clear();
	counters_.clear();
	domains_.clear();
	uars_.clear();
}

bool Memory::access(uint32_t number, uint64_t address, uint64_t len, uint32_t pd, Right right, const Piece &piece)
{
	const Key *key = keys_.find(number >> 8);
	if (!key || key->key != (number & 0xff) || key->pd != pd || !key->rights[right])
		return false;
	if (address < key->start || address + len < address ||
	    (key->length != ~0ull && (address - key->start > key->length || len > key->length - (address - key->start))))
		return false;
	while (len) {
		const uint64_t at = key->offset + (address - key->start);
		const uint64_t size = std::min(len, key->physical ? 4096 - address % 4096 : key->pages->rest_of_page(at));
		auto *memory =
			key->physical ? static_cast<uint8_t *>(bus_.dma(address, size)) : key->pages->find(bus_, at, size);
		if (!memory)
			return false;
		piece(memory, size);
		address += size;
		len -= size;
	}
	return true;
}

bool Memory::write(uint32_t key, uint64_t address, Bytes data, uint32_t pd, Right right)
{
	return access(key, address, data.size(), pd, right, [&data](uint8_t *memory, uint64_t len) {
		std::memcpy(memory, data.data(), len);
		data = data.subspan(len);
	});
}

} // namespace decouple::hca
