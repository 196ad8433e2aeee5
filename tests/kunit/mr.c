// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Memory regions: who may use a key for what, and where the bytes go, across
 * pages, segments and fragments of packets.
 */
#include <linux/delay.h>
#include <linux/mman.h>
#include <linux/uaccess.h>

#include "fixture.h"
#include "verbs/verbs.h"

#define PAGES		7
#define BYTES		(PAGES * PAGE_SIZE)
#define FULL		(IB_ACCESS_LOCAL_WRITE | IB_ACCESS_REMOTE_WRITE | \
			 IB_ACCESS_REMOTE_READ | IB_ACCESS_REMOTE_ATOMIC)

/* Is this access granted? */
static bool granted(struct mrc_qp *qp, u32 key, u64 addr, u64 len, int access,
		    bool remote)
{
	struct mrc_mr *mr;

	local_bh_disable();
	mr = mrc_mr_get(qp, key, addr, len, access, remote);
	if (mr)
		mrc_mr_put(mr);
	local_bh_enable();
	return mr;
}

/* ------------------------------------------------------------ fast-reg */

/* Pages that are neighbours nowhere, with a guard page behind each. */
struct scattered {
	struct page *page[PAGES];
	struct scatterlist sg[PAGES];
	struct ib_mr *ibmr;
	u32 key;
};

static void scattered_new(struct kunit *test, struct scattered *s, u64 iova,
			  u32 first, u32 bytes, int access)
{
	struct mrc_fixture *f = test->priv;
	struct page *block = alloc_pages(GFP_KERNEL, 4);
	int i;

	/* every second page of a block, from its end on: no two touch */
	KUNIT_ASSERT_NOT_NULL(test, block);
	split_page(block, 4);
	memset(page_address(block), 0xee, 16 * PAGE_SIZE);
	sg_init_table(s->sg, PAGES);
	for (i = 0; i < PAGES; i++) {
		s->page[i] = block + 14 - 2 * i;
		sg_set_page(&s->sg[i], s->page[i], PAGE_SIZE, 0);
	}
	s->sg[0].offset = first;
	s->sg[0].length = PAGE_SIZE - first;
	for (i = 0; i < PAGES; i++) {
		s->sg[i].dma_address = (uintptr_t)sg_virt(&s->sg[i]);
		sg_dma_len(&s->sg[i]) = s->sg[i].length;
	}
	s->ibmr = mrc_alloc_mr(&f->pd, IB_MR_TYPE_MEM_REG, PAGES);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s->ibmr);
	s->ibmr->device = &f->dev->ibdev;
	s->ibmr->pd = &f->pd;
	s->ibmr->page_size = PAGE_SIZE;
	KUNIT_ASSERT_EQ(test, PAGES, mrc_map_mr_sg(s->ibmr, s->sg, PAGES,
						   NULL));
	s->ibmr->iova = iova;
	s->ibmr->length = bytes;
	s->key = s->ibmr->lkey + 1;
	s->key = (s->ibmr->lkey & ~0xff) | (s->key & 0xff);
	local_bh_disable();
	KUNIT_EXPECT_EQ(test, 0, mrc_mr_fast_reg(&f->pd, s->ibmr, s->key,
						 access));
	local_bh_enable();
}

static void scattered_free(struct kunit *test, struct scattered *s)
{
	struct page *block = s->page[PAGES - 1] - (14 - 2 * (PAGES - 1));
	int i;

	mrc_dereg_mr(s->ibmr, NULL);
	for (i = 0; i < 16; i++)
		__free_page(block + i);
}

/* Byte @off of what was registered. */
static u8 *scattered_byte(struct scattered *s, u32 first, u32 off)
{
	off += first;
	return page_address(s->page[off / PAGE_SIZE]) + off % PAGE_SIZE;
}

