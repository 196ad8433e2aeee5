// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* The ICRC of a packet, wherever its pieces lie. */
#include <crypto/hash.h>
#include <linux/crc32.h>
#include <linux/highmem.h>
#include <linux/skbuff.h>

#include "icrc.h"
#include "port.h"

/*
 * Up to 6.13 crc32_le() is a table look-up and the vector instructions are
 * behind the crypto interface; later crc32_le() uses them itself. NULL:
 * crc32_le() is as fast.
 */
static struct crypto_shash *mrc_crc_tfm;

/* Below it, saving the vector registers costs more than it gives. */
#define MRC_CRC_VECTOR_MIN	256

static noinline u32 mrc_crc_shash(struct crypto_shash *tfm, u32 crc,
				  const u8 *p, unsigned int len)
{
	SHASH_DESC_ON_STACK(desc, tfm);
	u32 *state = shash_desc_ctx(desc);

	desc->tfm = tfm;
	*state = crc;
	if (unlikely(crypto_shash_update(desc, p, len)))
		return crc32_le(crc, p, len);
	/* the update wrote through a pointer of another type */
	barrier_data(state);
	return *state;
}

static u32 mrc_crc(u32 crc, const u8 *p, unsigned int len)
{
	if (mrc_crc_tfm && len >= MRC_CRC_VECTOR_MIN)
		return mrc_crc_shash(mrc_crc_tfm, crc, p, len);
	return crc32_le(crc, p, len);
}

static u32 mrc_crc_frag(u32 crc, const skb_frag_t *f, unsigned int off,
			unsigned int len)
{
	struct page *page;
	u32 p_off, p_len, copied;

	skb_frag_foreach_page(f, skb_frag_off(f) + off, len, page, p_off,
			      p_len, copied) {
		u8 *va = kmap_local_page(page);

		crc = mrc_crc(crc, va + p_off, p_len);
		kunmap_local(va);
	}
	return crc;
}

/* CRC of @len bytes of @skb from @off, which the caller knows to be there. */
static u32 mrc_crc_skb(u32 crc, const struct sk_buff *skb, int off, int len)
{
	const struct skb_shared_info *si = skb_shinfo(skb);
	const struct sk_buff *list;
	int start = skb_headlen(skb);
	int i, n;

	if (off < start) {
		n = min(len, start - off);
		crc = mrc_crc(crc, skb->data + off, n);
		off += n;
		len -= n;
	}
	for (i = 0; i < si->nr_frags && len; i++) {
		const skb_frag_t *f = &si->frags[i];
		int size = skb_frag_size(f);

		if (off < start + size) {
			n = min(len, start + size - off);
			crc = mrc_crc_frag(crc, f, off - start, n);
			off += n;
			len -= n;
		}
		start += size;
	}
	if (likely(!len))
		return crc;
	/* reassembled from IP fragments */
	skb_walk_frags(skb, list) {
		if (off < start + (int)list->len) {
			n = min(len, start + (int)list->len - off);
			crc = mrc_crc_skb(crc, list, off - start, n);
			off += n;
			len -= n;
			if (!len)
				break;
		}
		start += list->len;
	}
	return crc;
}

/**
 * mrc_icrc() - ICRC of a packet
 * @skb: the packet; IP header (at the network header), UDP header and BTH are
 *	 contiguous in the linear part
 * @iplen: bytes of the IP header
 * @off: where the byte after the BTH is, from skb->data
 * @len: bytes from there up to and including the pad
 *
 * Return: the ICRC as it stands on the wire.
 */
__le32 mrc_icrc(const struct sk_buff *skb, unsigned int iplen, int off,
		int len)
{
	u8 hdr[MRC_ICRC_MASKED_MAX];
	unsigned int n;
	u32 crc;

	n = mrc_icrc_mask(hdr, skb_network_header(skb), iplen);
	crc = crc32_le(MRC_ICRC_SEED, hdr, n);
	return cpu_to_le32(~mrc_crc_skb(crc, skb, off, len));
}

#define MRC_CRC_TRIAL_LEN	4096
#define MRC_CRC_TRIALS		16

/* ns for MRC_CRC_TRIAL_LEN bytes, the best of several trials. */
static u64 mrc_crc_time(struct crypto_shash *tfm, const u8 *buf)
{
	u64 best = U64_MAX;
	u32 crc = ~0;
	int i;

	for (i = 0; i < MRC_CRC_TRIALS; i++) {
		u64 t = ktime_get_ns();

		if (tfm)
			crc = mrc_crc_shash(tfm, crc, buf, MRC_CRC_TRIAL_LEN);
		else
			crc = crc32_le(crc, buf, MRC_CRC_TRIAL_LEN);
		/* keep the compiler from dropping the work */
		OPTIMIZER_HIDE_VAR(crc);
		best = min(best, ktime_get_ns() - t);
	}
	return best;
}

/**
 * mrc_icrc_init() - choose how to compute CRCs
 *
 * Measures rather than asks: which of the two is faster depends on kernel
 * and processor, and on emulated processors vector instructions may lose.
 */
void mrc_icrc_init(void)
{
	struct crypto_shash *tfm;
	u64 plain, vector;
	u8 *buf;

	tfm = crypto_alloc_shash("crc32", 0, 0);
	if (IS_ERR(tfm))
		return;
	buf = kzalloc(MRC_CRC_TRIAL_LEN, GFP_KERNEL);
	if (!buf || crypto_shash_descsize(tfm) != sizeof(u32))
		goto plain;
	plain = mrc_crc_time(NULL, buf);
	vector = mrc_crc_time(tfm, buf);
	pr_debug("mrc: CRC of 4 KiB: %llu ns, with %s %llu ns\n", plain,
		 crypto_shash_driver_name(tfm), vector);
	if (vector + vector / 4 >= plain ||
	    mrc_crc_shash(tfm, MRC_ICRC_SEED, buf, MRC_CRC_TRIAL_LEN) !=
	    crc32_le(MRC_ICRC_SEED, buf, MRC_CRC_TRIAL_LEN))
		goto plain;
	kfree(buf);
	mrc_crc_tfm = tfm;
	return;
plain:
	kfree(buf);
	crypto_free_shash(tfm);
}

/**
 * mrc_icrc_exit() - undo mrc_icrc_init()
 */
void mrc_icrc_exit(void)
{
	if (mrc_crc_tfm)
		crypto_free_shash(mrc_crc_tfm);
	mrc_crc_tfm = NULL;
}
