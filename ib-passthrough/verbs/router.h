/* SPDX-License-Identifier: GPL-2.0-only */
/* Brings events of the function to the files of the program. */
#ifndef DECOUPLE_VERBS_ROUTER_H
#define DECOUPLE_VERBS_ROUTER_H

#include <map>
#include <mutex>

#include "prm/fields.h"
#include "verbs/event_file.h"

namespace decouple::verbs
{

enum class Kind { completion_queue, queue_pair, shared_queue };

/* Events that the program has been told of and must acknowledge before an object goes. */
struct Reported {
	uint32_t completions = 0, others = 0;
};

class Router
{
public:
	/* Both give the program's end. A file is there until forget(). */
	Result<int> create_channel();
	Result<int> create_async_file();
	/* The program closes a file. */
	void forget(int fd);

	/* `channel`: -1 for a queue without one. `name`: how the program calls it. */
	Result<> add(Kind kind, uint32_t number, uint64_t name, int async_file, int channel = -1);
	Reported remove(Kind kind, uint32_t number);

	/* Called by the function's thread. */
	void handle(hca::eq::Event type, unsigned subtype, hca::Bytes data);

private:
	struct Object {
		uint64_t name;
		int async_file, channel;
		Reported sent;
	};

	void send_completion(uint32_t number);
	void send_async(Kind kind, uint32_t number, uint32_t event);
	void send_port(unsigned subtype);

	std::mutex mutex_; /* protects all of it; nobody waits for a command under it */
	std::map<int, EventFile> channels_, async_files_; /* by the program's fd */
	std::map<std::pair<Kind, uint32_t>, Object> objects_;
};

} // namespace decouple::verbs

#endif
