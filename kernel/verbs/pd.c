// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* User contexts and protection domains. */
#include "verbs.h"

/**
 * mrc_alloc_ucontext - ib_device_ops.alloc_ucontext
 * @ibuc: the context
 * @udata: answered by struct mrc_uresp_alloc_ucontext
 */
int mrc_alloc_ucontext(struct ib_ucontext *ibuc, struct ib_udata *udata)
{
	struct mrc_uresp_alloc_ucontext resp = {
		.abi_version = MRC_ABI_VERSION,
		.max_inline = MRC_MAX_INLINE,
	};

	if (udata->outlen < sizeof(resp)) {
		ibdev_dbg(ibuc->device, "context: response of %zu bytes\n",
			  udata->outlen);
		return -EINVAL;
	}
	return ib_copy_to_udata(udata, &resp, sizeof(resp));
}

/**
 * mrc_dealloc_ucontext - ib_device_ops.dealloc_ucontext
 * @ibuc: the context; the core owns its memory
 */
void mrc_dealloc_ucontext(struct ib_ucontext *ibuc)
{
}

/**
 * mrc_disassociate_ucontext - ib_device_ops.disassociate_ucontext
 * @ibuc: the context of a process that keeps the device's file open
 *
 * Rings are plain memory and stay mapped, so nothing is to be done; that the
 * operation exists lets the device go while programs have it open.
 */
void mrc_disassociate_ucontext(struct ib_ucontext *ibuc)
{
}

/**
 * mrc_alloc_pd - ib_device_ops.alloc_pd
 * @ibpd: the PD
 * @udata: answered by struct mrc_uresp_alloc_pd, NULL for the kernel's own
 */
int mrc_alloc_pd(struct ib_pd *ibpd, struct ib_udata *udata)
{
	struct mrc_pd *pd = container_of(ibpd, struct mrc_pd, ibpd);
	struct mrc_dev *dev = to_mdev(ibpd->device);
	struct mrc_uresp_alloc_pd resp = {};
	int err;

	err = mrc_object_add(&dev->num_pd, MRC_MAX_PD);
	if (err) {
		ibdev_dbg(&dev->ibdev, "PD: %u exist already\n", MRC_MAX_PD);
		return err;
	}
	err = ida_alloc_range(&dev->pdns, 1, INT_MAX, GFP_KERNEL);
	if (err < 0)
		goto uncount;
	pd->pdn = err;
	if (!udata)
		return 0;

	resp.pdn = pd->pdn;
	err = ib_copy_to_udata(udata, &resp, min(sizeof(resp), udata->outlen));
	if (err)
		goto free_pdn;
	return 0;

free_pdn:
	ida_free(&dev->pdns, pd->pdn);
uncount:
	atomic_dec(&dev->num_pd);
	return err;
}

/**
 * mrc_dealloc_pd - ib_device_ops.dealloc_pd
 * @ibpd: the PD; the core sees to it that nothing uses it
 * @udata: not used
 */
int mrc_dealloc_pd(struct ib_pd *ibpd, struct ib_udata *udata)
{
	struct mrc_dev *dev = to_mdev(ibpd->device);

	ida_free(&dev->pdns, container_of(ibpd, struct mrc_pd, ibpd)->pdn);
	atomic_dec(&dev->num_pd);
	return 0;
}
