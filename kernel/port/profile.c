// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * EV profiles and the congestion control profile of a device. An EV profile is
 * replaced as a whole, or its number of active EVs is changed, under
 * profiles_lock; who makes a path set reads it under that lock. Changing what is
 * in use makes new path sets for all peers, one after the other; each has its
 * old one until the new one is complete.
 */
#include "port.h"

static struct mrc_profile *find(struct mrc_dev *dev, const char *name)
{
	struct mrc_profile *profile;

	lockdep_assert_held(&dev->profiles_lock);
	list_for_each_entry(profile, &dev->profiles, list)
		if (!strcmp(profile->name, name))
			return profile;
	return NULL;
}

/**
 * mrc_profile_alloc() - memory for a profile
 * @nev: EVs it lists
 *
 * Return: the profile, zeroed but for nev; or NULL. Freed by kvfree().
 */
struct mrc_profile *mrc_profile_alloc(u32 nev)
{
	struct mrc_profile *profile;

	profile = kvzalloc(struct_size(profile, ev, nev), GFP_KERNEL_ACCOUNT);
	if (profile)
		profile->nev = nev;
	return profile;
}

/* All peers are to have new path sets. */
static void renew_paths(struct mrc_dev *dev)
{
	struct mrc_peer *peer;

	mutex_lock(&dev->peers_lock);
	list_for_each_entry(peer, &dev->peer_list, list) {
		spin_lock_bh(&peer->lock);
		peer->repath = true;
		mrc_peer_renew(peer);
		spin_unlock_bh(&peer->lock);
	}
	mutex_unlock(&dev->peers_lock);
}

/**
 * mrc_profile_put() - make a profile, or change one
 * @dev: device
 * @profile: complete; taken over if this succeeds
 * @create: it must be new; otherwise it must exist
 * @extack: gets the reason of a refusal
 *
 * Context: process.
 * Return: 0, -EEXIST, -ENOENT, -ENOSPC.
 */
int mrc_profile_put(struct mrc_dev *dev, struct mrc_profile *profile,
		    bool create, struct netlink_ext_ack *extack)
{
	struct mrc_profile *old;
	bool renew = false;
	int err = 0;

	mutex_lock(&dev->profiles_lock);
	old = find(dev, profile->name);
	if (create && old) {
		NL_SET_ERR_MSG(extack, "The device has a profile of this name");
		err = -EEXIST;
	} else if (!create && !old) {
		NL_SET_ERR_MSG(extack, "The device has no profile of this name");
		err = -ENOENT;
	} else if (create && dev->num_profiles >= MRC_MAX_PROFILES) {
		NL_SET_ERR_MSG(extack, "The device has 16 profiles, which is all it can have");
		err = -ENOSPC;
	} else if (create) {
		profile->id = ++dev->next_profile;
		dev->num_profiles++;
		list_add_tail(&profile->list, &dev->profiles);
	} else {
		profile->id = old->id;
		list_replace(&old->list, &profile->list);
		renew = dev->profile == old;
		if (renew)
			dev->profile = profile;
	}
	mutex_unlock(&dev->profiles_lock);
	if (err)
		return err;
	kvfree(old);
	if (renew)
		renew_paths(dev);
	return 0;
}

/**
 * mrc_profile_del() - delete a profile
 * @dev: device
 * @name: of the profile
 * @extack: gets the reason of a refusal
 *
 * Context: process.
 * Return: 0, -ENOENT, -EBUSY: it is in use.
 */
int mrc_profile_del(struct mrc_dev *dev, const char *name,
		    struct netlink_ext_ack *extack)
{
	struct mrc_profile *profile;
	int err = 0;

	mutex_lock(&dev->profiles_lock);
	profile = find(dev, name);
	if (!profile) {
		NL_SET_ERR_MSG(extack, "The device has no profile of this name");
		err = -ENOENT;
	} else if (profile == dev->profile) {
		NL_SET_ERR_MSG(extack, "The profile is in use: use another first");
		err = -EBUSY;
		profile = NULL;
	} else {
		list_del(&profile->list);
		dev->num_profiles--;
	}
	mutex_unlock(&dev->profiles_lock);
	kvfree(profile);
	return err;
}

/**
 * mrc_profile_use() - choose the profile of a device
 * @dev: device
 * @name: of the profile, "auto": none
 * @extack: gets the reason of a refusal
 *
 * Context: process.
 * Return: 0 or -ENOENT.
 */
int mrc_profile_use(struct mrc_dev *dev, const char *name,
		    struct netlink_ext_ack *extack)
{
	struct mrc_profile *profile = NULL;
	int err = 0;

	mutex_lock(&dev->profiles_lock);
	if (strcmp(name, MRC_PROFILE_AUTO)) {
		profile = find(dev, name);
		if (!profile)
			err = -ENOENT;
	}
	if (!err)
		dev->profile = profile;
	mutex_unlock(&dev->profiles_lock);
	if (err) {
		NL_SET_ERR_MSG(extack, "The device has no profile of this name");
		return err;
	}
	renew_paths(dev);
	return 0;
}

/**
 * mrc_profile_active() - how many EVs a peer's path set has in use
 * @dev: device
 *
 * Context: process.
 * Return: their number over all planes, as configured.
 */
u32 mrc_profile_active(struct mrc_dev *dev)
{
	const struct mrc_profile *profile;
	u32 active;

	mutex_lock(&dev->profiles_lock);
	profile = dev->profile;
	if (profile)
		active = profile->active ?: profile->count;
	else
		active = READ_ONCE(dev->set.paths_per_plane) *
			 hweight32(READ_ONCE(dev->planes));
	mutex_unlock(&dev->profiles_lock);
	return active;
}

