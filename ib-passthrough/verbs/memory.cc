// SPDX-License-Identifier: GPL-2.0-only
// Protection domains and memory regions.

#include "verbs/context.h"

namespace decouple::verbs
{
namespace
{

using namespace hca;

enum { access_local_write = 1, access_remote_write = 2, access_remote_read = 4, access_remote_atomic = 8 };
constexpr uint64_t page_rights = 3; /* of a translation entry: read, write */
constexpr uint32_t any_qp = 0xffffff;

} // namespace

Result<> Context::allocate_domain(const Call &call)
{
	Request request(op_alloc_pd);
	TRY(function_.run(request));
	const uint32_t handle = domains_.add({request.number()});
	call.answer(ib_uverbs_alloc_pd_resp{.pd_handle = handle}, mlx5_ib_alloc_pd_resp{.pdn = request.number()});
	return {};
}

Result<> Context::free_domain(const Call &call)
{
	const auto handle = call.read<ib_uverbs_dealloc_pd>().pd_handle;
	const Domain *domain = TRY(domains_.find(handle));
	TRY(function_.run(op_dealloc_pd, domain->number));
	domains_.remove(handle);
	return {};
}

Result<> Context::register_memory(const Call &call)
{
	const auto asked = call.read<ib_uverbs_reg_mr>();
	const Domain *domain = TRY(domains_.find(asked.pd_handle));
	if ((asked.start ^ asked.hca_va) % device_page)
		return fail(EINVAL, "address and virtual address differ in their page offset");
	Mapping memory = TRY(Mapping::of(function_.access(), reinterpret_cast<const void *>(asked.start), asked.length));
	/* Translations come in pairs. */
	const size_t pairs = (memory.pages() + 1) / 2;
	Request request(op_create_mkey, command::pas_at + 16 * pairs);
	const uint8_t key = ++next_key_;
	const struct {
		Field field;
		uint64_t value;
	} rights[] = {
		{mkey::atomic, asked.access_flags & access_remote_atomic},
		{mkey::remote_write, asked.access_flags & access_remote_write},
		{mkey::remote_read, asked.access_flags & access_remote_read},
		{mkey::local_write, asked.access_flags & access_local_write},
		{mkey::local_read, 1},
	};
	for (const auto &right : rights)
		request.put(right.field.at(mkey::at), right.value != 0);
	request.put(mkey::access_mode.at(mkey::at), mkey::mode_pages);
	request.put(mkey::qp.at(mkey::at), any_qp);
	request.put(mkey::key.at(mkey::at), key);
	request.put(mkey::pd.at(mkey::at), domain->number);
	request.put(mkey::start.at(mkey::at), asked.hca_va);
	request.put(mkey::length.at(mkey::at), asked.length);
	request.put(mkey::translation_size.at(mkey::at), pairs);
	request.put(mkey::log_page_size.at(mkey::at), 12);
	request.put(mkey::page_access, 1);
	request.put(mkey::translations, pairs);
	for (size_t i = 0; i < memory.pages(); i++)
		request.put({static_cast<unsigned>(8 * (command::pas_at + 8 * i)), 64}, memory.page(i) | page_rights);
	TRY(function_.run(request));
	const uint32_t number = request.number(), whole = number << 8 | key;
	const uint32_t handle = regions_.add({number, std::move(memory)});
	call.answer(ib_uverbs_reg_mr_resp{.mr_handle = handle, .lkey = whole, .rkey = whole});
	return {};
}

Result<> Context::deregister_memory(const Call &call)
{
	const auto handle = call.read<ib_uverbs_dereg_mr>().mr_handle;
	const Region *region = TRY(regions_.find(handle));
	TRY(function_.run(op_destroy_mkey, region->number));
	regions_.remove(handle);
	return {};
}

} // namespace decouple::verbs
