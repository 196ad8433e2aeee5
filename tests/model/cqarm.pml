/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Arming of a CQ, with and without moderation: kernel/verbs/cq.c,
 * mrc_cq_post(), mrc_cq_due(), mrc_cq_mod_timer(), mrc_req_notify_cq(),
 * mrc_modify_cq(); and an application that polls, arms, polls once more and
 * sleeps until there is an event.
 *
 * Two QPs complete at the same time; in between the moderation is changed.
 *
 * Holds: every completion is polled, so nobody sleeps for ever while there is
 * one.
 *
 * Bugs that must be found: NO_SECOND_POLL (of the application: it is the rule
 * of ibv_req_notify_cq()), UNLOCKED_CHECK (armed or not is looked at before
 * the entry is there), TIMER_FORGETS, MODIFY_FORGETS.
 */
#define EACH	2		/* completions of each QP */
#define COUNT	2		/* moderation: events after so many */

byte prod, cons;
bool lock, notify;
byte events;			/* not yet taken by the application */
bool moderated = true;
byte pending;
bool timer;			/* it runs */
byte posters = 2;
bool timers_over;

inline spin_lock() { atomic { !lock -> lock = true } }
inline spin_unlock() { lock = false }

/* mrc_cq_due() into @due */
inline cq_due(due)
{
	due = false;
	if
	:: !notify
	:: notify && moderated ->
		pending++;
		if
		:: pending < COUNT -> timer = true
		:: else -> pending = 0; notify = false; due = true
		fi
	:: else -> pending = 0; notify = false; due = true
	fi
}

proctype poster()
{
	byte n;
	bool due;

	do
	:: n < EACH ->
#ifdef UNLOCKED_CHECK
		cq_due(due);
		spin_lock();
		prod++;
		spin_unlock();
#else
		spin_lock();
		prod++;
		cq_due(due);
		spin_unlock();
#endif
		if
		:: due -> events++
		:: else
		fi;
		n++
	:: else -> break
	od;
	posters--
}

/* mrc_cq_mod_timer(); the timer can be started again while it runs */
active proctype mod_timer()
{
	bool due;

end:	do
	:: timer ->
		timer = false;
		spin_lock();
		due = pending > 0 && notify;
		if
		:: due ->
			pending = 0;
			notify = false
		:: else
		fi;
		spin_unlock();
		if
#ifdef TIMER_FORGETS
		:: due && posters == 0 -> skip
#endif
		:: due -> events++
		:: else
		fi
	od
}

/* mrc_modify_cq(): no moderation from now on */
active proctype modifier()
{
	bool due;

	spin_lock();
	moderated = false;
	due = pending > 0 && notify;
	if
	:: due -> notify = false
	:: else
	fi;
	pending = 0;
	spin_unlock();
	if
#ifdef MODIFY_FORGETS
	:: due -> skip
#else
	:: due -> events++
#endif
	:: else
	fi
}

inline poll()
{
	do
	:: cons != prod -> cons++
	:: else -> break
	od
}

active proctype application()
{
	run poster();
	run poster();
	do
	:: cons < 2 * EACH ->
		poll();
		spin_lock();
		notify = true;
		spin_unlock();
#ifndef NO_SECOND_POLL
		poll();
#endif
		if
		:: cons == 2 * EACH -> break
		:: else
		fi;
		/* sleep until there is an event */
		atomic { events > 0 -> events-- }
	:: else -> break
	od
}
