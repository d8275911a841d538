// SPDX-License-Identifier: GPL-2.0-only
// Dispatch, and what belongs to the context as a whole.

#include "verbs/context.h"

namespace decouple::verbs
{

Result<> Context::execute(uint32_t command, const Call &call)
{
	static constexpr struct {
		uint32_t command;
		Result<> (Context::*handler)(const Call &);
	} handlers[] = {
		{IB_USER_VERBS_CMD_GET_CONTEXT, &Context::get_context},
		{IB_USER_VERBS_CMD_QUERY_DEVICE, &Context::query_device},
		{IB_USER_VERBS_CMD_QUERY_PORT, &Context::query_port},
		{IB_USER_VERBS_CMD_ALLOC_PD, &Context::allocate_domain},
		{IB_USER_VERBS_CMD_DEALLOC_PD, &Context::free_domain},
		{IB_USER_VERBS_CMD_REG_MR, &Context::register_memory},
		{IB_USER_VERBS_CMD_DEREG_MR, &Context::deregister_memory},
		{IB_USER_VERBS_CMD_CREATE_COMP_CHANNEL, &Context::create_channel},
		{IB_USER_VERBS_CMD_CREATE_CQ, &Context::create_completion_queue},
		{IB_USER_VERBS_CMD_DESTROY_CQ, &Context::destroy_completion_queue},
		{IB_USER_VERBS_CMD_CREATE_SRQ, &Context::create_shared_queue},
		{IB_USER_VERBS_CMD_MODIFY_SRQ, &Context::modify_shared_queue},
		{IB_USER_VERBS_CMD_QUERY_SRQ, &Context::query_shared_queue},
		{IB_USER_VERBS_CMD_DESTROY_SRQ, &Context::destroy_shared_queue},
		{IB_USER_VERBS_CMD_CREATE_QP, &Context::create_pair},
		{IB_USER_VERBS_CMD_MODIFY_QP, &Context::modify_pair},
		{IB_USER_VERBS_CMD_QUERY_QP, &Context::query_pair},
		{IB_USER_VERBS_CMD_DESTROY_QP, &Context::destroy_pair},
	};
	const std::lock_guard lock(mutex_);
	for (const auto &entry : handlers)
		if (entry.command == command)
			return (this->*entry.handler)(call);
	return fail(EOPNOTSUPP, "verbs command " + std::to_string(command));
}

/* In the order in which objects use each other. A function that does not answer any more is left as it is. */
Context::~Context()
{
	using namespace hca;
	for (auto &[handle, pair] : pairs_) {
		router_.remove(Kind::queue_pair, pair.number);
		function_.run(op_destroy_qp, pair.number);
	}
	for (auto &[handle, queue] : shared_queues_) {
		router_.remove(Kind::shared_queue, queue.number);
		function_.run(op_destroy_rmp, queue.number);
	}
	for (auto &[handle, queue] : completion_queues_) {
		router_.remove(Kind::completion_queue, queue.number);
		function_.run(op_destroy_cq, queue.number);
	}
	for (auto &[handle, region] : regions_)
		function_.run(op_destroy_mkey, region.number);
	for (auto &[handle, domain] : domains_)
		function_.run(op_dealloc_pd, domain.number);
	for (uint32_t uar : uars_)
		function_.run(op_dealloc_uar, uar);
	router_.forget(async_file_);
}

Result<off_t> Context::uar_offset(off_t offset)
{
	const std::lock_guard lock(mutex_);
	/* How mlx5 codes what a mapping is, in pages: a command above 8 bits of an index. */
	enum { regular_pages = 0, write_combining = 2, non_cached = 3 };
	const auto page = static_cast<uint64_t>(offset) / device_page;
	const auto command = page >> 8 & 0xff, index = page & 0xff;
	if ((command != regular_pages && command != write_combining && command != non_cached) || index >= uars_.size())
		return fail(EINVAL, "mapping of another kind than a UAR");
	return static_cast<off_t>(uars_[index]) * hca::uar::page_size;
}

void Context::put_pages(Request &request, const Mapping &buffer, size_t at)
{
	for (size_t i = 0; i < buffer.pages(); i++)
		request.put({static_cast<unsigned>(8 * (at + 8 * i)), 64}, buffer.page(i));
}

Result<Mapping> Context::queue_buffer(uint64_t address, size_t len)
{
	if (address % device_page)
		return fail(EINVAL, "a queue's buffer that does not start with a page");
	return Mapping::of(function_.access(), reinterpret_cast<const void *>(address), len);
}

Result<Mapping> Context::doorbell_record(uint64_t address)
{
	return Mapping::of(function_.access(), reinterpret_cast<const void *>(address), 8);
}

} // namespace decouple::verbs