static void mr_get__rights(struct kunit *test)
{
	static const int rights[] = {
		0, IB_ACCESS_LOCAL_WRITE, IB_ACCESS_REMOTE_READ,
		IB_ACCESS_REMOTE_WRITE | IB_ACCESS_LOCAL_WRITE,
		IB_ACCESS_REMOTE_ATOMIC | IB_ACCESS_LOCAL_WRITE, FULL,
	};
	static const int wants[] = {
		0, IB_ACCESS_LOCAL_WRITE, IB_ACCESS_REMOTE_READ,
		IB_ACCESS_REMOTE_WRITE, IB_ACCESS_REMOTE_ATOMIC,
	};
	struct mrc_fixture *f = test->priv;
	struct scattered s;
	int i, k;

	for (i = 0; i < ARRAY_SIZE(rights); i++) {
		scattered_new(test, &s, 0x1000, 0, BYTES, rights[i]);
		for (k = 0; k < ARRAY_SIZE(wants); k++) {
			bool ok = (rights[i] & wants[k]) == wants[k];

			KUNIT_EXPECT_EQ(test, ok,
					granted(f->qp, s.key, 0x1000, 1,
						wants[k], false));
			/* a key without remote rights is none for the wire */
			KUNIT_EXPECT_EQ(test, ok && (rights[i] &
						     ~IB_ACCESS_LOCAL_WRITE),
					granted(f->qp, s.key, 0x1000, 1,
						wants[k], true));
		}
		/* the QP is of another PD */
		f->qp->ibqp.pd = &f->other;
		KUNIT_EXPECT_FALSE(test, granted(f->qp, s.key, 0x1000, 1, 0,
						 false));
		f->qp->ibqp.pd = &f->pd;
		scattered_free(test, &s);
	}
}

static void mr_get__keys(struct kunit *test)
{
	struct mrc_fixture *f = test->priv;
	struct scattered s;
	u32 key;
	int i;

	scattered_new(test, &s, 0, 0, BYTES, FULL);
	KUNIT_EXPECT_TRUE(test, granted(f->qp, s.key, 0, 1, 0, false));
	for (i = 0; i < 32; i++)
		KUNIT_EXPECT_FALSE(test, granted(f->qp, s.key ^ BIT(i), 0, 1,
						 0, false));
	KUNIT_EXPECT_FALSE(test, granted(f->qp, 0, 0, 1, 0, false));
	KUNIT_EXPECT_FALSE(test, granted(f->qp, U32_MAX, 0, 1, 0, false));

	local_bh_disable();
	KUNIT_EXPECT_EQ(test, -EINVAL, mrc_mr_invalidate(f->qp, s.key ^ 1,
							 false));
	/* what is registered is not registered again */
	KUNIT_EXPECT_EQ(test, -EINVAL, mrc_mr_fast_reg(&f->pd, s.ibmr, s.key,
						       FULL));
	KUNIT_EXPECT_EQ(test, 0, mrc_mr_invalidate(f->qp, s.key, true));
	KUNIT_EXPECT_EQ(test, -EINVAL, mrc_mr_invalidate(f->qp, s.key, true));
	local_bh_enable();
	KUNIT_EXPECT_FALSE(test, granted(f->qp, s.key, 0, 1, 0, false));
	key = s.key;
	scattered_free(test, &s);
	KUNIT_EXPECT_FALSE(test, granted(f->qp, key, 0, 1, 0, false));
}

static void mr_get__bounds(struct kunit *test)
{
	static const u64 iovas[] = { 0, 0x123456789000, -(u64)BYTES };
	struct mrc_fixture *f = test->priv;
	struct scattered s;
	int i;

	for (i = 0; i < ARRAY_SIZE(iovas); i++) {
		u64 at = iovas[i];
		/* the whole address space has room for no more */
		u32 bytes = at == -(u64)BYTES ? BYTES - 1 : BYTES;

		scattered_new(test, &s, at, 0, bytes, FULL);
		KUNIT_EXPECT_TRUE(test, granted(f->qp, s.key, at, bytes, 0, 0));
		KUNIT_EXPECT_TRUE(test, granted(f->qp, s.key, at + bytes - 1,
						1, 0, 0));
		KUNIT_EXPECT_TRUE(test, granted(f->qp, s.key, at + bytes, 0,
						0, 0));
		KUNIT_EXPECT_FALSE(test, granted(f->qp, s.key, at, bytes + 1,
						 0, 0));
		KUNIT_EXPECT_FALSE(test, granted(f->qp, s.key, at + bytes, 1,
						 0, 0));
		KUNIT_EXPECT_FALSE(test, granted(f->qp, s.key, at - 1, 1, 0,
						 0));
		KUNIT_EXPECT_FALSE(test, granted(f->qp, s.key, at - 1, 2, 0,
						 0));
		KUNIT_EXPECT_FALSE(test, granted(f->qp, s.key, at + 1, U64_MAX,
						 0, 0));
		KUNIT_EXPECT_FALSE(test, granted(f->qp, s.key, at, U64_MAX,
						 0, 0));
		scattered_free(test, &s);
	}
}

