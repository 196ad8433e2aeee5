// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Memory regions: keys, registration, invalidation. segments.c has the way to
 * their bytes.
 *
 * A reference (mrc_mr_get() to mrc_mr_put()) is held for as long as one packet
 * is made or placed, with softirqs disabled, and never while waiting for
 * anything. That is why invalidation, which has to be sure that nobody touches
 * the memory any more, may spin until the references are gone, and why
 * deregistration never waits for a peer.
 */
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "verbs.h"

#define MRC_MR_REMOTE	(IB_ACCESS_REMOTE_WRITE | IB_ACCESS_REMOTE_READ | \
			 IB_ACCESS_REMOTE_ATOMIC)
#define MRC_MR_ACCESS	(MRC_MR_REMOTE | IB_ACCESS_LOCAL_WRITE | \
			 IB_ACCESS_MW_BIND | IB_ACCESS_OPTIONAL)

static atomic64_t mrc_mr_serial;

/* ------------------------------------------------------------ references */

/**
 * mrc_mr_in_range - does an MR cover these bytes?
 * @mr: the MR or window
 * @addr: first byte, in the MR's own addressing
 * @len: bytes
 */
bool mrc_mr_in_range(const struct mrc_mr *mr, u64 addr, u64 len)
{
	return addr >= mr->iova && addr - mr->iova <= mr->length &&
	       len <= mr->length - (addr - mr->iova);
}

/**
 * mrc_mr_drop - return a reference of mrc_mr_lookup()
 * @mr: the MR or window
 */
void mrc_mr_drop(struct mrc_mr *mr)
{
	if (refcount_dec_and_test(&mr->ref))
		complete(&mr->released);
}

/**
 * mrc_mr_lookup - find what a key stands for
 * @dev: the device
 * @key: L_Key or R_Key
 *
 * Softirqs disabled. Return: a reference to a valid MR or window, or NULL.
 */
struct mrc_mr *mrc_mr_lookup(struct mrc_dev *dev, u32 key)
{
	struct mrc_mr *mr;

	rcu_read_lock();
	mr = xa_load(&dev->mrs, key >> 8);
	if (mr && !refcount_inc_not_zero(&mr->ref))
		mr = NULL;
	rcu_read_unlock();
	if (!mr)
		return NULL;
	/* Pairs with mrc_mr_revoke(): it sees the reference or we its mark. */
	smp_mb__after_atomic();
	/* Whoever made it valid has filled it in before. */
	if (smp_load_acquire(&mr->state) != MRC_MR_VALID ||
	    READ_ONCE(mr->key) != key) {
		mrc_mr_drop(mr);
		return NULL;
	}
	return mr;
}

/* Take the MR that a window shows, unless it is gone. */
static bool mrc_mr_hold_base(struct mrc_mr *mw)
{
	struct mrc_mr *base = mrc_mr_lookup(mw->dev, mw->base_key);

	if (base && base->serial == mw->base_serial)
		return true;
	if (base)
		mrc_mr_drop(base);
	return false;
}

/**
 * mrc_mr_get - find an MR or window and check that it may be used so
 * @qp: the QP by which it is used
 * @key: L_Key or R_Key
 * @addr: first byte, in the MR's own addressing
 * @len: bytes
 * @access: IB_ACCESS_* that must all be granted; 0: local read
 * @remote: the key came over the wire
 *
 * Softirqs disabled, and so until mrc_mr_put(). Return: a reference, or NULL.
 */
struct mrc_mr *mrc_mr_get(struct mrc_qp *qp, u32 key, u64 addr, u64 len,
			  int access, bool remote)
{
	struct mrc_mr *mr = mrc_mr_lookup(qp->dev, key);

	if (!mr)
		return NULL;
	if (mr->pd != qp->ibqp.pd || (mr->access & access) != access ||
	    (remote && !(mr->access & MRC_MR_REMOTE)) ||
	    !mrc_mr_in_range(mr, addr, len))
		goto drop;
	if (mr->type == MRC_MR_MW &&
	    (!remote ||
	     (mr->mw_type == IB_MW_TYPE_2 && mr->qpn != qp->qpn) ||
	     !mrc_mr_hold_base(mr)))
		goto drop;
	return mr;
drop:
	mrc_mr_drop(mr);
	return NULL;
}

/**
 * mrc_mr_put - return a reference of mrc_mr_get()
 * @mr: the MR
 */
void mrc_mr_put(struct mrc_mr *mr)
{
	if (mr->type == MRC_MR_MW)
		mrc_mr_drop(mr->base);
	mrc_mr_drop(mr);
}

