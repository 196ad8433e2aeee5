// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The memory of an MR: segments, sorted and without gaps, and how bytes get
 * into and out of them. The ranges have been checked by mrc_mr_get().
 *
 * The memory is that of kernels without highmem, the only ones that have
 * virtual-address DMA, on which this driver depends: contiguous pages have
 * contiguous addresses, and a segment can be copied to or from in one go.
 */
#include <linux/net.h>
#include <linux/skbuff.h>

#include "verbs.h"

/**
 * mrc_mr_add_piece - let the MR go on with a piece of memory
 * @mr: an MR that nobody can use yet, with room in segs
 * @page: page the piece begins in
 * @offset: where in it
 * @len: bytes, contiguous
 */
int mrc_mr_add_piece(struct mrc_mr *mr, struct page *page, u32 offset, u64 len)
{
	struct mrc_seg *seg;

	if (!len)
		return 0;
	if (mr->nsegs) {
		seg = &mr->segs[mr->nsegs - 1];
		if (page_address(seg->page) + seg->offset +
		    (mr->mapped - seg->start) == page_address(page) + offset)
			goto add;
	}
	if (mr->nsegs >= mr->max_segs)
		return -ENOMEM;
	seg = &mr->segs[mr->nsegs++];
	seg->start = mr->mapped;
	seg->page = page;
	seg->offset = offset;
add:
	mr->mapped += len;
	return 0;
}

