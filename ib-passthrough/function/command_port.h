/* SPDX-License-Identifier: GPL-2.0-only */
/* The driver's side of the command interface: one command at a time, by slot 0. */
#ifndef DECOUPLE_FUNCTION_COMMAND_PORT_H
#define DECOUPLE_FUNCTION_COMMAND_PORT_H

#include <memory>
#include <mutex>

#include "function/mapping.h"

namespace decouple
{

class CommandPort
{
public:
	/* `access` outlives it. */
	static Result<std::unique_ptr<CommandPort>> open(Access &access);

	/*
	 * Executes a command; its own status is in the output. An error means that the command did not get through; ETIMEDOUT and
	 * EIO for all that follow, since the device may still write to the old one's mailboxes.
	 */
	Result<> execute(hca::Bytes in, hca::MutableBytes out);

private:
	explicit CommandPort(Access &access) : access_(access) {}

	/* Mailboxes for so many bytes behind those in the slot. */
	Result<> make_chain(DeviceMemory &chain, size_t len);
	Result<> wait();

	Access &access_;
	std::mutex mutex_; /* a command */
	DeviceMemory slots_, input_, output_;
	uint8_t token_ = 0;
	bool dead_ = false;
};

} // namespace decouple

#endif