/**
 * mrc_mr_revoke - mark an MR, and wait for those who saw it unmarked
 * @mr: the MR
 * @state: the mark: not MRC_MR_VALID
 *
 * Nobody reads or writes the memory by it any more, then. Softirqs disabled,
 * or process context; the caller holds no reference but the owner's.
 */
void mrc_mr_revoke(struct mrc_mr *mr, enum mrc_mr_state state)
{
	WRITE_ONCE(mr->state, state);
	smp_mb(); /* pairs with mrc_mr_get() */
	while (refcount_read(&mr->ref) > 1)
		cpu_relax();
	/* What their holders did to the memory comes before what we do. */
	smp_acquire__after_ctrl_dep();
}

/* ------------------------------------------------------------ life */

/**
 * mrc_mr_new - an MR without memory and without key
 * @dev: the device
 * @pd: its PD
 * @type: its type
 * @access: IB_ACCESS_*
 *
 * Return: to be freed by mrc_mr_free(), or ERR_PTR.
 */
struct mrc_mr *mrc_mr_new(struct mrc_dev *dev, struct ib_pd *pd,
			  enum mrc_mr_type type, int access)
{
	struct mrc_mr *mr;

	if (access & ~MRC_MR_ACCESS) {
		ibdev_dbg(&dev->ibdev, "MR: access %#x unsupported\n", access);
		return ERR_PTR(-EOPNOTSUPP);
	}
	mr = kzalloc(sizeof(*mr), GFP_KERNEL);
	if (!mr)
		return ERR_PTR(-ENOMEM);
	mr->dev = dev;
	mr->pd = pd;
	mr->type = type;
	mr->access = access;
	mr->state = MRC_MR_INVALID;
	mr->serial = atomic64_inc_return(&mrc_mr_serial);
	refcount_set(&mr->ref, 1);
	init_completion(&mr->released);
	mr->ibmr.device = &dev->ibdev;
	return mr;
}

/**
 * mrc_mr_free - free an MR that nobody can find, or ever could
 * @mr: the MR
 */
void mrc_mr_free(struct mrc_mr *mr)
{
	ib_umem_release(mr->umem);
	mrc_dmabuf_put(mr->dmabuf);
	kvfree(mr->segs);
	kfree_rcu(mr, rcu);
}

/**
 * mrc_mr_publish - give an MR a key, under which it is found from now on
 * @mr: the MR, complete
 * @state: its state from now on
 *
 * Return: 0 or a negative errno: it is as before.
 */
int mrc_mr_publish(struct mrc_mr *mr, enum mrc_mr_state state)
{
	struct mrc_dev *dev = mr->dev;
	u32 index;
	int err;

	err = mrc_object_add(&dev->num_mr, MRC_MAX_MR);
	if (err) {
		ibdev_dbg(&dev->ibdev, "MR: %u exist already\n", MRC_MAX_MR);
		return err;
	}
	/* Until it has its key it is there, but INVALID. */
	err = xa_alloc_cyclic(&dev->mrs, &index, mr, XA_LIMIT(1, 0xffffff),
			      &dev->next_mr, GFP_KERNEL);
	if (err < 0) {
		atomic_dec(&dev->num_mr);
		return err;
	}
	/* Another one each time, so that a key of the past is refused. */
	mr->key = index << 8 | get_random_u8();
	mr->ibmr.lkey = mr->key;
	mr->ibmr.rkey = mr->key;
	mr->ibmr.length = mr->length;
	mr->ibmr.iova = mr->iova;
	/* Pairs with mrc_mr_lookup(). */
	smp_store_release(&mr->state, state);
	return 0;
}

/**
 * mrc_get_dma_mr - ib_device_ops.get_dma_mr: all memory, for kernel users
 * @ibpd: the PD
 * @access: IB_ACCESS_*
 */
struct ib_mr *mrc_get_dma_mr(struct ib_pd *ibpd, int access)
{
	struct mrc_mr *mr;
	int err;

	mr = mrc_mr_new(to_mdev(ibpd->device), ibpd, MRC_MR_DMA, access);
	if (IS_ERR(mr))
		return ERR_CAST(mr);
	mr->length = U64_MAX;
	err = mrc_mr_publish(mr, MRC_MR_VALID);
	if (err) {
		mrc_mr_free(mr);
		return ERR_PTR(err);
	}
	return &mr->ibmr;
}

static u32 mrc_mr_count_pieces(struct sg_table *sgt)
{
	struct scatterlist *sg;
	void *end = NULL;
	u32 n = 0, i;

	for_each_sgtable_sg(sgt, sg, i) {
		void *start = page_address(sg_page(sg)) + sg->offset;

		if (start != end)
			n++;
		end = start + sg->length;
	}
	return n;
}

