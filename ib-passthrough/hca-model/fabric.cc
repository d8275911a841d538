// SPDX-License-Identifier: GPL-2.0-only
// A wire within the process.

#include "hca-model/fabric.h"

#include <chrono>

namespace decouple::hca
{

class Fabric::End : public Wire
{
public:
	End(Fabric &fabric, uint16_t lid) : fabric_(fabric), lid_(lid) {}

	uint16_t lid() const override { return lid_; }

	void send(Packet &&packet) override
	{
		packet.header.source_lid = lid_;
		packet.header.payload = static_cast<uint32_t>(packet.payload.size());
		const std::lock_guard lock(fabric_.mutex_);
		auto found = fabric_.queues_.find(packet.header.target_lid);
		if (found == fabric_.queues_.end())
			return;
		found->second.packets.push_back(std::move(packet));
		found->second.arrived.notify_one();
	}

	std::optional<Packet> receive() override
	{
		const std::lock_guard lock(fabric_.mutex_);
		auto &packets = fabric_.queues_[lid_].packets;
		if (packets.empty())
			return std::nullopt;
		Packet packet = std::move(packets.front());
		packets.pop_front();
		return packet;
	}

	void wait(uint64_t timeout_ns) override
	{
		std::unique_lock lock(fabric_.mutex_);
		Queue &queue = fabric_.queues_[lid_];
		queue.arrived.wait_for(lock, std::chrono::nanoseconds(timeout_ns), [&] { return !queue.packets.empty(); });
	}

private:
	Fabric &fabric_;
	const uint16_t lid_;
};

std::unique_ptr<Wire> Fabric::plug(uint16_t lid)
{
	const std::lock_guard lock(mutex_);
	queues_[lid].packets.clear();
	return std::make_unique<End>(*this, lid);
}

} // namespace decouple::hca
