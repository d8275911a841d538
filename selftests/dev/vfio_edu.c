// SPDX-License-Identifier: GPL-2.0-only
// timeout: 60
// mmio-exits: none
/* An unmodified user-space driver of edu: interrupts by an eventfd, waited for with read, poll and epoll, or looked for; DMA both ways. */
#include "vfio.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define ROUNDS 20
#define DMA_FROM_DEVICE 2
#define DMA_INTERRUPT 4

static volatile char *bar;
static int event;

static void acknowledge(void)
{
	write32(bar, EDU_IRQ_ACKNOWLEDGE, read32(bar, EDU_IRQ_STATUS));
}

static uint64_t take(void)
{
	uint64_t count = 0;

	return read(event, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static bool wait_poll(void)
{
	struct pollfd poll_event = {.fd = event, .events = POLLIN};

	return poll(&poll_event, 1, 5000) == 1;
}

static bool wait_epoll(void)
{
	struct epoll_event wanted = {.events = EPOLLIN}, got;
	int fd = MUST(epoll_create1(EPOLL_CLOEXEC)), n;

	MUST(epoll_ctl(fd, EPOLL_CTL_ADD, event, &wanted));
	n = epoll_wait(fd, &got, 1, 5000);
	close(fd);
	return n == 1;
}

static bool wait_read(void)
{
	return true; /* take() blocks */
}

static bool wait_looking(void)
{
	uint64_t end = now_ns() + 5000 * MS;
	struct pollfd poll_event = {.fd = event, .events = POLLIN};

	while (now_ns() < end)
		if (poll(&poll_event, 1, 0) == 1)
			return true;
	return false;
}

static void interrupts(const char *what, bool (*wait)(void))
{
	unsigned came = 0, lost = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		write32(bar, EDU_IRQ_RAISE, 1u << (i % 8));
		if (!wait())
			lost++;
		else
			came += take() > 0;
		lost += read32(bar, EDU_IRQ_STATUS) != 1u << (i % 8);
		acknowledge();
	}
	printf("%s: %u of %u interrupts, wrong %u\n", what, came, ROUNDS, lost);
}

/* Starts a transfer and waits for it, by polling or by its interrupt. */
static void transfer(uint64_t source, uint64_t destination, uint64_t size, uint64_t command)
{
	write64(bar, EDU_DMA_SOURCE, source);
	write64(bar, EDU_DMA_DESTINATION, destination);
	write64(bar, EDU_DMA_COUNT, size);
	write64(bar, EDU_DMA_COMMAND, command | 1);
	if (command & DMA_INTERRUPT) {
		CHECK(wait_poll() && take());
		acknowledge();
	} else {
		while (read64(bar, EDU_DMA_COMMAND) & 1)
			;
	}
}

static void dma(char *memory)
{
	static const char text[] = "there and back again";

	memset(memory, 0, 8192);
	memcpy(memory, text, sizeof(text));
	transfer((uintptr_t)memory, EDU_DMA_BUFFER, sizeof(text), 0);
	transfer(EDU_DMA_BUFFER, (uintptr_t)memory + 4096, sizeof(text), DMA_FROM_DEVICE);
	printf("DMA, polled: %s\n", memory + 4096);
	memory[0] = 'T';
	transfer((uintptr_t)memory, EDU_DMA_BUFFER, sizeof(text), DMA_INTERRUPT);
	transfer(EDU_DMA_BUFFER, (uintptr_t)memory + 4096, sizeof(text), DMA_FROM_DEVICE | DMA_INTERRUPT);
	printf("DMA, by interrupt: %s\n", memory + 4096);
}

int main(void)
{
	struct pci_function edu = pci_find(PCI_EDU, 1);
	char *early = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *late;
	struct vfio vfio = vfio_open(&edu);

	vfio_map_dma(&vfio, early, 8192);
	test_start();
	bar = vfio_map_bar(&vfio, 0, EDU_BAR_SIZE, PROT_READ | PROT_WRITE);
	printf("ident %x\n", read32(bar, EDU_IDENT));
	acknowledge();
	event = MUST(eventfd(0, EFD_CLOEXEC));
	vfio_interrupt(&vfio, VFIO_PCI_MSI_IRQ_INDEX, event);
	interrupts("read", wait_read);
	interrupts("poll", wait_poll);
	interrupts("epoll", wait_epoll);
	interrupts("looking", wait_looking);
	dma(early);
	late = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	vfio_map_dma(&vfio, late, 8192);
	dma(late);
	return test_done();
}
