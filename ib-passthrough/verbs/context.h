/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program's verbs context: the kernel's uverbs ABI in its write(2) form, with mlx5's driver data, turned into commands to a
 * function. Buffers, doorbell records and UARs are the program's own memory; its data path does not come by here.
 */
#ifndef DECOUPLE_VERBS_CONTEXT_H
#define DECOUPLE_VERBS_CONTEXT_H

#include <rdma/mlx5-abi.h>

#include <mutex>

#include "function/function.h"
#include "verbs/call.h"
#include "verbs/router.h"

namespace decouple::verbs
{

class Context
{
public:
	/* Both outlive it. */
	Context(Function &function, Router &router) : function_(function), router_(router) {}
	/* Lets go of what the program has left. */
	~Context();

	/* One command; error EOPNOTSUPP for what is not there. */
	Result<> execute(uint32_t command, const Call &call);
	/* BAR offset of what the program maps at this offset of its device file. */
	Result<off_t> uar_offset(off_t offset);

private:
	static constexpr unsigned uars = 8; /* UARs per context, two BlueFlame registers in each */

	struct Domain {
		uint32_t number;
	};
	struct Region {
		uint32_t number;
		Mapping memory;
	};
	struct CompletionQueue {
		uint32_t number;
		Mapping buffer, record;
	};
	struct SharedQueue {
		uint32_t number, entries, segments;
		Mapping buffer, record;
	};
	struct Pair {
		uint32_t number;
		uint8_t state; /* as verbs count them */
		uint8_t signal_all;
		uint32_t sends, receives, send_segments, receive_segments, inline_data; /* what was asked for */
		Mapping buffer, record;
	};

	Result<> get_context(const Call &call);
	Result<> query_device(const Call &call);
	Result<> query_port(const Call &call);
	Result<> allocate_domain(const Call &call);
	Result<> free_domain(const Call &call);
	Result<> register_memory(const Call &call);
	Result<> deregister_memory(const Call &call);
	Result<> create_channel(const Call &call);
	Result<> create_completion_queue(const Call &call);
	Result<> destroy_completion_queue(const Call &call);
	Result<> create_shared_queue(const Call &call);
	Result<> modify_shared_queue(const Call &call);
	Result<> query_shared_queue(const Call &call);
	Result<> destroy_shared_queue(const Call &call);
	Result<> create_pair(const Call &call);
	Result<> modify_pair(const Call &call);
	Result<> query_pair(const Call &call);
	Result<> destroy_pair(const Call &call);

	/* The page list of a queue's buffer, from byte `at` of the request on. */
	static void put_pages(Request &request, const Mapping &buffer, size_t at);
	/* A buffer of whole pages, and a doorbell record. */
	Result<Mapping> queue_buffer(uint64_t address, size_t len);
	Result<Mapping> doorbell_record(uint64_t address);

	Function &function_;
	Router &router_;
	std::mutex mutex_; /* protects all below: one command at a time */
	int async_file_ = -1;
	std::vector<uint32_t> uars_;
	uint8_t next_key_ = 0;
	Handles<Domain> domains_;
	Handles<Region> regions_;
	Handles<CompletionQueue> completion_queues_;
	Handles<SharedQueue> shared_queues_;
	Handles<Pair> pairs_;
};

} // namespace decouple::verbs

#endif
