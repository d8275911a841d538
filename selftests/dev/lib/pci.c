// SPDX-License-Identifier: GPL-2.0-only
/* PCI functions in sysfs; see pci.h. */
#include "pci.h"

#include <dirent.h>

#define DEVICES "/sys/bus/pci/devices"

static uint32_t read_id(const char *address)
{
	char path[64];
	uint32_t id = 0;
	int fd;

	snprintf(path, sizeof(path), DEVICES "/%.12s/config", address);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (pread(fd, &id, sizeof(id), 0) != sizeof(id))
			id = 0;
		close(fd);
	}
	return id;
}

struct pci_function pci_find(uint32_t id, int index)
{
	struct pci_function function = {};
	struct dirent **entries;
	int count = scandir(DEVICES, &entries, NULL, alphasort), seen = 0;

	for (int i = 0; i < count; i++) {
		if (strchr(entries[i]->d_name, ':') && read_id(entries[i]->d_name) == id && seen++ == index) {
			snprintf(function.address, sizeof(function.address), "%.12s", entries[i]->d_name);
			snprintf(function.directory, sizeof(function.directory), DEVICES "/%.12s", entries[i]->d_name);
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	if (!function.address[0])
		test_skip("this machine has %d PCI functions %04x:%04x, and the test wants number %d (selftests/run.sh dev)",
			  seen, id & 0xffff, id >> 16, index + 1);
	return function;
}

void pci_write_attribute(const struct pci_function *function, const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", function->directory, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == EROFS))
		test_skip("%s: %s", path, strerror(errno));
	MUST(fd);
	if (write(fd, text, strlen(text)) < 0) {
		printf("write `%s` to %s: %s\n", text, path, strerror(errno));
		exit(1);
	}
	close(fd);
}

void pci_enable(const struct pci_function *function)
{
	pci_write_attribute(function, "enable", "1");
}

void *pci_map(const struct pci_function *function, const char *file, size_t size, int prot)
{
	/* mmap wants the rights that a later mprotect may ask for. */
	int flags = prot == PROT_READ ? O_RDONLY : O_RDWR, fd;
	char path[128];
	void *bar;

	snprintf(path, sizeof(path), "%s/%s", function->directory, file);
	fd = MUST(open(path, flags | O_CLOEXEC));
	bar = mmap(NULL, size, prot, MAP_SHARED, fd, 0);
	if (bar == MAP_FAILED) {
		printf("mmap %s: %s\n", path, strerror(errno));
		exit(1);
	}
	close(fd);
	return bar;
}

uint32_t edu_factorial(volatile void *bar, uint32_t n)
{
	write32(bar, EDU_FACTORIAL, n);
	while (read32(bar, EDU_STATUS) & 1)
		;
	return read32(bar, EDU_FACTORIAL);
}
