// SPDX-License-Identifier: GPL-2.0-only
// Losses and delays.

#include "hca-model/impaired_wire.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <random>

namespace decouple::hca
{
namespace
{

using Clock = std::chrono::steady_clock;

class ImpairedWire : public Wire
{
public:
	ImpairedWire(std::unique_ptr<Wire> wire, const Knobs &knobs)
	    : wire_(std::move(wire)), random_(knobs.seed), loss_percent_(knobs.loss_percent), lose_answers_(knobs.lose_answers),
	      delay_(knobs.wire_delay_us)
	{
	}

	uint16_t lid() const override { return wire_->lid(); }

	void send(Packet &&packet) override
	{
		const bool may_be_lost = lose_answers_ || packet.header.kind == PacketKind::request;
		if (may_be_lost && random_() % 100 < loss_percent_)
			return;
		if (!delay_.count())
			wire_->send(std::move(packet));
		else
			delayed_.push_back({Clock::now() + delay_, std::move(packet)});
	}

	std::optional<Packet> receive() override
	{
		send_due();
		return wire_->receive();
	}

	void wait(uint64_t timeout_ns) override
	{
		send_due();
		wire_->wait(delayed_.empty() ? timeout_ns : std::min<uint64_t>(timeout_ns, 1000));
	}

private:
	struct Delayed {
		Clock::time_point due;
		Packet packet;
	};

	void send_due()
	{
		for (; !delayed_.empty() && delayed_.front().due <= Clock::now(); delayed_.pop_front())
			wire_->send(std::move(delayed_.front().packet));
	}

	const std::unique_ptr<Wire> wire_;
	std::minstd_rand random_;
	const uint64_t loss_percent_;
	const bool lose_answers_;
	const std::chrono::microseconds delay_;
	std::deque<Delayed> delayed_;
};

} // namespace

std::unique_ptr<Wire> impaired(std::unique_ptr<Wire> wire, const Knobs &knobs)
{
	if (!knobs.loss_percent && !knobs.wire_delay_us)
		return wire;
	return std::make_unique<ImpairedWire>(std::move(wire), knobs);
}

} // namespace decouple::hca
