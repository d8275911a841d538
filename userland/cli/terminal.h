/* SPDX-License-Identifier: GPL-2.0-only */
/* The terminal of `decouple top`: single keys without echo, put back at the end however that comes. */
#ifndef DECOUPLE_CLI_TERMINAL_H
#define DECOUPLE_CLI_TERMINAL_H

#include <termios.h>

namespace decouple::cli
{

class Terminal
{
public:
	Terminal();
	~Terminal();
	Terminal(const Terminal &) = delete;

	bool is_screen() const { return is_screen_; } /* stdout shows escape sequences */
	unsigned rows() const;

	/* Waits; true: the user wants to quit (q, ^C, SIGTERM). */
	bool quit_within(unsigned ms);

private:
	bool is_screen_, has_keys_;
	termios saved_ = {};
};

} // namespace decouple::cli

#endif