/* The segment that holds byte @off of the MR. */
static u32 mrc_mr_find(const struct mrc_mr *mr, u64 off)
{
	u32 lo = 0, hi = mr->nsegs;

	while (hi - lo > 1) {
		u32 mid = lo + (hi - lo) / 2;

		if (mr->segs[mid].start <= off)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* Where the copying or referencing of a range is. */
struct mrc_mr_iter {
	const struct mrc_mr *mr;
	u64 off;		/* from the first segment */
	u32 seg;
	u32 left;		/* bytes */
};

static void mrc_mr_iter_init(struct mrc_mr_iter *it, const struct mrc_mr *mr,
			     u64 addr, u32 len)
{
	if (mr->type == MRC_MR_MW)
		mr = mr->base;
	it->mr = mr;
	it->left = len;
	if (mr->type == MRC_MR_DMA) {
		it->off = addr;
		it->seg = 0;
	} else {
		it->off = addr - mr->iova + mr->skip;
		it->seg = mrc_mr_find(mr, it->off);
	}
}

/* The next contiguous piece: its address and length; NULL at the end. */
static void *mrc_mr_iter_next(struct mrc_mr_iter *it, u32 *len)
{
	const struct mrc_mr *mr = it->mr;
	const struct mrc_seg *seg;
	void *addr;
	u64 end;

	if (!it->left)
		return NULL;
	if (mr->type == MRC_MR_DMA) {
		addr = (void *)(uintptr_t)it->off;
		*len = it->left;
		it->left = 0;
		return addr;
	}
	seg = &mr->segs[it->seg];
	end = it->seg + 1 < mr->nsegs ? seg[1].start : mr->mapped;
	addr = page_address(seg->page) + seg->offset + (it->off - seg->start);
	*len = min_t(u64, it->left, end - it->off);
	it->off += *len;
	it->left -= *len;
	it->seg++;
	return addr;
}

/* ------------------------------------------------------------ copying */

/**
 * mrc_mr_copy_from_skb - place payload
 * @mr: the MR; the range was checked by mrc_mr_get()
 * @addr: where to, in the MR's own addressing
 * @skb: the packet, of any form
 * @offset: of the payload in the packet
 * @len: bytes
 */
int mrc_mr_copy_from_skb(struct mrc_mr *mr, u64 addr, const struct sk_buff *skb,
			 int offset, u32 len)
{
	struct mrc_mr_iter it;
	void *to;
	u32 n;
	int err;

	mrc_mr_iter_init(&it, mr, addr, len);
	while ((to = mrc_mr_iter_next(&it, &n))) {
		err = skb_copy_bits(skb, offset, to, n);
		if (err)
			return err;
		offset += n;
	}
	return 0;
}

/**
 * mrc_mr_copy_to_buf - read from an MR
 * @mr: the MR; the range was checked by mrc_mr_get()
 * @addr: where from, in the MR's own addressing
 * @buf: where to
 * @len: bytes
 */
void mrc_mr_copy_to_buf(struct mrc_mr *mr, u64 addr, void *buf, u32 len)
{
	struct mrc_mr_iter it;
	void *from;
	u32 n;

	mrc_mr_iter_init(&it, mr, addr, len);
	while ((from = mrc_mr_iter_next(&it, &n))) {
		memcpy(buf, from, n);
		buf += n;
	}
}

/**
 * mrc_mr_copy_from_buf - write to an MR
 * @mr: the MR; the range was checked by mrc_mr_get()
 * @addr: where to, in the MR's own addressing
 * @buf: where from
 * @len: bytes
 */
void mrc_mr_copy_from_buf(struct mrc_mr *mr, u64 addr, const void *buf, u32 len)
{
	struct mrc_mr_iter it;
	void *to;
	u32 n;

	mrc_mr_iter_init(&it, mr, addr, len);
	while ((to = mrc_mr_iter_next(&it, &n))) {
		memcpy(to, buf, n);
		buf += n;
	}
}

/**
 * mrc_mr_word - address of a 64-bit word, for atomic operations
 * @mr: the MR; the range of 8 bytes was checked by mrc_mr_get()
 * @addr: the word, in the MR's own addressing
 *
 * Return: the address, valid while the reference is held; NULL if the word is
 * not naturally aligned where it lies.
 */
u64 *mrc_mr_word(struct mrc_mr *mr, u64 addr)
{
	struct mrc_mr_iter it;
	void *word;
	u32 n;

	mrc_mr_iter_init(&it, mr, addr, sizeof(u64));
	word = mrc_mr_iter_next(&it, &n);
	if (n != sizeof(u64) || !IS_ALIGNED((uintptr_t)word, sizeof(u64)))
		return NULL;
	return word;
}

/* ------------------------------------------------------------ fragments */

/*
 * Split [addr, addr + len) of kernel memory into pieces each of which a
 * reference to one page keeps alive: those of one compound page.
 */
static u32 mrc_frag_piece(void *addr, u32 len, struct page **head, u32 *offset)
{
	struct page *page = virt_to_page(addr);
	size_t off, size;

	*head = compound_head(page);
	off = addr - page_address(*head);
	size = page_size(*head);
	*offset = off;
	return min_t(size_t, len, size - off);
}

/* Both passes over the range; @skb NULL: only whether it can be done. */
static int mrc_mr_frags(struct mrc_mr *mr, u64 addr, u32 len, int nr,
			struct sk_buff *skb)
{
	struct page *last = NULL, *head;
	u32 n, part, offset, end = 0;
	struct mrc_mr_iter it;
	void *from;

	mrc_mr_iter_init(&it, mr, addr, len);
	while ((from = mrc_mr_iter_next(&it, &n))) {
		for (; n; n -= part, from += part) {
			part = mrc_frag_piece(from, n, &head, &offset);
			if (!skb && !sendpage_ok(head))
				return -EMSGSIZE;
			if (head == last && offset == end) {
				if (skb)
					skb_frag_size_add(&skb_shinfo(skb)->frags[nr - 1],
							  part);
			} else {
				if (nr >= MAX_SKB_FRAGS)
					return -EMSGSIZE;
				if (skb) {
					get_page(head);
					skb_fill_page_desc(skb, nr, head,
							   offset, part);
				}
				nr++;
			}
			last = head;
			end = offset + part;
		}
	}
	return 0;
}

/**
 * mrc_mr_add_frags - make a range part of an outgoing packet, uncopied
 * @mr: the MR; the range was checked by mrc_mr_get()
 * @addr: first byte, in the MR's own addressing
 * @len: bytes
 * @skb: the packet, which gets references to the pages
 *
 * Return: 0, or -EMSGSIZE: the pieces are too many or cannot be referenced,
 * @skb is unchanged and the caller has to copy.
 */
int mrc_mr_add_frags(struct mrc_mr *mr, u64 addr, u32 len, struct sk_buff *skb)
{
	int nr = skb_shinfo(skb)->nr_frags;
	int err;

	err = mrc_mr_frags(mr, addr, len, nr, NULL);
	if (err)
		return err;
	mrc_mr_frags(mr, addr, len, nr, skb);
	/* The application's memory: nobody may change it in passing. */
	skb_shinfo(skb)->flags |= SKBFL_SHARED_FRAG;
	skb->len += len;
	skb->data_len += len;
	skb->truesize += len;
	return 0;
}