/* Segments of pinned user memory, [start, start + length). */
static int mrc_mr_map_umem(struct mrc_mr *mr, struct ib_umem *umem, u64 length)
{
	struct sg_table *sgt = &umem->sgt_append.sgt;
	u64 skip = ib_umem_offset(umem);
	struct scatterlist *sg;
	u32 i;
	int err;

	mr->max_segs = mrc_mr_count_pieces(sgt);
	mr->segs = kvmalloc_array(mr->max_segs, sizeof(*mr->segs), GFP_KERNEL);
	if (!mr->segs)
		return -ENOMEM;
	mr->length = length;
	/* The list is of whole pages: what is before and behind is not ours. */
	for_each_sgtable_sg(sgt, sg, i) {
		u64 len = sg->length;
		u32 offset = sg->offset;

		if (skip) {
			u64 n = min(skip, len);

			skip -= n;
			len -= n;
			offset += n;
		}
		len = min(len, length - mr->mapped);
		err = mrc_mr_add_piece(mr, sg_page(sg), offset, len);
		if (err)
			return err;
	}
	return mr->mapped == length ? 0 : -EINVAL;
}

static struct mrc_mr *mrc_mr_from_user(struct mrc_dev *dev, struct ib_pd *pd,
				       u64 start, u64 length, u64 iova,
				       int access)
{
	struct ib_umem *umem;
	struct mrc_mr *mr;
	int err;

	/* Atomic operations need words that are aligned in memory too. */
	if (!length || iova + length < iova || (iova ^ start) & ~PAGE_MASK) {
		ibdev_dbg(&dev->ibdev, "MR: start %#llx length %#llx as %#llx\n",
			  start, length, iova);
		return ERR_PTR(-EINVAL);
	}
	mr = mrc_mr_new(dev, pd, MRC_MR_USER, access);
	if (IS_ERR(mr))
		return mr;
	umem = ib_umem_get_va(&dev->ibdev, start, length, access);
	if (IS_ERR(umem)) {
		err = PTR_ERR(umem);
		ibdev_dbg(&dev->ibdev, "MR: cannot pin %#llx bytes at %#llx: %d\n",
			  length, start, err);
		goto free;
	}
	mr->umem = umem;
	mr->iova = iova;
	err = mrc_mr_map_umem(mr, umem, length);
	if (err)
		goto free;
	return mr;
free:
	mrc_mr_free(mr);
	return ERR_PTR(err);
}

/**
 * mrc_reg_user_mr - ib_device_ops.reg_user_mr
 * @ibpd: the PD
 * @start: of the memory, in the process
 * @length: bytes
 * @iova: of the first byte, for those who use the MR
 * @access: IB_ACCESS_*
 * @udata: not used
 */
struct ib_mr *mrc_reg_user_mr(struct ib_pd *ibpd, u64 start, u64 length,
			      u64 iova, int access, MRC_DMAH_PARAM
			      struct ib_udata *udata)
{
	struct mrc_mr *mr;
	int err;

	if (mrc_dmah_given())
		return ERR_PTR(-EOPNOTSUPP);
	mr = mrc_mr_from_user(to_mdev(ibpd->device), ibpd, start, length, iova,
			      access);
	if (IS_ERR(mr))
		return ERR_CAST(mr);
	err = mrc_mr_publish(mr, MRC_MR_VALID);
	if (err) {
		mrc_mr_free(mr);
		return ERR_PTR(err);
	}
	return &mr->ibmr;
}

/* Another MR over the same memory; takes it from the old one. */
static struct mrc_mr *mrc_mr_succeed(struct mrc_mr *old, struct ib_pd *pd,
				     int access)
{
	struct mrc_mr *mr = mrc_mr_new(old->dev, pd, MRC_MR_USER, access);

	if (IS_ERR(mr))
		return mr;
	mrc_mr_revoke(old, MRC_MR_INVALID);
	swap(mr->umem, old->umem);
	swap(mr->dmabuf, old->dmabuf);
	swap(mr->segs, old->segs);
	mr->nsegs = old->nsegs;
	mr->max_segs = old->max_segs;
	mr->length = old->length;
	mr->mapped = old->mapped;
	mr->iova = old->iova;
	return mr;
}

/**
 * mrc_rereg_user_mr - ib_device_ops.rereg_user_mr
 * @ibmr: the MR
 * @flags: what of the following is to change
 * @start: of the memory, in the process
 * @length: bytes
 * @iova: of the first byte, for those who use the MR
 * @access: IB_ACCESS_*
 * @ibpd: the PD
 * @udata: not used
 *
 * A new MR takes the place and the key of the old one, which the core then
 * deregisters: whoever checked a range of the old one never touches the new
 * memory. After an error the old one is as it was.
 */
