// SPDX-License-Identifier: GPL-2.0-only
// Events of the function become records in files.

#include "verbs/router.h"

#include <rdma/ib_user_verbs.h>

#include <cstring>

namespace decouple::verbs
{
namespace
{

using namespace hca;

/* enum ib_event_type of the kernel, which no header for user space has. */
enum {
	cq_error = 0,
	qp_fatal = 1,
	qp_request_error = 2,
	qp_access_error = 3,
	port_active = 9,
	port_error = 10,
	srq_limit = 15,
	last_wqe = 16
};

} // namespace

Result<int> Router::create_channel()
{
	EventFile file = TRY(EventFile::create(sizeof(ib_uverbs_comp_event_desc)));
	const std::lock_guard lock(mutex_);
	const int fd = file.fd();
	channels_.emplace(fd, std::move(file));
	return fd;
}

Result<int> Router::create_async_file()
{
	EventFile file = TRY(EventFile::create(sizeof(ib_uverbs_async_event_desc)));
	const std::lock_guard lock(mutex_);
	const int fd = file.fd();
	async_files_.emplace(fd, std::move(file));
	return fd;
}

void Router::forget(int fd)
{
	const std::lock_guard lock(mutex_);
	channels_.erase(fd);
	async_files_.erase(fd);
}

Result<> Router::add(Kind kind, uint32_t number, uint64_t name, int async_file, int channel)
{
	const std::lock_guard lock(mutex_);
	if (channel >= 0 && !channels_.contains(channel))
		return fail(EBADF, "no such completion channel");
	objects_[{kind, number}] = {name, async_file, channel, {}};
	return {};
}

Reported Router::remove(Kind kind, uint32_t number)
{
	const std::lock_guard lock(mutex_);
	auto found = objects_.find({kind, number});
	if (found == objects_.end())
		return {};
	const Object object = found->second;
	objects_.erase(found);
	/* Both kinds of records start with the name. */
	const auto matches = [&object](const void *record) { return !std::memcmp(record, &object.name, sizeof(object.name)); };
	Reported reported = object.sent;
	if (auto channel = channels_.find(object.channel); channel != channels_.end())
		reported.completions -= channel->second.withdraw(matches);
	if (auto file = async_files_.find(object.async_file); file != async_files_.end() && reported.others)
		reported.others -= file->second.withdraw(matches);
	return reported;
}

void Router::send_completion(uint32_t number)
{
	auto found = objects_.find({Kind::completion_queue, number});
	if (found == objects_.end())
		return;
	auto channel = channels_.find(found->second.channel);
	const ib_uverbs_comp_event_desc record = {.cq_handle = found->second.name};
	if (channel != channels_.end() && channel->second.send(&record))
		found->second.sent.completions++;
}

void Router::send_async(Kind kind, uint32_t number, uint32_t event)
{
	auto found = objects_.find({kind, number});
	if (found == objects_.end())
		return;
	auto file = async_files_.find(found->second.async_file);
	const ib_uverbs_async_event_desc record = {.element = found->second.name, .event_type = event, .reserved = 0};
	if (file != async_files_.end() && file->second.send(&record))
		found->second.sent.others++;
}

void Router::send_port(unsigned subtype)
{
	if (subtype != port::event_active && subtype != port::event_down)
		return;
	const uint32_t event = subtype == port::event_active ? port_active : port_error;
	const ib_uverbs_async_event_desc record = {.element = 1, .event_type = event, .reserved = 0};
	for (auto &[fd, file] : async_files_)
		file.send(&record);
}

void Router::handle(eq::Event type, unsigned subtype, Bytes data)
{
	const std::lock_guard lock(mutex_);
	const auto queue = static_cast<uint32_t>(get(data, eq::queue_number));
	switch (type) {
	case eq::Event::completion:
		return send_completion(static_cast<uint32_t>(get(data, eq::cq_number)));
	case eq::Event::cq_error:
		return send_async(Kind::completion_queue, static_cast<uint32_t>(get(data, eq::failed_cq)), cq_error);
	case eq::Event::wq_catastrophe:
		return send_async(Kind::queue_pair, queue, qp_fatal);
	case eq::Event::invalid_request:
		return send_async(Kind::queue_pair, queue, qp_request_error);
	case eq::Event::access_error:
		return send_async(Kind::queue_pair, queue, qp_access_error);
	case eq::Event::srq_last_wqe:
		return send_async(Kind::queue_pair, queue, last_wqe);
	case eq::Event::srq_limit:
		return send_async(Kind::shared_queue, queue, srq_limit);
	case eq::Event::port:
		return send_port(subtype);
	default:
		return;
	}
}

} // namespace decouple::verbs
