/* SPDX-License-Identifier: GPL-2.0-only */
/* The port: link training, the subnet manager's part, and how commands tell of both. */
#ifndef DECOUPLE_HCA_PORT_H
#define DECOUPLE_HCA_PORT_H

#include "hca-model/event.h"
#include "hca-model/knobs.h"

namespace decouple::hca
{

class Port : public Part
{
public:
	Port(Bus &bus, const Knobs &knobs, Events &events, uint16_t lid) : bus_(bus), knobs_(knobs), events_(events), lid_(lid)
	{
	}

	std::optional<Status> execute(Command &command) override;
	void reset() override;
	/* Time passes. True: the state has changed. */
	bool step();

private:
	/*
	 *	down -PAOS up, link_up_ms-> init -activate_ms-> active		from all to down by PAOS
	 *
	 * Nothing of that is instant with hardware, where a subnet manager has to come by before a port is active; drivers that
	 * take it as instant are found only if it takes time here too.
	 */
	void set_admin(unsigned admin);
	void enter(port::State state, unsigned event);
	Status access_register(Command &command);
	Status management(Command &command);
	Status query(Command &command);
	Status query_gid(Command &command);
	uint64_t guid() const { return 0x0002c90300000000 + lid_; }
	unsigned physical() const;

	Bus &bus_;
	const Knobs &knobs_;
	Events &events_;
	const uint16_t lid_;
	unsigned admin_ = port::admin_down;
	port::State state_ = port::State::down;
	uint64_t due_ns_ = ~0ull; /* of the next step up */
};

} // namespace decouple::hca

#endif
