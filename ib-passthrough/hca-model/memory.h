/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory objects: protection domains, UARs, user contexts, umems and memory keys; and access to the host's memory through them. */
#ifndef DECOUPLE_HCA_MEMORY_H
#define DECOUPLE_HCA_MEMORY_H

#include <functional>
#include <memory>
#include <vector>

#include "hca-model/bus.h"
#include "hca-model/part.h"

namespace decouple::hca
{

/* Pages of the host. The lower bits of an entry are rights, which nobody checks here: a key has its own. */
struct Pages {
	unsigned log_size = 12;
	uint64_t offset = 0; /* of the first byte, in the first page */
	std::vector<uint64_t> addresses;

	/* `len` bytes at `at`, which must not cross a page; nullptr: not there. */
	uint8_t *find(Bus &bus, uint64_t at, uint64_t len) const;
	/* Bytes from `at` to the end of its page. */
	uint64_t rest_of_page(uint64_t at) const { return (1ull << log_size) - ((offset + at) & ((1ull << log_size) - 1)); }
};

/* A queue's buffer or a doorbell record; keeps a umem alive that the driver has let go. */
struct Buffer {
	std::shared_ptr<const Pages> pages;
	uint64_t offset = 0;

	uint8_t *find(Bus &bus, uint64_t at, uint64_t len) const
	{
		return pages ? pages->find(bus, offset + at, len) : nullptr;
	}
};

/* Where a command's context says that a buffer is. */
struct BufferFields {
	Field umem_valid, umem_id, umem_offset; /* of the command */
	Field page_offset, log_page_size; /* of the context */
	unsigned context_at, pas_at; /* bytes */
};

struct RecordFields {
	Field umem_valid, umem_id, address; /* of the context */
};

class Memory : public Part
{
public:
	/* What an access needs; local reads are always allowed. */
	enum Right { local_read, local_write, remote_write, remote_read, atomic };
	using Piece = std::function<void(uint8_t *memory, uint64_t len)>;

	explicit Memory(Bus &bus) : bus_(bus) {}

	std::optional<Status> execute(Command &command) override;
	void reset() override;

	/* nullopt: a umem that is not there, or no page. */
	std::optional<Buffer> buffer(Bytes in, const BufferFields &fields);
	std::optional<Buffer> record(Bytes context, const RecordFields &fields);

	/*
	 * Calls `piece` for each stretch of `len` bytes at `address` under `key`. False: the key does not allow it, or the IOMMU
	 * refuses; then earlier pieces have been touched.
	 */
	bool access(uint32_t key, uint64_t address, uint64_t len, uint32_t pd, Right right, const Piece &piece);
	bool write(uint32_t key, uint64_t address, Bytes data, uint32_t pd, Right right);
	bool has_pd(uint32_t pd) { return pds_.find(pd); }
	/* Numbers of the UARs, which are pages of the BAR. */
	const std::vector<uint32_t> &uars() const { return uars_; }

private:
	struct None {
	};
	struct Key {
		uint8_t key;
		bool physical, rights[atomic + 1];
		uint32_t pd;
		uint64_t start, length; /* length of ~0: no end */
		std::shared_ptr<const Pages> pages;
		uint64_t offset; /* of `start` in the pages */
	};

	Status create_umem(Command &command);
	Status create_key(Command &command);
	Status query_key(Command &command);
	Status allocate_uar(Command &command);
	Status free_uar(Command &command);

	Bus &bus_;
	Table<std::shared_ptr<const Pages>> umems_{1};
	Table<Key> keys_{0x10};
	Table<None> pds_{3}, contexts_{1}, counters_{1}, domains_{1};
	std::vector<uint32_t> uars_;
};

} // namespace decouple::hca

#endif
