/* SPDX-License-Identifier: GPL-2.0-only */
/* Giving PCI functions to user space by vfio-pci, and back to the drivers that they had. */
#ifndef DECOUPLE_DEV_BINDING_H
#define DECOUPLE_DEV_BINDING_H

#include <string>
#include <vector>

#include "dev/bound_state.h"
#include "dev/function.h"

namespace decouple
{

inline const std::string no_override = "(null)\n"; /* what driver_override reads without one; an empty line is written for it */
Step override_step(const std::string &address, const std::string &from, const std::string &to);

struct BindReport {
	struct Bound {
		std::string address, group, driver; /* driver: what it had, or has again */
	};
	std::vector<Bound> functions;
	std::vector<std::string> notes;
};

class Binding
{
public:
	/*
	 * Waits for other commands, then sets right what one of them left unfinished, see repaired(): a bind is undone, an unbind brought to
	 * its end, so that in both cases the function has its old driver. `change`: bind() or unbind() are going to be called, for which
	 * one has to be root.
	 */
	static Result<Binding> open(Tree &tree, bool change);

	/* All or none; with each function that of its IOMMU group which has a driver has to be named. */
	Result<BindReport> bind(const std::vector<std::string> &addresses);
	/* Makes `count` virtual functions of a physical one, which keeps its driver, and binds them. */
	Result<BindReport> bind_virtual(const std::string &address, unsigned count);
	/* A physical function's address stands for the virtual ones that were made of it; none: all that are bound. */
	Result<BindReport> unbind(const std::vector<std::string> &addresses);

	const BoundState &state() const { return state_; }
	const std::vector<std::string> &repaired() const { return repaired_; }

private:
	Binding(Tree &tree, Journal journal) : tree_(tree), journal_(std::move(journal)) {}
	void repair(const JournalContents &contents);
	Result<PciFunction> bindable(const std::string &address) const;
	Result<> check_groups(const std::vector<PciFunction> &functions) const;
	Result<> make(const std::vector<Step> &steps);
	Result<> undone(const std::vector<Step> &steps, Error error);
	void drop(const std::vector<std::string> &addresses);
	std::vector<Step> bind_steps(const PciFunction &function) const;

	Tree &tree_;
	Journal journal_;
	BoundState state_;
	std::vector<std::string> repaired_;
};

} // namespace decouple

#endif
