# SPDX-License-Identifier: GPL-2.0-only
# Thin: recursion and variables. Everything is built into build/.
#
#   make            build/decouple, build/libdecouple.{a,so,pc}
#   make check      dependencies, build, all tests
#   make demo       a real program, decoupled while it runs
#   make selftest   the tests alone (GROUP="style unit ib kvm stress apps kmod cores dev vm", TESTS=pattern)
#                   KERNEL=6.1|6.12 [FLAVOUR=rt] [DEBUG=yes]: in a VM with that stock kernel and the module
#   make vm         a shell in such a VM, as root, with the module loaded (KERNEL=6.12; ends with the shell)
#   make soak       the stress tests, ten times as long (some 40 minutes)
#   make bench      all benches (BENCH="syscall ...")
#   make module     build/kmod/VERSION/decouple.ko for the running kernel (KDIR=headers)
#   make install-module  sources for DKMS, the udev rule
#   make modules-test  the same for the stock kernels of selftests/vm
#   make install    DESTDIR, PREFIX       make clean

export VERSION := 0.1
PREFIX ?= /usr/local
GROUP ?=
TESTS ?= *
BENCH ?= syscall recouple fault attach compute

MANUAL := $(wildcard docs/man/*.[1-8])
LIBDIR = $(DESTDIR)$(PREFIX)/lib

all: userland/cli build/libdecouple.pc

# guest-stub is linked into the resident by vmm-lite, the resident is embedded by userland.
vmm-lite userland tools userland/cli ib-passthrough selftests:
	$(MAKE) -C $@ all

userland: vmm-lite
tools: userland
userland/cli: userland tools
selftests: userland userland/cli ib-passthrough

# Names PREFIX, which may differ from one make to the next.
build/libdecouple.pc: userland/libdecouple.pc.in userland FORCE
	sed 's,@PREFIX@,$(abspath $(PREFIX)),; s,@VERSION@,$(VERSION),' $< > $@
FORCE:

# Into a directory of its own: the sources stay clean.
KERNEL_VERSION ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KERNEL_VERSION)/build
module:
	$(MAKE) -C kmod-decouple KDIR=$(KDIR) OUT=$(CURDIR)/build/kmod/$(KERNEL_VERSION)

RIG_KERNELS := 6.1 6.12 6.1-rt 6.12-rt
modules-test:
	for kernel in $(RIG_KERNELS); do selftests/vm/lib/module.sh $$kernel || exit 1; done

deps:
	scripts/install-deps.sh build

check:
	scripts/install-deps.sh build test
	$(MAKE) all selftests
	selftests/run.sh

selftest: all selftests
	selftests/run.sh $(if $(KERNEL),-k $(KERNEL)$(FLAVOUR:%=-%)) -f '$(TESTS)' $(GROUP)

vm: all
	scripts/install-deps.sh rig
	selftests/vm/boot.sh KERNEL=$(or $(KERNEL),6.12)$(FLAVOUR:%=-%) MODULE=yes DMESG=any INTERACTIVE=yes -- \
		env PATH=$(CURDIR)/build:/usr/sbin:/usr/bin:/sbin:/bin bash -i

soak: all selftests
	SOAK=1 TIMEOUT_SCALE=15 selftests/run.sh stress

demo:
	scripts/install-deps.sh build demo
	$(MAKE) all
	scripts/demo.sh

bench: all
	for name in $(BENCH); do build/decouple bench $$name || exit 1; done

format-check:
	selftests/style/format.sh

install: all
	install -D -m 755 build/decouple $(DESTDIR)$(PREFIX)/bin/decouple
	install -D -m 644 userland/completion/decouple $(DESTDIR)$(PREFIX)/share/bash-completion/completions/decouple
	install -D -m 644 include/decouple/libdecouple.h $(DESTDIR)$(PREFIX)/include/decouple/libdecouple.h
	install -D -m 644 build/libdecouple.a $(LIBDIR)/libdecouple.a
	install -D -m 644 build/libdecouple.so $(LIBDIR)/libdecouple.so.$(VERSION)
	ln -sf libdecouple.so.$(VERSION) $(LIBDIR)/libdecouple.so.0
	ln -sf libdecouple.so.0 $(LIBDIR)/libdecouple.so
	install -D -m 644 build/libdecouple.pc $(LIBDIR)/pkgconfig/libdecouple.pc
	install -D -m 644 packaging/decouple-cores.service $(DESTDIR)$(PREFIX)/lib/systemd/system/decouple-cores.service
	sed -i 's,@PREFIX@,$(abspath $(PREFIX)),' $(DESTDIR)$(PREFIX)/lib/systemd/system/decouple-cores.service
	test -e $(DESTDIR)/etc/decouple/cores.conf || install -D -m 644 packaging/cores.conf $(DESTDIR)/etc/decouple/cores.conf
	for page in $(MANUAL); do install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man$${page##*.} $$page || exit 1; done

# The tree that `dkms add` wants, with the headers that the module shares with the rest.
DKMS_TREE = $(DESTDIR)/usr/src/decouple-$(VERSION)
dkms-tree:
	install -d $(DKMS_TREE)/include/decouple
	install -m 644 kmod-decouple/Kbuild kmod-decouple/Makefile $(wildcard kmod-decouple/*.[chS]) $(DKMS_TREE)
	install -m 644 include/decouple/*.h $(DKMS_TREE)/include/decouple
	sed 's/@VERSION@/$(VERSION)/' kmod-decouple/dkms.conf >$(DKMS_TREE)/dkms.conf

install-module: dkms-tree
	install -D -m 644 packaging/99-decouple.rules $(DESTDIR)/usr/lib/udev/rules.d/99-decouple.rules

# build/kernels holds downloads of selftests/vm; `make distclean` removes them as well.
clean:
	if [ -d build ]; then find build -mindepth 1 -maxdepth 1 ! -name kernels -exec rm -rf {} +; fi

distclean:
	rm -rf build

.PHONY: all deps check selftest vm soak demo bench format-check install clean distclean FORCE
.PHONY: module modules-test dkms-tree install-module
.PHONY: vmm-lite userland userland/cli tools ib-passthrough selftests