struct ib_mr *mrc_rereg_user_mr(struct ib_mr *ibmr, int flags, u64 start,
				u64 length, u64 iova, int access,
				struct ib_pd *ibpd, struct ib_udata *udata)
{
	struct mrc_mr *old = to_mmr(ibmr), *mr;
	struct mrc_dev *dev = old->dev;

	if (flags & ~IB_MR_REREG_SUPPORTED || old->type != MRC_MR_USER) {
		ibdev_dbg(&dev->ibdev, "MR: change %#x unsupported\n", flags);
		return ERR_PTR(-EOPNOTSUPP);
	}
	if (!(flags & IB_MR_REREG_PD))
		ibpd = old->pd;
	if (!(flags & IB_MR_REREG_ACCESS))
		access = old->access;

	if (flags & IB_MR_REREG_TRANS) {
		mr = mrc_mr_from_user(dev, ibpd, start, length, iova, access);
	} else if (ib_access_writable(access) && old->umem &&
		   !old->umem->writable) {
		/* Pinned for reading; only its own process can pin it again. */
		if (old->umem->owning_mm != current->mm) {
			ibdev_dbg(&dev->ibdev,
				  "MR: memory of another process\n");
			return ERR_PTR(-EPERM);
		}
		mr = mrc_mr_from_user(dev, ibpd, old->umem->address,
				      old->length, old->iova, access);
	} else {
		mr = mrc_mr_succeed(old, ibpd, access);
	}
	if (IS_ERR(mr))
		return ERR_CAST(mr);

	/* Both count until the core deregisters the old one. */
	atomic_inc(&dev->num_mr);
	mr->key = old->key;
	mr->ibmr.lkey = mr->key;
	mr->ibmr.rkey = mr->key;
	mr->ibmr.length = mr->length;
	mr->ibmr.iova = mr->iova;
	mr->state = MRC_MR_VALID;
	mrc_mr_revoke(old, MRC_MR_INVALID);
	/* The slot is taken already, so nothing has to be allocated for it. */
	xa_store(&dev->mrs, mr->key >> 8, mr, GFP_KERNEL);
	return &mr->ibmr;
}

/**
 * mrc_mr_retire - the end of an MR or window, the key's and the memory's
 * @mr: the MR; freed
 *
 * Process context.
 */
void mrc_mr_retire(struct mrc_mr *mr)
{
	struct mrc_dev *dev = mr->dev;

	/* Its place may have been taken by a reregistration. */
	xa_cmpxchg(&dev->mrs, mr->key >> 8, mr, NULL, 0);
	WRITE_ONCE(mr->state, MRC_MR_INVALID);
	mrc_mr_drop(mr);
	wait_for_completion(&mr->released);
	mrc_mr_free(mr);
	atomic_dec(&dev->num_mr);
}

/**
 * mrc_dereg_mr - ib_device_ops.dereg_mr
 * @ibmr: the MR; freed
 * @udata: not used
 */
int mrc_dereg_mr(struct ib_mr *ibmr, struct ib_udata *udata)
{
	mrc_mr_retire(to_mmr(ibmr));
	return 0;
}

/* ------------------------------------------------------------ fast registration */

/**
 * mrc_alloc_mr - ib_device_ops.alloc_mr: an MR for fast registration
 * @ibpd: the PD
 * @type: IB_MR_TYPE_MEM_REG or IB_MR_TYPE_SG_GAPS
 * @max_num_sg: pieces, at most
 */
struct ib_mr *mrc_alloc_mr(struct ib_pd *ibpd, enum ib_mr_type type,
			   u32 max_num_sg)
{
	struct mrc_dev *dev = to_mdev(ibpd->device);
	struct mrc_mr *mr;
	int err;

	if (type != IB_MR_TYPE_MEM_REG) {
		ibdev_dbg(&dev->ibdev, "MR: type %d unsupported\n", type);
		return ERR_PTR(-EOPNOTSUPP);
	}
	if (!max_num_sg || max_num_sg > MRC_MAX_FAST_REG) {
		ibdev_dbg(&dev->ibdev, "MR: %u pages, from 1 to %u can be had\n",
			  max_num_sg, MRC_MAX_FAST_REG);
		return ERR_PTR(-EINVAL);
	}
	mr = mrc_mr_new(dev, ibpd, MRC_MR_FAST, 0);
	if (IS_ERR(mr))
		return ERR_CAST(mr);
	mr->max_segs = max_num_sg;
	mr->segs = kvmalloc_array(max_num_sg, sizeof(*mr->segs), GFP_KERNEL);
	err = mr->segs ? mrc_mr_publish(mr, MRC_MR_FREE) : -ENOMEM;
	if (err) {
		mrc_mr_free(mr);
		return ERR_PTR(err);
	}
	return &mr->ibmr;
}

