/* SPDX-License-Identifier: GPL-2.0-only */
/* Error values for hosted code: an errno and a sentence that says what failed, with what, and what to do. */
#ifndef DECOUPLE_BASE_RESULT_H
#define DECOUPLE_BASE_RESULT_H

#include <cerrno>
#include <cstring>
#include <expected>
#include <string>
#include <utility>

namespace decouple
{

struct Error {
	int code; /* errno; decides the exit code of the CLI */
	std::string what; /* for the user; does not repeat strerror(code) */
};

template <class T = void> using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(int code, std::string what)
{
	return std::unexpected(Error{code, std::move(what)});
}

/* Error from errno: "what: strerror". */
inline std::unexpected<Error> fail_errno(const std::string &what)
{
	int code = errno;
	return fail(code, what + ": " + std::strerror(code));
}

} // namespace decouple

/* Value of a Result, or return its error from the enclosing function. */
#define TRY(expr)                                                                                                              \
	__extension__({                                                                                                        \
		auto try_result_ = (expr);                                                                                     \
		if (!try_result_)                                                                                              \
			return std::unexpected(std::move(try_result_.error()));                                                \
		std::move(try_result_).value();                                                                                \
	})

#endif
