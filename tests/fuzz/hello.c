// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A hello from anybody: what is believed names each plane once, none that
 * does not exist, and no address that must not be sent to.
 *
 * Input: struct mrc_hello.
 */
#include "fuzz.h"
#include "transport/codec.h"

static bool is_zero(const u8 *a)
{
	for (int i = 0; i < 16; i++)
		if (a[i])
			return false;
	return true;
}

static bool is_v4(const u8 *a)
{
	for (int i = 0; i < 10; i++)
		if (a[i])
			return false;
	return a[10] == 0xff && a[11] == 0xff;
}

static void check_addr(const u8 *a, bool v4)
{
	MUST(is_v4(a) == v4);
	MUST(!is_zero(a));
	if (v4) {
		MUST(a[12] != 0 && a[12] != 127);
		MUST(a[12] < 224 || a[12] > 239);
	} else {
		MUST(a[0] != 0xff);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mrc_hello *h;
	u64 planes = 0;

	if (size < sizeof(*h))
		return 0;
	h = malloc(sizeof(*h));
	memcpy(h, data, sizeof(*h));
	if (mrc_hello_valid(h)) {
		bool v4 = is_v4(h->host);

		MUST(h->version == MRC_HELLO_VERSION && h->mpr && h->nonce);
		MUST(h->nports >= 1 && h->nports <= MRC_MAX_PORTS);
		check_addr(h->host, v4);
		for (int i = 0; i < h->nports; i++) {
			const struct mrc_hello_port *p = &h->port[i];

			MUST(p->plane < MRC_MAX_PORTS);
			MUST(!(planes >> p->plane & 1));
			planes |= 1ULL << p->plane;
			if (!is_zero(p->addr))
				check_addr(p->addr, v4);
		}
	}
	free(h);
	return 0;
}
