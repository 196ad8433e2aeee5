// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Rings shared with user space. The kernel writes the header's description
 * once and then goes by its own copies, because everything in the region may
 * be changed by its user at any time.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "verbs.h"

/* How user space reaches a ring; holds the memory. */
struct mrc_mmap_entry {
	struct rdma_user_mmap_entry rdma;
	void *region;
};

static int mrc_ring_publish(struct mrc_kring *r, struct ib_ucontext *ucontext,
			    struct mrc_mmap_info *info)
{
	struct mrc_mmap_entry *entry;
	int err;

	entry = kzalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return -ENOMEM;
	entry->region = r->hdr;
	err = rdma_user_mmap_entry_insert(ucontext, &entry->rdma, r->size);
	if (err) {
		kfree(entry);
		return err;
	}
	r->mmap = &entry->rdma;
	info->offset = rdma_user_mmap_get_offset(&entry->rdma);
	info->size = r->size;
	return 0;
}

/**
 * mrc_ring_alloc - allocate a ring
 * @r: the kernel's side of it, filled in
 * @entries: at least so many entries; a power of two is made of it
 * @entry_size: at least so many bytes each
 * @ucontext: its user, NULL for a ring of the kernel's own
 * @info: with @ucontext, told where to mmap() the ring
 *
 * Process context. Return: 0, -EINVAL or -ENOMEM.
 */
int mrc_ring_alloc(struct mrc_kring *r, u32 entries, u32 entry_size,
		   struct ib_ucontext *ucontext, struct mrc_mmap_info *info)
{
	u32 offset = ALIGN(sizeof(struct mrc_ring), SMP_CACHE_BYTES);
	u64 size;
	int err;

	if (entries > 1U << 31 || entry_size > PAGE_SIZE)
		return -EINVAL;
	memset(r, 0, sizeof(*r));
	entries = roundup_pow_of_two(max(entries, 1U));
	entry_size = ALIGN(max(entry_size, 1U), 16);
	size = PAGE_ALIGN(offset + (u64)entries * entry_size);
	if (size > SIZE_MAX || size > U32_MAX)
		return -EINVAL;

	r->hdr = vmalloc_user(size);
	if (!r->hdr)
		return -ENOMEM;
	r->entries = (void *)r->hdr + offset;
	r->mask = entries - 1;
	r->entry_size = entry_size;
	r->size = size;
	r->hdr->log2_entries = ilog2(entries);
	r->hdr->entry_size = entry_size;
	r->hdr->offset = offset;

	if (!ucontext)
		return 0;
	err = mrc_ring_publish(r, ucontext, info);
	if (err) {
		vfree(r->hdr);
		memset(r, 0, sizeof(*r));
	}
	return err;
}

/**
 * mrc_ring_free - drop the kernel's reference to a ring
 * @r: the ring; may be one that mrc_ring_alloc() never filled in (zeroes)
 *
 * Pages that user space has mapped live on until they are unmapped.
 */
void mrc_ring_free(struct mrc_kring *r)
{
	if (r->mmap)
		rdma_user_mmap_entry_remove(r->mmap);
	else
		vfree(r->hdr);
	memset(r, 0, sizeof(*r));
}

/**
 * mrc_ring_reset - make a ring empty, all its indices zero
 * @r: the ring; the caller keeps everybody else off it
 */
void mrc_ring_reset(struct mrc_kring *r)
{
	if (!r->hdr)
		return;
	r->prod = 0;
	r->cons = 0;
	WRITE_ONCE(r->hdr->prod, 0);
	WRITE_ONCE(r->hdr->cons, 0);
	WRITE_ONCE(r->hdr->want_doorbell, 0);
}

/**
 * mrc_mmap - ib_device_ops.mmap: map a ring
 * @ibuc: the user's context
 * @vma: where; has to be shared and as long as the ring
 */
int mrc_mmap(struct ib_ucontext *ibuc, struct vm_area_struct *vma)
{
	struct rdma_user_mmap_entry *rdma;
	int err;

	if (!(vma->vm_flags & VM_SHARED)) {
		ibdev_dbg(ibuc->device, "mmap: rings are mapped MAP_SHARED\n");
		return -EINVAL;
	}
	rdma = rdma_user_mmap_entry_get(ibuc, vma);
	if (!rdma) {
		ibdev_dbg(ibuc->device, "mmap: no ring at offset %#lx of %#lx bytes\n",
			  vma->vm_pgoff << PAGE_SHIFT,
			  vma->vm_end - vma->vm_start);
		return -EINVAL;
	}
	err = remap_vmalloc_range(vma, container_of(rdma, struct mrc_mmap_entry,
						    rdma)->region, 0);
	/* The mapping holds the pages; it does not need the entry. */
	rdma_user_mmap_entry_put(rdma);
	return err;
}

/**
 * mrc_mmap_free - ib_device_ops.mmap_free: nobody refers to the ring any more
 * @entry: its entry
 */
void mrc_mmap_free(struct rdma_user_mmap_entry *entry)
{
	struct mrc_mmap_entry *e = container_of(entry, struct mrc_mmap_entry,
						rdma);

	vfree(e->region);
	kfree(e);
}
