// SPDX-License-Identifier: GPL-2.0-only
// Packets over Unix sockets. A connection carries packets one way: to a LID we send by the one that we made, from it we receive by the
// one that it made.

#include "hca-model/socket_wire.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <deque>
#include <map>

#include "hca-model/impaired_wire.h"

namespace decouple::hca
{
namespace
{

constexpr uint16_t last_lid = 1023;
/* Longer ones come from nobody who speaks our language. */
constexpr uint32_t longest_payload = 1 << 30;
/* Longer ones travel as a file: a socket takes some 200 KiB, and each time that it is full costs a turn of both ends' threads. */
constexpr size_t longest_inline = 64 << 10;

/* A file, owned. */
class File
{
public:
	explicit File(int fd = -1) : fd_(fd) {}
	File(File &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
	File &operator=(File &&other) noexcept
	{
		std::swap(fd_, other.fd_);
		return *this;
	}
	~File()
	{
		if (fd_ >= 0)
			close(fd_);
	}
	int fd() const { return fd_; }

private:
	int fd_;
};

struct Address {
	sockaddr_un name = {};
	socklen_t len;

	Address(const std::string &fabric, uint16_t lid)
	{
		const std::string text = "decouple-" + fabric + "-" + std::to_string(lid);
		name.sun_family = AF_UNIX;
		const size_t copied = text.copy(name.sun_path + 1, sizeof(name.sun_path) - 1);
		len = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + copied);
	}
	const sockaddr *get() const { return reinterpret_cast<const sockaddr *>(&name); }
};

File make_socket()
{
	return File(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

struct Message {
	std::vector<uint8_t> bytes;
	File file; /* goes with the first byte */
};

/* What could not be written yet. */
struct Outgoing {
	File socket;
	std::deque<Message> messages = {};
	size_t written = 0; /* of the first message */
};

struct Incoming {
	File socket;
	std::vector<uint8_t> bytes = {}; /* of a message that has not come as a whole */
	std::deque<File> files = {}; /* of messages whose bytes come, or are still to come */
};

/* For sendmsg() and recvmsg(): bytes, and room for one file. */
struct Transfer {
	iovec piece;
	alignas(cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))] = {};
	msghdr header = {};

	Transfer(uint8_t *bytes, size_t len, bool with_file) : piece{bytes, len}
	{
		header.msg_iov = &piece;
		header.msg_iovlen = 1;
		header.msg_control = with_file ? control : nullptr;
		header.msg_controllen = with_file ? sizeof(control) : 0;
	}
	Transfer(const Transfer &) = delete;
};

ssize_t send_piece(int socket, Message &message, size_t from)
{
	const bool with_file = !from && message.file.fd() >= 0;
	Transfer transfer(&message.bytes[from], message.bytes.size() - from, with_file);
	if (with_file) {
		cmsghdr *control = CMSG_FIRSTHDR(&transfer.header);
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(sizeof(int));
		const int fd = message.file.fd();
		std::memcpy(CMSG_DATA(control), &fd, sizeof(fd));
	}
	return sendmsg(socket, &transfer.header, MSG_NOSIGNAL);
}

ssize_t receive_piece(Incoming &from, uint8_t *bytes, size_t len)
{
	Transfer transfer(bytes, len, true);
	const ssize_t got = recvmsg(from.socket.fd(), &transfer.header, MSG_CMSG_CLOEXEC);
	const cmsghdr *control = got > 0 ? CMSG_FIRSTHDR(&transfer.header) : nullptr;
	if (control && control->cmsg_type == SCM_RIGHTS) {
		int fd;
		std::memcpy(&fd, CMSG_DATA(control), sizeof(fd));
		from.files.push_back(File(fd));
	}
	return got;
}

/* A file with this content; without one if there is none to be had. */
File make_file(const std::vector<uint8_t> &content)
{
	File file(memfd_create("hca-payload", MFD_CLOEXEC));
	for (size_t at = 0; at < content.size();) {
		const ssize_t done = pwrite(file.fd(), &content[at], content.size() - at, static_cast<off_t>(at));
		if (done <= 0)
			return File();
		at += static_cast<size_t>(done);
	}
	return file;
}

bool read_file(const File &file, std::vector<uint8_t> &content)
{
	for (size_t at = 0; at < content.size();) {
		const ssize_t done = pread(file.fd(), &content[at], content.size() - at, static_cast<off_t>(at));
		if (done <= 0)
			return false;
		at += static_cast<size_t>(done);
	}
	return true;
}

class SocketWire : public Wire
{
public:
	SocketWire(File listener, std::string fabric, uint16_t lid)
	    : listener_(std::move(listener)), fabric_(std::move(fabric)), lid_(lid)
	{
	}

	uint16_t lid() const override { return lid_; }
	void send(Packet &&packet) override;
	std::optional<Packet> receive() override;
	void wait(uint64_t timeout_ns) override;

private:
	/* Waits for sockets, at most so long, and moves what can be moved. */
	void turn(uint64_t timeout_ns);
	/* What has come by a connection. */
	void take(Incoming &from);
	/* The message at `at`, which moves behind it; false: it is not there as a whole. */
	bool take_message(Incoming &from, size_t &at);
	static bool push(Outgoing &to);

