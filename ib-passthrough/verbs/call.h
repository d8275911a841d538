/* SPDX-License-Identifier: GPL-2.0-only */
/* A command that a program wrote to its verbs device: what it asks, and where the answer goes. */
#ifndef DECOUPLE_VERBS_CALL_H
#define DECOUPLE_VERBS_CALL_H

#include <rdma/ib_user_verbs.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "base/result.h"
#include "prm/bits.h"

namespace decouple::verbs
{

class Call
{
public:
	/* `in`: behind the header. The answer has `answer_len` bytes of room at the address that `in` starts with. */
	Call(hca::Bytes in, size_t answer_len) : in_(in), answer_len_(answer_len) {}

	/* A structure of the command at byte `at`; what an older program does not send of it is zero. */
	template <class T> T read(size_t at = 0) const
	{
		T value;
		std::memset(&value, 0, sizeof(value));
		const hca::Bytes from = hca::tail(in_, at);
		if (!from.empty())
			std::memcpy(&value, from.data(), std::min(from.size(), sizeof(value)));
		return value;
	}
	/* The driver's part, which follows the core's. */
	template <class Core, class Driver> Driver driver() const { return read<Driver>(sizeof(Core)); }

	template <class Core> void answer(const Core &core) const { put(&core, sizeof(core), 0); }
	template <class Core, class Driver> void answer(const Core &core, const Driver &driver) const
	{
		put(&core, sizeof(core), 0);
		put(&driver, sizeof(driver), sizeof(core));
	}

private:
	void put(const void *bytes, size_t len, size_t at) const
	{
		/* The address is the program's own, in this process. */
		auto *to = reinterpret_cast<uint8_t *>(read<uint64_t>());
		if (at < answer_len_)
			std::memcpy(to + at, bytes, std::min(len, answer_len_ - at));
	}

	hca::Bytes in_;
	size_t answer_len_;
};

/* The objects of a program by their handles. */
template <class T> class Handles
{
public:
	uint32_t add(T object)
	{
		objects_.emplace(next_, std::move(object));
		return next_++;
	}
	Result<T *> find(uint32_t handle)
	{
		auto found = objects_.find(handle);
		if (found == objects_.end())
			return fail(EINVAL, "no such handle");
		return &found->second;
	}
	void remove(uint32_t handle) { objects_.erase(handle); }
	auto begin() { return objects_.begin(); }
	auto end() { return objects_.end(); }

private:
	std::map<uint32_t, T> objects_;
	uint32_t next_ = 1;
};

} // namespace decouple::verbs

#endif