static int mrc_mr_set_page(struct ib_mr *ibmr, u64 addr)
{
	struct mrc_mr *mr = to_mmr(ibmr);

	return mrc_mr_add_piece(mr, ib_virt_dma_to_page(addr),
				offset_in_page(addr), ibmr->page_size);
}

/**
 * mrc_map_mr_sg - ib_device_ops.map_mr_sg: what REG_MR is to register
 * @ibmr: the MR, not registered
 * @sg: the memory
 * @nents: its entries
 * @offset: into the first of them
 */
int mrc_map_mr_sg(struct ib_mr *ibmr, struct scatterlist *sg, int nents,
		  unsigned int *offset)
{
	struct mrc_mr *mr = to_mmr(ibmr);

	if (mr->type != MRC_MR_FAST || READ_ONCE(mr->state) == MRC_MR_VALID) {
		ibdev_dbg(ibmr->device, "MR: %#x is registered\n", ibmr->lkey);
		return -EINVAL;
	}
	/* Segments are of whole pages; mrc_mr_fast_reg() cuts the range. */
	mr->nsegs = 0;
	mr->mapped = 0;
	return ib_sg_to_pages(ibmr, sg, nents, offset, mrc_mr_set_page);
}

/**
 * mrc_mr_fast_reg - work request IB_WR_REG_MR
 * @pd: PD of the QP
 * @ibmr: the MR
 * @key: its key from now on
 * @access: IB_ACCESS_*
 *
 * Softirqs disabled. Return: 0 or -EINVAL.
 */
int mrc_mr_fast_reg(struct ib_pd *pd, struct ib_mr *ibmr, u32 key, int access)
{
	struct mrc_mr *mr = to_mmr(ibmr);
	u32 skip;

	if (mr->type != MRC_MR_FAST || mr->state != MRC_MR_FREE ||
	    mr->pd != pd || key >> 8 != mr->key >> 8 ||
	    (access & ~MRC_MR_ACCESS))
		return -EINVAL;
	/* ULPs give any iova they like; its place in the page is true. */
	skip = ibmr->iova & (ibmr->page_size - 1);
	if (!mr->nsegs || ibmr->length > mr->mapped ||
	    skip > mr->mapped - ibmr->length ||
	    ibmr->iova + ibmr->length < ibmr->iova)
		return -EINVAL;
	mr->iova = ibmr->iova;
	mr->length = ibmr->length;
	mr->skip = skip;
	mr->access = access;
	WRITE_ONCE(mr->key, key);
	ibmr->lkey = key;
	ibmr->rkey = key;
	/* Pairs with mrc_mr_lookup(). */
	smp_store_release(&mr->state, MRC_MR_VALID);
	return 0;
}

/* May this key be invalidated by work requests, and so from this QP? */
static bool mrc_mr_revocable(const struct mrc_mr *mr, const struct mrc_qp *qp,
			     bool remote)
{
	switch (mr->type) {
	case MRC_MR_FAST:
		return !remote || mr->access & MRC_MR_REMOTE;
	case MRC_MR_MW:
		return mr->mw_type == IB_MW_TYPE_2 && mr->qpn == qp->qpn;
	default:
		return false;
	}
}

/**
 * mrc_mr_invalidate - LOCAL_INV, and SEND WITH INVALIDATE at its receiver
 * @qp: the QP
 * @key: the key to invalidate
 * @remote: the wish came over the wire
 *
 * When it returns, nothing accesses the memory by this key any more. Softirqs
 * disabled; the caller holds no reference to an MR. Return: 0 or -EINVAL.
 */
int mrc_mr_invalidate(struct mrc_qp *qp, u32 key, bool remote)
{
	struct mrc_mr *mr;
	int err = -EINVAL;

	/* RCU keeps it: the revocation counts references. */
	rcu_read_lock();
	mr = xa_load(&qp->dev->mrs, key >> 8);
	if (mr && mr->pd == qp->ibqp.pd && READ_ONCE(mr->key) == key &&
	    mrc_mr_revocable(mr, qp, remote) &&
	    cmpxchg(&mr->state, MRC_MR_VALID, MRC_MR_FREE) == MRC_MR_VALID) {
		mrc_mr_revoke(mr, MRC_MR_FREE);
		err = 0;
	}
	rcu_read_unlock();
	return err;
}