/**
 * mrc_profile_set_active() - another number for the profile in use
 * @dev: device
 * @active: EVs to have in use over all planes
 * @extack: gets the reason of a refusal
 *
 * Context: process.
 * Return: 0, -EINVAL: no profile is in use, -ERANGE.
 */
int mrc_profile_set_active(struct mrc_dev *dev, u32 active,
			   struct netlink_ext_ack *extack)
{
	struct mrc_profile *profile;
	int err = 0;

	mutex_lock(&dev->profiles_lock);
	profile = dev->profile;
	if (!profile) {
		NL_SET_ERR_MSG(extack, "No EV profile is in use: all paths are active");
		err = -EINVAL;
	} else if (!active || active > profile->count) {
		NL_SET_ERR_MSG_FMT(extack, "active_evs must be from 1 to %u",
				   profile->count);
		err = -ERANGE;
	} else if (active < profile->min_active) {
		NL_SET_ERR_MSG_FMT(extack, "active_evs must not be less than min_active, %u",
				   profile->min_active);
		err = -ERANGE;
	} else {
		profile->active = active;
	}
	mutex_unlock(&dev->profiles_lock);
	if (!err)
		renew_paths(dev);
	return err;
}

/**
 * mrc_profiles_free() - a device goes away
 * @dev: device, no peer left
 */
void mrc_profiles_free(struct mrc_dev *dev)
{
	struct mrc_profile *profile, *next;

	list_for_each_entry_safe(profile, next, &dev->profiles, list)
		kvfree(profile);
	INIT_LIST_HEAD(&dev->profiles);
	dev->profile = NULL;
}

/**
 * mrc_profile_paths() - make a path set of the profile in use
 * @dev: device
 * @planes: mask of the planes it is to have
 * @alloc: gets memory for a set of so many bytes
 *
 * Context: process.
 * Return: what @alloc returned, with the set, or NULL.
 */
void *mrc_profile_paths(struct mrc_dev *dev, u32 planes,
			struct mrc_paths *(*alloc)(size_t bytes))
{
	const struct mrc_profile *profile;
	u32 per_plane, ev[MRC_MAX_PORTS];
	u8 list[MRC_MAX_PORTS];
	struct mrc_paths_conf conf = {
		.planes = list,
		.seed = get_random_u32(),
		.reverse = MRC_REVERSE_DEFAULT,
	};
	struct mrc_paths *paths;
	int i;

	for (i = 0; i < MRC_MAX_PORTS; i++)
		if (planes & BIT(i))
			list[conf.nplanes++] = i;

	mutex_lock(&dev->profiles_lock);
	profile = dev->profile;
	per_plane = READ_ONCE(dev->set.paths_per_plane);
	if (profile) {
		per_plane = max(profile->count / conf.nplanes, 1U);
		conf.ev = profile->nev ? profile->ev : NULL;
		/* fewer EVs than planes: some have the same */
		for (i = 0; profile->nev && profile->nev < conf.nplanes &&
		     i < conf.nplanes; i++)
			ev[i] = profile->ev[i % profile->nev];
		if (profile->nev && profile->nev < conf.nplanes)
			conf.ev = ev;
		if (profile->active)
			conf.active = max(profile->active / conf.nplanes, 1U);
		conf.min_active = profile->min_active;
		conf.reverse = profile->reverse;
		conf.answers = profile->answers;
	}
	conf.n = per_plane * conf.nplanes;
	paths = alloc(mrc_paths_size(conf.n));
	if (paths)
		mrc_paths_setup(paths, &conf);
	mutex_unlock(&dev->profiles_lock);
	return paths;
}

/**
 * mrc_cc_profile_get() - the congestion control profile of a device
 * @dev: device
 * @p: filled
 *
 * Context: process.
 */
void mrc_cc_profile_get(struct mrc_dev *dev, struct mrc_cc_profile *p)
{
	mutex_lock(&dev->profiles_lock);
	*p = dev->cc;
	mutex_unlock(&dev->profiles_lock);
}

/**
 * mrc_cc_profile_change() - change some of its values, at once and for all peers
 * @dev: device
 * @edit: changes a copy of the present profile; if it refuses, nothing changes
 * @arg: handed to @edit
 *
 * Context: process.
 * Return: what @edit returned.
 */
int mrc_cc_profile_change(struct mrc_dev *dev,
			  int (*edit)(struct mrc_cc_profile *p, void *arg),
			  void *arg)
{
	u64 now = ktime_get_ns();
	struct mrc_cc_profile p;
	struct mrc_peer *peer;
	int err;

	/* peers_lock: no peer is made meanwhile with the old one */
	mutex_lock(&dev->peers_lock);
	mutex_lock(&dev->profiles_lock);
	p = dev->cc;
	err = edit(&p, arg);
	if (!err)
		dev->cc = p;
	mutex_unlock(&dev->profiles_lock);
	if (err)
		goto unlock;
	list_for_each_entry(peer, &dev->peer_list, list) {
		spin_lock_bh(&peer->lock);
		mrc_cc_set_profile(peer->st.cc, &p, now);
		mrc_peer_wake(peer);
		spin_unlock_bh(&peer->lock);
	}
unlock:
	mutex_unlock(&dev->peers_lock);
	return err;
}