	const File listener_;
	const std::string fabric_;
	const uint16_t lid_;
	std::map<uint16_t, Outgoing> outgoing_;
	std::deque<Incoming> incoming_;
	std::deque<Packet> packets_;
	unsigned since_turn_ = 0;
};

/* False: the other end is gone, and what was meant for it. */
bool SocketWire::push(Outgoing &to)
{
	while (!to.messages.empty()) {
		Message &message = to.messages.front();
		const ssize_t sent = send_piece(to.socket.fd(), message, to.written);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR;
		to.written += static_cast<size_t>(sent);
		if (to.written == message.bytes.size()) {
			to.messages.pop_front();
			to.written = 0;
		}
	}
	return true;
}

void SocketWire::send(Packet &&packet)
{
	packet.header.source_lid = lid_;
	packet.header.payload = static_cast<uint32_t>(packet.payload.size());
	const uint16_t target = packet.header.target_lid;
	if (target == lid_) {
		packets_.push_back(std::move(packet));
		return;
	}
	auto found = outgoing_.find(target);
	if (found == outgoing_.end()) {
		const Address address(fabric_, target);
		File socket = make_socket();
		if (connect(socket.fd(), address.get(), address.len))
			return; /* nobody is there: the packet is lost */
		found = outgoing_.emplace(target, Outgoing{std::move(socket)}).first;
	}
	Message message;
	if (packet.payload.size() > longest_inline)
		message.file = make_file(packet.payload);
	packet.header.in_file = message.file.fd() >= 0;
	const auto *header = reinterpret_cast<const uint8_t *>(&packet.header);
	message.bytes.assign(header, header + sizeof(packet.header));
	if (!packet.header.in_file)
		message.bytes.insert(message.bytes.end(), packet.payload.begin(), packet.payload.end());
	found->second.messages.push_back(std::move(message));
	if (!push(found->second))
		outgoing_.erase(found);
}

bool SocketWire::take_message(Incoming &from, size_t &at)
{
	Packet packet;
	if (from.bytes.size() - at < sizeof(packet.header))
		return false;
	std::memcpy(&packet.header, &from.bytes[at], sizeof(packet.header));
	const size_t len = packet.header.payload, inlined = packet.header.in_file ? 0 : len;
	if (len > longest_payload) {
		from.socket = File();
		return false;
	}
	if (from.bytes.size() - at - sizeof(packet.header) < inlined)
		return false;
	const auto start = from.bytes.begin() + static_cast<ptrdiff_t>(at + sizeof(packet.header));
	packet.payload.assign(start, start + static_cast<ptrdiff_t>(inlined));
	at += sizeof(packet.header) + inlined;
	if (packet.header.in_file) {
		packet.payload.resize(len);
		if (from.files.empty() || !read_file(from.files.front(), packet.payload)) {
			from.socket = File();
			return false;
		}
		from.files.pop_front();
	}
	packets_.push_back(std::move(packet));
	return true;
}

void SocketWire::take(Incoming &from)
{
	constexpr size_t chunk = 256 << 10;
	for (ssize_t got = 1; got > 0;) {
		const size_t had = from.bytes.size();
		from.bytes.resize(had + chunk);
		got = receive_piece(from, &from.bytes[had], chunk);
		const int error = errno;
		from.bytes.resize(had + static_cast<size_t>(std::max<ssize_t>(got, 0)));
		if (got == 0 || (got < 0 && error != EAGAIN && error != EINTR))
			from.socket = File();
	}
	size_t at = 0;
	while (take_message(from, at))
		;
	from.bytes.erase(from.bytes.begin(), from.bytes.begin() + static_cast<ptrdiff_t>(at));
}

void SocketWire::turn(uint64_t timeout_ns)
{
	std::vector<pollfd> fds = {{listener_.fd(), POLLIN, 0}};
	for (const Incoming &from : incoming_)
		fds.push_back({from.socket.fd(), POLLIN, 0});
	for (const auto &[lid, to] : outgoing_)
		if (!to.messages.empty())
			fds.push_back({to.socket.fd(), POLLOUT, 0});
	const timespec timeout = {static_cast<time_t>(timeout_ns / 1000000000), static_cast<long>(timeout_ns % 1000000000)};
	if (ppoll(fds.data(), fds.size(), &timeout, nullptr) <= 0)
		return;
	for (size_t i = 0; i < incoming_.size(); i++)
		if (fds[1 + i].revents)
			take(incoming_[i]);
	std::erase_if(incoming_, [](const Incoming &from) { return from.socket.fd() < 0; });
	for (auto to = outgoing_.begin(); to != outgoing_.end();)
		to = push(to->second) ? std::next(to) : outgoing_.erase(to);
	if (fds[0].revents) {
		const int fd = accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			incoming_.push_back({File(fd)});
	}
}

std::optional<Packet> SocketWire::receive()
{
	/* System calls cost more than a look at a doorbell record. */
	constexpr unsigned looks_per_turn = 8;
	if (packets_.empty() && ++since_turn_ >= looks_per_turn) {
		since_turn_ = 0;
		turn(0);
	}
	if (packets_.empty())
		return std::nullopt;
	Packet packet = std::move(packets_.front());
	packets_.pop_front();
	return packet;
}

void SocketWire::wait(uint64_t timeout_ns)
{
	if (packets_.empty())
		turn(timeout_ns);
}

} // namespace

Result<std::unique_ptr<Wire>> open_wire(const Knobs &knobs)
{
	const auto first = static_cast<uint16_t>(knobs.lid ? knobs.lid : 1);
	for (uint16_t lid = first; lid <= (knobs.lid ? first : last_lid); lid++) {
		const Address address(knobs.fabric, lid);
		File listener = make_socket();
		if (bind(listener.fd(), address.get(), address.len))
			continue;
		if (listen(listener.fd(), SOMAXCONN))
			return fail_errno("listen on the wire");
		return impaired(std::make_unique<SocketWire>(std::move(listener), knobs.fabric, lid), knobs);
	}
	return fail(EADDRINUSE, "no LID is free");
}

} // namespace decouple::hca
