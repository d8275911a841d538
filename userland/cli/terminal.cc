/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys and size of the terminal. */
#include "cli/terminal.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>

namespace decouple::cli
{
namespace
{

volatile sig_atomic_t asked_to_end;

void ask_to_end(int)
{
	asked_to_end = 1;
}

} // namespace

Terminal::Terminal() : is_screen_(isatty(STDOUT_FILENO)), has_keys_(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
{
	struct sigaction action = {};
	action.sa_handler = ask_to_end; /* no SA_RESTART: it ends the wait */
	for (int signal : {SIGINT, SIGTERM, SIGHUP})
		sigaction(signal, &action, nullptr);
	/* In the background, changing the terminal would stop us. */
	if (has_keys_ && (tcgetpgrp(STDIN_FILENO) != getpgrp() || tcgetattr(STDIN_FILENO, &saved_)))
		has_keys_ = false;
	if (!has_keys_)
		return;
	termios keys = saved_;
	keys.c_lflag &= ~tcflag_t(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &keys);
}

Terminal::~Terminal()
{
	if (has_keys_)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved_);
}

unsigned Terminal::rows() const
{
	winsize size;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row ? 24 : size.ws_row;
}

bool Terminal::quit_within(unsigned ms)
{
	using Clock = std::chrono::steady_clock;
	const auto end = Clock::now() + std::chrono::milliseconds(ms);
	for (;;) {
		const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
		if (asked_to_end)
			return true;
		if (left <= 0)
			return false;
		pollfd keys = {has_keys_ ? STDIN_FILENO : -1, POLLIN, 0};
		if (poll(&keys, 1, int(left)) <= 0 || !keys.revents)
			continue;
		char key;
		if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q')
			return true;
	}
}

} // namespace decouple::cli