static void fast_reg__wild_arguments(struct kunit *test)
{
	struct mrc_fixture *f = test->priv;
	struct scattered s;

	scattered_new(test, &s, 0, 0, BYTES, FULL);
	local_bh_disable();
	KUNIT_ASSERT_EQ(test, 0, mrc_mr_invalidate(f->qp, s.key, false));
	KUNIT_EXPECT_EQ(test, -EINVAL, mrc_mr_fast_reg(&f->other, s.ibmr,
						       s.key, FULL));
	KUNIT_EXPECT_EQ(test, -EINVAL, mrc_mr_fast_reg(&f->pd, s.ibmr,
						       s.key ^ 0x100, FULL));
	KUNIT_EXPECT_EQ(test, -EINVAL, mrc_mr_fast_reg(&f->pd, s.ibmr, s.key,
						       IB_ACCESS_ON_DEMAND));
	/* more than was mapped, and an iova that leads behind its end */
	s.ibmr->length = BYTES + 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, mrc_mr_fast_reg(&f->pd, s.ibmr, s.key,
						       FULL));
	s.ibmr->length = BYTES;
	s.ibmr->iova = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, mrc_mr_fast_reg(&f->pd, s.ibmr, s.key,
						       FULL));
	s.ibmr->iova = U64_MAX - 10;
	s.ibmr->length = 100;
	KUNIT_EXPECT_EQ(test, -EINVAL, mrc_mr_fast_reg(&f->pd, s.ibmr, s.key,
						       FULL));
	local_bh_enable();
	scattered_free(test, &s);
}

/* ------------------------------------------------------------ placement */

/* Offsets at and around every boundary, lengths that cross none to three. */
static const u32 edges[] = {
	0, 1, 7, 8, 4088, 4095, 4096, 4097, 8191, 8192, 12288 + 2048,
};
static const u32 lengths[] = { 0, 1, 8, 1000, 4096, 8300 };

#define MARGIN	64	/* bytes looked at before and behind what was written */

static const struct {
	u32 linear, frag;
} forms[] = { { 0, 0 }, { 0, 4000 }, { 100, 1500 }, { 66, 4001 } };

