/* SPDX-License-Identifier: GPL-2.0-only */
/* One operation from plan to report: what Reservation::apply() goes through. */
#ifndef DECOUPLE_RESERVE_OPERATION_H
#define DECOUPLE_RESERVE_OPERATION_H

#include "reserve/reservation.h"

namespace decouple
{

class Operation
{
public:
	/* state: as it is; next: the cores and hushes that shall be. */
	Operation(Tree &tree, Journal &journal, const CpusetMount &mount, const Topology &topology, const ReservedState &state,
		  ReservedState next);

	/* Error: nothing was changed. */
	Result<> plan();
	/* Error: everything was undone, or the error says what was not. */
	Result<> run(const std::string &name);
	/* The state that it led to, for the journal. */
	const ReservedState &next() const { return next_; }
	ReserveReport take_report() { return std::move(report_); }

private:
	bool releasing() const { return next_.all().size() < state_.all().size(); }
	std::vector<Step> plan_values();
	std::vector<Step> plan_hush() const;
	Result<> make(const std::vector<Step> &steps);
	Result<> move_stragglers();
	void settle_values();
	void count();
	Result<> undone(Error error);

	Tree &tree_;
	Journal &journal_;
	const CpusetMount &mount_;
	const Topology &topology_;
	const ReservedState &state_;
	ReservedState next_;
	CoreChange change_;
	std::vector<Step> steps_; /* planned: all of them are in the journal before the first is made */
	ReserveReport report_;
};

} // namespace decouple

#endif
