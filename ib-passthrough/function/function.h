/* SPDX-License-Identifier: GPL-2.0-only */
/* A ConnectX function that has been brought up: commands, one event queue, a thread that reads it. */
#ifndef DECOUPLE_FUNCTION_FUNCTION_H
#define DECOUPLE_FUNCTION_FUNCTION_H

#include <functional>
#include <thread>
#include <vector>

#include "function/command_port.h"
#include "prm/fields.h"
#include "prm/opcode.h"

namespace decouple
{

/* A command and its answer. */
struct Request {
	std::vector<uint8_t> in, out;

	explicit Request(hca::Opcode opcode, size_t in_len = 16, size_t out_len = 16) : in(in_len), out(out_len)
	{
		put(hca::command::opcode, opcode);
	}
	void put(hca::Field field, uint64_t value) { hca::set(in, field, value); }
	uint32_t answer(hca::Field field) const { return static_cast<uint32_t>(hca::get(out, field)); }
	uint32_t number() const { return answer(hca::command::number); }
};

class Function
{
public:
	/* Bytes of an event from its data on. Called by the thread that reads events; may not wait for a command. */
	using Listener = std::function<void(hca::eq::Event type, unsigned subtype, hca::Bytes data)>;

	/* Leads it from reset to an active port, for which it waits some seconds; a port that is down then is no error. */
	static Result<std::unique_ptr<Function>> open(std::unique_ptr<Access> access, Listener listener);
	~Function();

	Access &access() { return *access_; }
	/* Error: what the device said, as an errno. */
	Result<> run(Request &request);
	/* A command about an object that answers nothing, such as one that destroys it. */
	Result<> run(hca::Opcode opcode, uint32_t number);
	uint32_t event_queue() const { return event_queue_; }
	/* UAR for what this driver itself rings. */
	uint32_t uar() const { return uar_; }

private:
	explicit Function(std::unique_ptr<Access> access) : access_(std::move(access)) {}

	Result<> bring_up();
	Result<> give_pages(unsigned phase);
	Result<> give(size_t count);
	Result<> create_event_queue();
	Result<> raise_port();
	Result<> start_thread();
	void read_events();
	void take_events();

	const std::unique_ptr<Access> access_;
	std::unique_ptr<CommandPort> commands_;
	std::vector<DeviceMemory> pages_; /* the firmware's */
	DeviceMemory events_;
	uint32_t event_queue_ = 0, uar_ = 0, consumer_ = 0;
	Listener listener_;
	int stop_fd_ = -1; /* eventfd that ends the thread */
	std::thread thread_;
	bool enabled_ = false;
};

} // namespace decouple

#endif
