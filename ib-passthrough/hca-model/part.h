/* SPDX-License-Identifier: GPL-2.0-only */
/* A part of the device: executes commands on the objects that it owns. */
#ifndef DECOUPLE_HCA_PART_H
#define DECOUPLE_HCA_PART_H

#include <algorithm>
#include <map>
#include <optional>

#include "prm/fields.h"

namespace decouple::hca
{

/* A command while it is executed; the output is zero before that. */
struct Command {
	Bytes in;
	MutableBytes out;
	uint32_t syndrome = 0;

	unsigned opcode() const { return static_cast<unsigned>(get(in, command::opcode)); }
	unsigned op_mod() const { return static_cast<unsigned>(get(in, command::op_mod)); }
	uint32_t number() const { return static_cast<uint32_t>(get(in, command::number)); }
	void answer_number(uint32_t number) { set(out, command::number, number); }
};

class Part
{
public:
	virtual ~Part() = default;
	/* nullopt: not a command of this part. */
	virtual std::optional<Status> execute(Command &command) = 0;
	/* Lets go of all objects, as by TEARDOWN_HCA. */
	virtual void reset() = 0;
};

/* Objects by their numbers. A number that becomes free is used again as late as possible. */
template <class T> class Table
{
public:
	explicit Table(uint32_t first, uint32_t last = 0xffffff) : first_(first), last_(last), next_(first) {}

	/* nullptr: the device is full. The pointer is good until the object is removed. */
	T *add(T object, uint32_t *number)
	{
		constexpr size_t most = 1 << 16;
		if (objects_.size() >= std::min<size_t>(most, last_ - first_ + 1))
			return nullptr;
		while (objects_.contains(next_))
			advance();
		*number = next_;
		advance();
		return &objects_.emplace(*number, std::move(object)).first->second;
	}
	T *find(uint32_t number)
	{
		auto found = objects_.find(number);
		return found == objects_.end() ? nullptr : &found->second;
	}
	bool remove(uint32_t number) { return objects_.erase(number); }
	void clear() { objects_.clear(); }
	auto begin() { return objects_.begin(); }
	auto end() { return objects_.end(); }

private:
	void advance() { next_ = next_ == last_ ? first_ : next_ + 1; }

	std::map<uint32_t, T> objects_;
	const uint32_t first_, last_;
	uint32_t next_;
};

/* What a command that makes an object answers. */
template <class T> Status add_to(Table<T> &table, T object, Command &command)
{
	uint32_t number;
	if (!table.add(std::move(object), &number))
		return Status::limit;
	command.answer_number(number);
	return Status::ok;
}

template <class T> Status remove_from(Table<T> &table, const Command &command)
{
	return table.remove(command.number()) ? Status::ok : Status::bad_resource;
}

} // namespace decouple::hca

#endif