static void place_all(struct kunit *test, struct mrc_mr *mr, u64 iova,
		      u32 bytes, u8 *(*byte)(void *arg, u32 off), void *arg)
{
	u8 *data = kunit_kmalloc(test, BYTES + 16, GFP_KERNEL);
	u8 *back = kunit_kmalloc(test, BYTES, GFP_KERNEL);
	int i, k, l;
	u32 wrong = 0, n;

	KUNIT_ASSERT_NOT_NULL(test, data);
	KUNIT_ASSERT_NOT_NULL(test, back);
	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		for (k = 0; k < ARRAY_SIZE(lengths); k++) {
			u32 off = edges[i], len = lengths[k];
			u32 from = off > MARGIN ? off - MARGIN : 0;
			u32 to = min(off + len + MARGIN, bytes);
			u32 round = i * 100 + k;

			for (n = 0; n < len; n++)
				data[n + 3] = mrc_pattern(n + round * 991);
			for (l = 0; l < ARRAY_SIZE(forms); l++) {
				struct sk_buff *skb;

				skb = mrc_fixture_skb(test, data, len + 3,
						      forms[l].linear,
						      forms[l].frag);
				for (n = from; n < to; n++)
					*byte(arg, n) = 0x55;
				KUNIT_EXPECT_EQ(test, 0,
						mrc_mr_copy_from_skb(mr,
								     iova + off,
								     skb, 3,
								     len));
				kfree_skb(skb);
				for (n = from; n < to; n++) {
					u8 want = n >= off && n < off + len ?
						data[n - off + 3] : 0x55;

					wrong += *byte(arg, n) != want;
				}
			}
			mrc_mr_copy_to_buf(mr, iova + off, back, len);
			wrong += !!memcmp(back, data + 3, len);
			for (n = 0; n < len; n++)
				data[n + 3] ^= 0xa5;
			mrc_mr_copy_from_buf(mr, iova + off, data + 3, len);
			for (n = 0; n < len; n++)
				wrong += *byte(arg, off + n) != data[n + 3];
		}
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

struct fast_arg {
	struct scattered s;
	u32 first;
};

static u8 *fast_byte(void *arg, u32 off)
{
	struct fast_arg *a = arg;

	return scattered_byte(&a->s, a->first, off);
}

static void place__fast_reg(struct kunit *test)
{
	static const u32 firsts[] = { 0, 512, 4095 };
	struct fast_arg *a = kunit_kzalloc(test, sizeof(*a), GFP_KERNEL);
	int i, k;

	KUNIT_ASSERT_NOT_NULL(test, a);
	for (i = 0; i < ARRAY_SIZE(firsts); i++) {
		/* less than is mapped: the rest of the last page is a guard */
		u32 bytes = BYTES - firsts[i] - 100;
		u64 iova = 0x77770000 + firsts[i];
		u32 guard = 0;

		a->first = firsts[i];
		scattered_new(test, &a->s, iova, firsts[i], bytes, FULL);
		place_all(test, to_mmr(a->s.ibmr), iova, bytes, fast_byte, a);
		for (k = 0; k < PAGES; k++) {
			void *next = page_address(a->s.page[k]) + PAGE_SIZE;

			guard += !!memchr_inv(next, 0xee, PAGE_SIZE);
		}
		guard += !!memchr_inv(page_address(a->s.page[0]), 0xee,
				      firsts[i]);
		guard += !!memchr_inv(page_address(a->s.page[PAGES - 1]) +
				      PAGE_SIZE - 100, 0xee, 100);
		KUNIT_EXPECT_EQ(test, guard, 0);
		scattered_free(test, &a->s);
	}
}

struct user_arg {
	struct mrc_mr *mr;
	u32 first;
};

/* By the pinned pages: what is the kernel's own way to the user's memory. */
static u8 *user_byte(void *arg, u32 off)
{
	struct user_arg *a = arg;
	struct scatterlist *sg;
	u32 i;

	off += a->first;
	for_each_sgtable_sg(&a->mr->umem->sgt_append.sgt, sg, i) {
		if (off < sg->length)
			return sg_virt(sg) + off;
		off -= sg->length;
	}
	return NULL;
}

static void place__user(struct kunit *test)
{
	static const u32 firsts[] = { 0, 1000, 4095 };
	struct mrc_fixture *f = test->priv;
	struct user_arg a;
	int i;

	for (i = 0; i < ARRAY_SIZE(firsts); i++) {
		u32 bytes = BYTES - firsts[i] - 100;
		unsigned long base;
		struct ib_mr *ibmr;
		u8 c = 0, *buf;

		base = kunit_vm_mmap(test, NULL, 0, BYTES,
				     PROT_READ | PROT_WRITE,
				     MAP_ANONYMOUS | MAP_PRIVATE, 0);
		KUNIT_ASSERT_LT(test, base, TASK_SIZE);
		ibmr = mrc_reg_user_mr(&f->pd, base + firsts[i], bytes,
				       0x10000 + firsts[i], FULL, NULL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ibmr);
		a.mr = to_mmr(ibmr);
		a.first = firsts[i];
		place_all(test, a.mr, 0x10000 + firsts[i], bytes, user_byte,
			  &a);
		/* and the user sees it where it ought to be */
		buf = kunit_kmalloc(test, 300, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, buf);
		memset(buf, 0xc3, 300);
		mrc_mr_copy_from_buf(a.mr, 0x10000 + firsts[i] + bytes - 300,
				     buf, 300);
		memset(buf, 0, 300);
		KUNIT_EXPECT_EQ(test, 0,
				copy_from_user(buf, (void __user *)base +
					       firsts[i] + bytes - 300, 300));
		KUNIT_EXPECT_NULL(test, memchr_inv(buf, 0xc3, 300));
		KUNIT_EXPECT_EQ(test, 0, get_user(c, (u8 __user *)base +
						  firsts[i] + bytes));
		KUNIT_EXPECT_EQ(test, c, 0);
		mrc_dereg_mr(ibmr, NULL);
	}
}

static void word__alignment(struct kunit *test)
{
	struct scattered s;
	struct mrc_mr *mr;
	u32 off;

	scattered_new(test, &s, 0, 0, BYTES, FULL);
	mr = to_mmr(s.ibmr);
	for (off = 0; off <= 2 * PAGE_SIZE; off++) {
		u64 *word = mrc_mr_word(mr, off);

		if (off % 8)
			KUNIT_EXPECT_NULL(test, word);
		else
			KUNIT_EXPECT_PTR_EQ(test, (u8 *)word,
					    scattered_byte(&s, 0, off));
	}
	scattered_free(test, &s);
}

/* What goes out uncopied holds its pages, and is the bytes of the MR. */
static void add_frags__bytes_and_references(struct kunit *test)
{
	struct scattered s;
	struct mrc_mr *mr;
	u8 *out = kunit_kmalloc(test, BYTES, GFP_KERNEL);
	u32 i, k, n, wrong = 0;

	KUNIT_ASSERT_NOT_NULL(test, out);
	scattered_new(test, &s, 0, 0, BYTES, FULL);
	mr = to_mmr(s.ibmr);
	for (n = 0; n < BYTES; n++)
		*scattered_byte(&s, 0, n) = mrc_pattern(n);
	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		for (k = 0; k < ARRAY_SIZE(lengths); k++) {
			u32 off = edges[i], len = lengths[k];
			struct sk_buff *skb;

			skb = alloc_skb(16, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, skb);
			skb_put_data(skb, "0123456789abcdef", 16);
			KUNIT_EXPECT_EQ(test, 0, mrc_mr_add_frags(mr, off, len,
								  skb));
			KUNIT_EXPECT_EQ(test, skb->len, 16 + len);
			KUNIT_EXPECT_EQ(test, 0, skb_copy_bits(skb, 16, out,
							       len));
			for (n = 0; n < len; n++)
				wrong += out[n] != mrc_pattern(off + n);
			kfree_skb(skb);
		}
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	for (i = 0; i < PAGES; i++)
		KUNIT_EXPECT_EQ(test, page_ref_count(s.page[i]), 1);
	scattered_free(test, &s);
}

/* ------------------------------------------------------------ revocation */

/*
 * Some write by a key while another invalidates it and registers it anew,
 * again and again: after each invalidation the memory stays as it is.
 */
struct revoke {
	struct mrc_fixture *f;
	struct scattered s;
	u32 key;
	bool stop;
	u32 changed;
	u32 failed;
	atomic_t placed;
};

static void revoke_thread(void *arg, int i)
{
	struct revoke *r = arg;
	struct mrc_mr *mr;
	u32 n = 0, round;
	u8 buf[64];

	if (i) {
		while (!READ_ONCE(r->stop)) {
			memset(buf, n++, sizeof(buf));
			local_bh_disable();
			mr = mrc_mr_get(r->f->qp, READ_ONCE(r->key),
					PAGE_SIZE - 32, 64,
					IB_ACCESS_REMOTE_WRITE, true);
			if (mr) {
				mrc_mr_copy_from_buf(mr, PAGE_SIZE - 32, buf,
						     64);
				mrc_mr_put(mr);
				atomic_inc(&r->placed);
			}
			local_bh_enable();
			cond_resched();
		}
		return;
	}
	for (round = 0; round < 3000; round++) {
		u8 *a = scattered_byte(&r->s, 0, PAGE_SIZE - 32);
		u8 *b = scattered_byte(&r->s, 0, PAGE_SIZE);

		local_bh_disable();
		if (mrc_mr_invalidate(r->f->qp, r->key, false))
			r->failed++;
		/* from here on it is somebody else's */
		memset(a, 0x99, 32);
		memset(b, 0x99, 32);
		udelay(5);
		if (memchr_inv(a, 0x99, 32) || memchr_inv(b, 0x99, 32))
			r->changed++;
		n = (r->key & ~0xff) | ((r->key + 1) & 0xff);
		if (mrc_mr_fast_reg(&r->f->pd, r->s.ibmr, n, FULL))
			r->failed++;
		WRITE_ONCE(r->key, n);
		local_bh_enable();
		cond_resched();
	}
	WRITE_ONCE(r->stop, true);
}

static void invalidate__while_others_place(struct kunit *test)
{
	struct revoke *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, r);
	r->f = test->priv;
	scattered_new(test, &r->s, 0, 0, BYTES, FULL);
	r->key = r->s.key;
	mrc_fixture_threads(test, 4, revoke_thread, r);
	KUNIT_EXPECT_EQ(test, r->failed, 0);
	KUNIT_EXPECT_EQ(test, r->changed, 0);
	KUNIT_EXPECT_GT(test, atomic_read(&r->placed), 0);
	kunit_info(test, "%d writes went through\n", atomic_read(&r->placed));
	scattered_free(test, &r->s);
}

static struct kunit_case mr_cases[] = {
	KUNIT_CASE(mr_get__rights),
	KUNIT_CASE(mr_get__keys),
	KUNIT_CASE(mr_get__bounds),
	KUNIT_CASE(fast_reg__wild_arguments),
	KUNIT_CASE_SLOW(place__fast_reg),
	KUNIT_CASE_SLOW(place__user),
	KUNIT_CASE(word__alignment),
	KUNIT_CASE(add_frags__bytes_and_references),
	KUNIT_CASE_SLOW(invalidate__while_others_place),
	{}
};

static struct kunit_suite mr_suite = {
	.name = "mrc_mr",
	.init = mrc_fixture_init,
	.exit = mrc_fixture_exit,
	.test_cases = mr_cases,
};

kunit_test_suite(mr_suite);
