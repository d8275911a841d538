// SPDX-License-Identifier: GPL-2.0-only
// timeout: 90
// mmio-exits: none
/* An NVMe driver in user space, polling: 5000 reads of 4 KiB with the right content; the submissions are doorbells, and make no exit. */
#include "vfio.h"

/* NVM Express base specification, 3.1 (registers) and 5.x (commands). */
enum {
	CAPABILITIES = 0x00,
	CONFIGURATION = 0x14,
	STATUS = 0x1c,
	ADMIN_SIZES = 0x24,
	ADMIN_SUBMISSION = 0x28,
	ADMIN_COMPLETION = 0x30
};
enum { DOORBELLS = 0x1000, BAR_SIZE = 0x2000 };
enum { ADMIN_CREATE_SUBMISSION = 1, ADMIN_CREATE_COMPLETION = 5, ADMIN_IDENTIFY = 6, READ = 2 };
enum { ENTRIES = 16, PAGE = 4096, READS = 5000, BLOCKS = 4096 /* of 4 KiB on the disk */, SECTOR = 512 };

struct command {
	uint32_t opcode; /* and identifier in the upper half */
	uint32_t name_space;
	uint32_t reserved[4];
	uint64_t data, data2;
	uint32_t argument[6];
};

struct completion {
	uint32_t result, reserved;
	uint16_t head, queue, identifier;
	uint16_t status; /* bit 0: the phase */
};

struct queue {
	volatile struct command *commands;
	volatile struct completion *completions;
	unsigned number, tail, head, phase;
};

static volatile char *bar;
static unsigned stride; /* of doorbells */

static struct queue queue_in(char *memory, unsigned number)
{
	struct queue queue = {.commands = (void *)memory, .completions = (void *)(memory + PAGE), .number = number, .phase = 1};

	memset(memory, 0, 2 * PAGE);
	return queue;
}

/* Submits and polls for the completion. Returns the status. */
static unsigned execute(struct queue *queue, uint32_t opcode, uint32_t name_space, void *data, uint32_t argument0,
			uint32_t argument1, uint32_t argument2)
{
	volatile struct command *command = &queue->commands[queue->tail];
	volatile struct completion *completion = &queue->completions[queue->head];
	unsigned status;

	*command = (struct command){.opcode = opcode | queue->tail << 16,
				    .name_space = name_space,
				    .data = (uintptr_t)data,
				    .argument = {argument0, argument1, argument2}};
	queue->tail = (queue->tail + 1) % ENTRIES;
	atomic_signal_fence(memory_order_seq_cst); /* x86 keeps the order of stores; so must the compiler */
	write32(bar, DOORBELLS + 2 * queue->number * stride, queue->tail);
	while ((completion->status & 1) != queue->phase)
		;
	status = completion->status >> 1;
	queue->head = (queue->head + 1) % ENTRIES;
	if (!queue->head)
		queue->phase ^= 1;
	write32(bar, DOORBELLS + (2 * queue->number + 1) * stride, queue->head);
	return status;
}

static struct queue reset(char *memory)
{
	struct queue admin = queue_in(memory, 0);

	stride = 4u << (read64(bar, CAPABILITIES) >> 32 & 15);
	write32(bar, CONFIGURATION, 0);
	while (read32(bar, STATUS) & 1)
		;
	write32(bar, ADMIN_SIZES, (ENTRIES - 1) << 16 | (ENTRIES - 1));
	write64(bar, ADMIN_SUBMISSION, (uintptr_t)admin.commands);
	write64(bar, ADMIN_COMPLETION, (uintptr_t)admin.completions);
	write32(bar, CONFIGURATION, 4 << 20 | 6 << 16 | 1); /* entries of 16 and 64 bytes; enable */
	while (!(read32(bar, STATUS) & 1))
		;
	return admin;
}

int main(void)
{
	struct pci_function nvme = pci_find(PCI_NVME, 0);
	struct vfio vfio = vfio_open(&nvme);
	char *memory = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	     *data = memory + 4 * PAGE;
	struct queue admin, io;
	uint64_t wrong = 0;
	unsigned status;
	char expected[32];

	bar = vfio_map_bar(&vfio, 0, BAR_SIZE, PROT_READ | PROT_WRITE);
	vfio_map_dma(&vfio, memory, 8 * PAGE);
	test_start();
	admin = reset(memory);
	status = execute(&admin, ADMIN_IDENTIFY, 0, data, 1, 0, 0);
	printf("identify: status %x, serial %.5s\n", status, data + 4);
	status = execute(&admin, ADMIN_IDENTIFY, 1, data, 0, 0, 0);
	printf("name space: status %x, %lu sectors\n", status, *(uint64_t *)data);
	io = queue_in(memory + 2 * PAGE, 1);
	status = execute(&admin, ADMIN_CREATE_COMPLETION, 0, (void *)io.completions, (ENTRIES - 1) << 16 | 1, 1, 0);
	printf("completion queue: status %x\n", status);
	status = execute(&admin, ADMIN_CREATE_SUBMISSION, 0, (void *)io.commands, (ENTRIES - 1) << 16 | 1, 1 << 16 | 1, 0);
	printf("submission queue: status %x\n", status);
	for (uint32_t i = 0; i < READS; i++) {
		uint32_t block = i * 2654435761u % BLOCKS;

		memset(data, 0, 64);
		status = execute(&io, READ, 1, data, block * (PAGE / SECTOR), 0, PAGE / SECTOR - 1);
		snprintf(expected, sizeof(expected), "block %010u    ", block);
		wrong += status || memcmp(data, expected, strlen(expected));
	}
	printf("%u reads, wrong %lu\n", READS, wrong);
	write32(bar, CONFIGURATION, 0);
	return test_done();
}
