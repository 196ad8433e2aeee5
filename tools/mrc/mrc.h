/* SPDX-License-Identifier: GPL-2.0 */
/* What the tool's files share. */
#ifndef MRC_TOOL_H
#define MRC_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <linux/mrc.h>

/* Exit status, as iproute2's. */
#define EXIT_USAGE	1
#define EXIT_KERNEL	2
/* mrc probe: a path did not answer at all. */
#define EXIT_NO_ANSWER	1

struct options {
	bool json;
	bool pretty;
	bool details;
};

extern struct options opt;

/* ------------------------------------------------------------ words */

/* What is left of the command line. */
struct args {
	int n;
	char **v;
};

struct command {
	const char *name;
	int (*run)(struct args *args);
	const char *synopsis;	/* what follows the name */
	const char *help;	/* one line */
};

struct object {
	const char *name;
	const char *help;
	const struct command *commands;	/* ends with a name of NULL */
	/* in place of commands, with what follows the name of the object */
	int (*run)(struct args *args);
	const char *synopsis;
};

extern const struct object dev_object, port_object, peer_object, path_object,
	profile_object, cc_object, srv6_object, qp_object, stat_object,
	monitor_object, probe_object, top_object, save_object, restore_object;

/* What error messages begin with after "mrc: ": "", or what is being done. */
extern const char *where;

/* One sentence to stderr; returns EXIT_USAGE. */
int usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Which of @names (ends with NULL) @word is or abbreviates; -1 after an error
 * message that lists them. @what: what kind of word was wanted.
 */
int match(const char *word, const char *const *names, const char *what);
/* The next word, or NULL. */
char *next_word(struct args *args);

/* A parameter of a command: a keyword and what follows it. */
struct param {
	const char *name;
	int (*parse)(const struct param *param, const char *word);
	void *value;
	uint32_t max;		/* of a number */
	bool given;
};

int parse_string(const struct param *param, const char *word);
int parse_number(const struct param *param, const char *word);
int parse_address(const struct param *param, const char *word);
/* Of a name without value, such as "detail": sets a bool. */
int parse_flag(const struct param *param, const char *word);
/*
 * Read "KEYWORD VALUE ..." into @params (ends with a name of NULL). If @dev
 * is not NULL, the first word may be, and if @dev_required must be, the name
 * of a device, with or without "dev" before it. 0 or EXIT_USAGE.
 */
int parse_params(struct args *args, struct param *params, const char **dev,
		 bool dev_required);

/* A setting of a device, and its netlink attribute. */
struct setting {
	const char *name;
	int attr;
};

#define NUM_SETTINGS	16

extern const struct setting settings[NUM_SETTINGS];

/* Parameters that read settings into @values; NUM_SETTINGS + 1 of them. */
void settings_params(struct param *params, uint32_t *values);
/* Set those that are given, or none. 0 or EXIT_KERNEL after a message. */
int set_settings(const char *dev, const uint32_t *values, const bool *given);

/* A plane, as commands have it. */
struct plane {
	const char *netdev;
	int number;		/* -1: the first free one */
	bool disabled;		/* by the operator */
};

/* Make a netdev a plane, say whether it is in use, or take it away. */
int add_port(const char *dev, const struct plane *port);
int set_port(const char *dev, const struct plane *port);
int del_port(const char *dev, const char *netdev);
/* Read what follows "port add". 0 or EXIT_USAGE. */
int parse_port(struct args *args, const char **dev, struct plane *port);

/*
 * Print the commands that make what @attrs of a dump tell of, without "mrc":
 * congestion control (one line), an SRv6 template (one line), an EV profile (a
 * line, with as many EVs as the message has; more messages have more of them).
 */
void print_cc(FILE *to, struct nlattr **attrs);
void print_srv6(FILE *to, struct nlattr **attrs);
void print_profile(FILE *to, struct nlattr **attrs);
/*
 * Split a line into at most @max words; one that begins with "#" begins a
 * comment. Returns their number, or -1 after an error message: there are more.
 */
#define MAX_WORDS	64
int split_line(char *line, char **words, int max);
/* Run a command as if it stood on the command line behind "mrc". */
int run_command(struct args *args);

/* ------------------------------------------------------------ netlink */

struct nl_msg;
struct nl_sock;

