# SPDX-License-Identifier: GPL-2.0
#
# What a person types. What the module is made of is in Kbuild.

KDIR    ?= /lib/modules/$(shell uname -r)/build
DESTDIR ?=
PREFIX  ?= /usr
SBINDIR ?= $(PREFIX)/sbin
BINDIR  ?= $(PREFIX)/bin
MANDIR  ?= $(PREFIX)/share/man
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/vendor-completions
# Where libibverbs looks for providers.
PROVIDERDIR ?= $(or $(shell pkg-config --variable=libdir libibverbs 2> /dev/null),$(PREFIX)/lib)/libibverbs

PROVIDER := build/provider/libmrc-rdmav34.so
MANPAGES := $(wildcard Documentation/man/*.[1-9] provider/man/*.[1-9] \
	    tools/mrc/man/*.[1-9] tools/mrc/*.8)

all: modules provider tool ## build the module, the provider and the tool for this machine

help: ## say what can be made
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | \
		expand -t 20
	@echo
	@echo "variables: KDIR (kernel build folder), DESTDIR, PREFIX"

modules: ## the kernel module, mrc.ko, for the kernel in KDIR
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

provider: ## the rdma-core provider, build/provider/libmrc-rdmav34.so
	provider/build --output build/provider

tool: ## the command-line tool, tools/mrc/mrc
	$(MAKE) -C tools/mrc

install: install-modules install-provider install-tool ## install everything; as root, or with DESTDIR

install-modules: modules
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_DIR=updates \
		$(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR)) modules_install
	$(if $(DESTDIR),,depmod $(notdir $(patsubst %/build,%,$(KDIR))))

install-provider: provider
	install -D -m 644 $(PROVIDER) \
		$(DESTDIR)$(PROVIDERDIR)/$(notdir $(PROVIDER))
	install -D -m 644 provider/mrc.driver \
		$(DESTDIR)$(SYSCONFDIR)/libibverbs.d/mrc.driver

# The udev rule takes the place of rdma-core's own in /usr/lib; one that the
# administrator has put there is left alone.
RULE := $(DESTDIR)$(SYSCONFDIR)/udev/rules.d/60-rdma-persistent-naming.rules

install-tool: tool
	install -D -m 755 tools/mrc/mrc $(DESTDIR)$(SBINDIR)/mrc
	[ -e $(RULE) ] || install -D -m 644 \
		tools/udev/60-rdma-persistent-naming.rules $(RULE)
	install -D -m 644 tools/udev/74-mrc.rules \
		$(DESTDIR)$(PREFIX)/lib/udev/rules.d/74-mrc.rules
	install -D -m 644 tools/mrc/completion/mrc.bash \
		$(DESTDIR)$(BASHCOMPDIR)/mrc
	install -D -m 644 tools/mrc/completion/_mrc $(DESTDIR)$(ZSHCOMPDIR)/_mrc
	install -d $(DESTDIR)$(UNITDIR)
	sed 's,@SBINDIR@,$(SBINDIR),' tools/systemd/mrc.service \
		> $(DESTDIR)$(UNITDIR)/mrc.service
	for page in $(MANPAGES); do \
		install -D -m 644 $$page \
			$(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit; \
	done

install-sim: sim ## install the simulator, its man page and scenarios, which no node needs
	install -D -m 755 build/sim/mrc-sim $(DESTDIR)$(BINDIR)/mrc-sim
	install -D -m 644 tools/sim/man/mrc-sim.1 \
		$(DESTDIR)$(MANDIR)/man1/mrc-sim.1
	install -d $(DESTDIR)$(PREFIX)/share/mrc-sim
	install -m 644 tools/sim/scenarios/*.conf \
		$(DESTDIR)$(PREFIX)/share/mrc-sim

check: ## the quick part of the tests: unit tests, style, models, a minute of fuzzing, a first look in a guest
	tests/vm/report $(CHECKS)

test: ## all tests but those that take hours, from a fresh clone on a fresh machine
	tests/vm/report $(CHECKS) $(RESTS)

test-long: ## what takes hours: long runs under faults, everything with the debug kernel
	tests/vm/suite long

# What "make test" does beyond "make check".
test-rest:
	tests/vm/report $(RESTS)

CHECKS := unit coverage dissector style model fuzz system-quick
RESTS  := analysis kunit system-rest two-guests captures

kunit: ## the module's KUnit tests, in the debug kernel
	tests/vm/report kunit

fuzz: ## fuzz for an hour each what reads bytes from strangers
	$(MAKE) -C tests/fuzz fuzz

demo: ## four planes, one of them cut in the middle of a transfer; one minute
	tests/vm/demo

bench: ## compare with rdma_rxe and TCP in one guest; tables and plots into build/bench
	tests/bench/run

sim: ## the simulator, build/sim/mrc-sim
	$(MAKE) -C tools/sim

results: ## simulate the published experiments, write Documentation/results.md
	$(MAKE) -C tools/sim results

clean: ## remove what was built in this folder (not the guests' cache)
	[ ! -d $(KDIR) ] || $(MAKE) -C $(KDIR) M=$(CURDIR) clean
	[ ! -e tools/mrc/Makefile ] || $(MAKE) -C tools/mrc clean
	$(MAKE) -C tools/sim clean
	[ ! -e tests/unit/Makefile ] || $(MAKE) -C tests/unit clean
	$(MAKE) -C tests/fuzz clean
	$(MAKE) -C tests/model clean
	rm -rf build

.PHONY: all help modules provider tool install install-modules \
	install-provider install-tool install-sim check test test-long test-rest kunit fuzz demo bench sim \
	results clean
