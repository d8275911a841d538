// SPDX-License-Identifier: GPL-2.0-only
// Contexts by their files.

#include "verbs/server.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "function/model_access.h"
#include "function/vfio_access.h"
#include "verbs/sysfs.h"

namespace decouple::verbs
{
namespace
{

Result<std::unique_ptr<Access>> open_access()
{
	const char *value = std::getenv("HCA_FUNCTION");
	const std::string name = value ? value : "model", vfio = "vfio:";
	if (name == "model")
		return open_model();
	if (name.starts_with(vfio))
		return open_vfio(name.substr(vfio.size()));
	return fail(EINVAL, "HCA_FUNCTION is neither model nor vfio:BDF");
}

} // namespace

Result<> Server::start_function()
{
	if (function_)
		return {};
	auto access = TRY(open_access());
	function_ = TRY(Function::open(std::move(access), [this](hca::eq::Event type, unsigned subtype, hca::Bytes data) {
		router_.handle(type, subtype, data);
	}));
	Request query(hca::op_query_hca_vport, 16, hca::port::vport_at + 512);
	TRY(function_->run(query));
	return write_gid(sysfs_, hca::get(hca::tail(hca::Bytes(query.out), hca::port::vport_at), hca::port::port_guid));
}

Result<int> Server::open()
{
	const std::lock_guard lock(mutex_);
	TRY(start_function());
	const int fd = memfd_create("uverbs0", MFD_CLOEXEC);
	if (fd < 0)
		return fail_errno("file of a verbs context");
	if (fd >= last_fd) {
		close(fd);
		return fail(EMFILE, "file of a verbs context");
	}
	contexts_[fd] = std::make_shared<Context>(*function_, router_);
	is_context_[static_cast<size_t>(fd)] = true;
	return fd;
}

std::shared_ptr<Context> Server::find(int fd)
{
	const std::lock_guard lock(mutex_);
	auto found = contexts_.find(fd);
	return found == contexts_.end() ? nullptr : found->second;
}

Result<> Server::write(int fd, hca::Bytes bytes)
{
	const auto context = find(fd);
	ib_uverbs_cmd_hdr header;
	if (!context || bytes.size() < sizeof(header))
		return fail(EINVAL, "no verbs command");
	std::memcpy(&header, bytes.data(), sizeof(header));
	if (size_t(header.in_words) * 4 != bytes.size())
		return fail(header.command & IB_USER_VERBS_CMD_FLAG_EXTENDED ? EOPNOTSUPP : EINVAL,
			    "no verbs command of the basic form");
	return context->execute(header.command, Call(hca::tail(bytes, sizeof(header)), size_t(header.out_words) * 4));
}

void *Server::map(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
	const auto context = find(fd);
	const auto at = context ? context->uar_offset(offset) : fail(EBADF, "no verbs context");
	if (!at || len != hca::uar::page_size) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	return function_->access().map_bar(address, len, protection, flags, *at);
}

void Server::closing(int fd)
{
	std::shared_ptr<Context> last;
	if (is_context(fd)) {
		const std::lock_guard lock(mutex_);
		is_context_[static_cast<size_t>(fd)] = false;
		last = std::move(contexts_[fd]);
		contexts_.erase(fd);
	}
	router_.forget(fd);
}

} // namespace decouple::verbs