/* A request; NULL after an error message. Freed by run_*(). */
struct nl_msg *new_request(int cmd, bool dump);
/* Send it, wait for the kernel's word: 0, or EXIT_KERNEL after a message. */
int run_request(struct nl_msg *msg);
/* The same for a dump: @row gets the attributes 0..@max of each message. */
int run_dump(struct nl_msg *msg, int max,
	     void (*row)(struct nlattr **attrs));

/* The same for commands of the RDMA core, RDMA_NLDEV_CMD_*. */
struct nl_msg *new_rdma_request(int cmd);
int run_rdma(struct nl_msg *msg, void (*row)(struct nlattr **attrs));

/* A socket that gets events; NULL after a message. */
struct nl_sock *open_events(void);
/*
 * A socket for requests that are answered later, by messages for @on_message;
 * NULL after an error message.
 */
struct nl_sock *open_answers(int (*on_message)(struct nl_msg *msg, void *arg),
			     void *arg);
/* run_request() from such a socket. Answers may come meanwhile. */
int run_request_from(struct nl_sock *from, struct nl_msg *msg);

/* How to list the objects of one kind. */
struct listing {
	int cmd;		/* MRC_CMD_* of the dump */
	int max;		/* attribute of the greatest number */
	/* attributes to ask for a part only; 0: there is none */
	int a_dev, a_remote, a_plane, a_qpn;
	void (*row)(struct nlattr **attrs);
	/* in place of this one with "detail", -d or "plane N" */
	const struct listing *detail;
};

extern const struct listing dev_list, port_list, plane_list, path_list, cc_list,
	profile_list, srv6_list;

/* Which part of a listing is wanted. */
struct filter {
	const char *dev;	/* NULL: all */
	struct in6_addr remote;
	uint32_t plane, qpn;
	bool one_remote, one_plane, one_qpn, detail;
};

/* Give @row each object of the listing that @filter wants. 0 or EXIT_KERNEL. */
int fetch(const struct listing *list, const struct filter *filter,
	  void (*row)(struct nlattr **attrs));
/* The command "show": list what the words left in @args ask for. */
int show_listing(struct args *args, const struct listing *list);

/* Tell the counters of the RDMA device of that index, as the core knows them. */
int read_counters(uint32_t index,
		  void (*tell)(const char *name, uint64_t value));

uint32_t get_u32(struct nlattr **attrs, int type);
uint64_t get_u64(struct nlattr **attrs, int type);
const char *get_string(struct nlattr **attrs, int type);
/* Of enum mrc_nl_qp_reason. */
const char *qp_reason(uint32_t reason);
/* In text form; valid until a few more were made. */
const char *get_address(struct nlattr **attrs, int type);

/* ------------------------------------------------------------ output */

/*
 * A listing: begin, then per object its fields in always the same order, end.
 * In JSON it is an array of objects; otherwise a table, or, if a field's
 * heading is NULL, that field appears in JSON only.
 */
void list_begin(void);
void object_begin(void);
void field_string(const char *key, const char *head, const char *value);
void field_number(const char *key, const char *head, uint64_t value);
void field_bool(const char *key, const char *head, bool value,
		const char *yes, const char *no);
/* A number that people read in another form. */
void field_number_as(const char *key, const char *head, uint64_t value,
		     const char *text);
/* A mask of planes: an array of numbers, or "0-3,5". */
void field_planes(const char *key, const char *head, uint32_t mask);
/* Text of a table that JSON has in other fields. */
void field_text(const char *head, const char *text);
void object_end(void);
void list_end(void);
/* An object on a line of its own, in JSON only. */
void line_begin(void);
void line_end(void);

/* The name of a value of an enum, "?" if it is newer than this tool. */
#define NAME_OF(names, value)	name_of(names, \
					sizeof(names) / sizeof(*(names)), value)
const char *name_of(const char *const *names, size_t n, uint32_t value);
/* In text form; valid until a few more were made. */
const char *format_time(uint64_t ns);
const char *format_bytes(uint64_t bytes);
const char *format_planes(uint32_t mask);
/* The program ends if there is no memory. */
void *must(void *memory);
/* One of a few buffers in turn. */
char *scratch(void);

#define SCRATCH_SIZE	128

#endif /* MRC_TOOL_H */
