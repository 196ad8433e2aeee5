// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* What shim.h declares. */
#include "shim.h"

u64 fuzz_now;

u32 get_random_u32(void)
{
	static u32 x = 1;

	return x = x * 1664525 + 1013904223;
}

/* ------------------------------------------------------------ xarray */

void *xa_load(struct xarray *xa, unsigned long index)
{
	for (u32 i = 0; i < xa->n; i++)
		if (xa->e[i].index == index)
			return xa->e[i].ptr;
	return NULL;
}

void *xa_erase(struct xarray *xa, unsigned long index)
{
	for (u32 i = 0; i < xa->n; i++) {
		void *old = xa->e[i].ptr;

		if (xa->e[i].index != index)
			continue;
		xa->e[i] = xa->e[--xa->n];
		return old;
	}
	return NULL;
}

static bool has(const struct xarray *xa, unsigned long index)
{
	for (u32 i = 0; i < xa->n; i++)
		if (xa->e[i].index == index)
			return true;
	return false;
}

/* An entry without a pointer holds the place. */
int xa_reserve(struct xarray *xa, unsigned long index, gfp_t gfp)
{
	return has(xa, index) ? 0 : xa_err(xa_store(xa, index, NULL, gfp));
}

void *xa_store(struct xarray *xa, unsigned long index, void *p, gfp_t gfp)
{
	void *old;

	if (!has(xa, index) && fuzz_no_memory(gfp))
		return ERR_PTR(-ENOMEM);
	old = xa_erase(xa, index);
	xa->e = realloc(xa->e, (xa->n + 1) * sizeof(*xa->e));
	xa->e[xa->n].index = index;
	xa->e[xa->n++].ptr = p;
	return old;
}

void xa_destroy(struct xarray *xa)
{
	free(xa->e);
	xa->e = NULL;
	xa->n = 0;
}

int xa_alloc_cyclic(struct xarray *xa, u32 *id, void *p, int limit, u32 *next,
		    gfp_t gfp)
{
	*id = ++*next;
	xa_store(xa, *id, p, GFP_KERNEL);
	return 0;
}

/* ------------------------------------------------------------ skbs */

int skb_copy_bits(const struct sk_buff *s, int off, void *to, int len)
{
	int head = skb_headlen(s), at = head;
	u8 *p = to;

	if (off < 0 || len < 0 || (u32)off + len > s->len)
		return -EFAULT;
	if (off < head) {
		int n = min(len, head - off);

		memcpy(p, s->data + off, n);
		p += n;
		off += n;
		len -= n;
	}
	for (int i = 0; i < s->info.nr_frags && len; i++) {
		const struct page_frag *f = &s->info.frags[i];

		if (off < at + (int)f->size) {
			int n = min(len, at + (int)f->size - off);

			memcpy(p, page_address(f->page) + f->off + (off - at),
			       n);
			p += n;
			off += n;
			len -= n;
		}
		at += f->size;
	}
	WARN_ON(len);
	return 0;
}

void kfree_skb(struct sk_buff *s)
{
	if (!s)
		return;
	free(s->head);
	free(s);
}
