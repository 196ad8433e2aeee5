// SPDX-License-Identifier: GPL-2.0
/*
 * Listings: JSON as it comes, for programs; tables with columns as wide as
 * they need be, for people. JSON is written here because the little that is
 * needed is less than what a library's interface would take.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mrc.h"

#define MAX_COLUMNS	16
#define SCRATCHES	16

struct cell {
	char *text;
	bool right;
};

static struct {
	/* JSON */
	bool first_object;
	bool first_field;
	bool open;		/* within a listing, not on a line */
	/* table */
	const char *head[MAX_COLUMNS];
	struct cell *cells;	/* MAX_COLUMNS per row */
	size_t rows, room;
	int column, columns;
} list;

char *scratch(void)
{
	static char buf[SCRATCHES][SCRATCH_SIZE];
	static unsigned int next;

	return buf[next++ % SCRATCHES];
}

void *must(void *memory)
{
	if (!memory) {
		fprintf(stderr, "mrc: out of memory\n");
		exit(EXIT_KERNEL);
	}
	return memory;
}

/* ------------------------------------------------------------ JSON */

static void json_line(int level)
{
	if (opt.pretty)
		printf("\n%*s", 4 * level, "");
}

static void json_quote(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			printf("\\u%04x", *s);
		else
			putchar(*s);
	}
	putchar('"');
}

static void json_key(const char *key)
{
	if (!list.first_field)
		putchar(',');
	list.first_field = false;
	if (list.open)
		json_line(2);
	json_quote(key);
	printf(opt.pretty ? ": " : ":");
}

/* ------------------------------------------------------------ tables */

static void add_cell(const char *head, const char *text, bool right)
{
	struct cell *cell;

	if (!head || list.column == MAX_COLUMNS)
		return;
	cell = &list.cells[list.rows * MAX_COLUMNS + list.column];
	cell->text = must(strdup(text));
	cell->right = right;
	list.head[list.column++] = head;
	if (list.column > list.columns)
		list.columns = list.column;
}

static void print_table(void)
{
	struct cell *cell;
	int width[MAX_COLUMNS], i;
	bool right, last;
	size_t row;

	for (i = 0; i < list.columns; i++)
		width[i] = strlen(list.head[i]);
	for (row = 0; row < list.rows; row++) {
		for (i = 0; i < list.columns; i++) {
			int len = strlen(list.cells[row * MAX_COLUMNS + i].text);

			if (len > width[i])
				width[i] = len;
		}
	}
	for (i = 0; i < list.columns; i++) {
		right = list.cells[i].right;
		last = i == list.columns - 1;
		printf("%*s%s", right ? width[i] : last ? 0 : -width[i],
		       list.head[i], last ? "\n" : "  ");
	}
	for (row = 0; row < list.rows; row++) {
		for (i = 0; i < list.columns; i++) {
			cell = &list.cells[row * MAX_COLUMNS + i];
			last = i == list.columns - 1;
			printf("%*s%s", cell->right ? width[i] :
			       last ? 0 : -width[i],
			       cell->text, last ? "\n" : "  ");
			free(cell->text);
		}
	}
}

/* ------------------------------------------------------------ listings */

void list_begin(void)
{
	memset(&list, 0, sizeof(list));
	list.first_object = true;
	list.open = true;
	if (opt.json)
		putchar('[');
}

void object_begin(void)
{
	if (opt.json) {
		if (!list.first_object)
			putchar(',');
		list.first_object = false;
		list.first_field = true;
		json_line(1);
		putchar('{');
		return;
	}
	if (list.rows == list.room) {
		list.room = list.room ? 2 * list.room : 16;
		list.cells = must(realloc(list.cells, list.room * MAX_COLUMNS *
					  sizeof(*list.cells)));
	}
	list.column = 0;
}

void field_string(const char *key, const char *head, const char *value)
{
	if (opt.json) {
		json_key(key);
		json_quote(value);
	} else {
		add_cell(head, value, false);
	}
}

void field_number_as(const char *key, const char *head, uint64_t value,
		     const char *text)
{
	if (opt.json) {
		json_key(key);
		printf("%llu", (unsigned long long)value);
	} else {
		add_cell(head, text, true);
	}
}

void field_number(const char *key, const char *head, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	field_number_as(key, head, value, text);
}

void field_bool(const char *key, const char *head, bool value,
		const char *yes, const char *no)
{
	if (opt.json) {
		json_key(key);
		fputs(value ? "true" : "false", stdout);
	} else {
		add_cell(head, value ? yes : no, false);
	}
}

void field_planes(const char *key, const char *head, uint32_t mask)
{
	bool first = true;
	int i;

	if (!opt.json) {
		add_cell(head, format_planes(mask), false);
		return;
	}
	json_key(key);
	putchar('[');
	for (i = 0; i < 32; i++) {
		if (!(mask & 1U << i))
			continue;
		printf("%s%d", first ? "" : ",", i);
		first = false;
	}
	putchar(']');
}

void field_text(const char *head, const char *text)
{
	if (!opt.json)
		add_cell(head, text, false);
}

void object_end(void)
{
	if (opt.json) {
		json_line(1);
		putchar('}');
	} else {
		list.rows++;
	}
}

void line_begin(void)
{
	list.first_field = true;
	putchar('{');
}

void line_end(void)
{
	puts("}");
}

void list_end(void)
{
	if (opt.json) {
		if (!list.first_object)
			json_line(0);
		puts("]");
	} else if (list.rows && list.columns) {
		print_table();
	}
	free(list.cells);
	list.cells = NULL;
}

/* ------------------------------------------------------------ formats */

const char *name_of(const char *const *names, size_t n, uint32_t value)
{
	return value < n ? names[value] : "?";
}

const char *format_time(uint64_t ns)
{
	char *text = scratch();

	if (!ns)
		return "-";
	if (ns < 1000)
		snprintf(text, SCRATCH_SIZE, "%uns", (unsigned int)ns);
	else if (ns < 100000)
		snprintf(text, SCRATCH_SIZE, "%.1fus", ns / 1e3);
	else if (ns < 10000000)
		snprintf(text, SCRATCH_SIZE, "%.0fus", ns / 1e3);
	else
		snprintf(text, SCRATCH_SIZE, "%.0fms", ns / 1e6);
	return text;
}

const char *format_bytes(uint64_t bytes)
{
	char *text = scratch();

	if (bytes < 10240)
		snprintf(text, SCRATCH_SIZE, "%u", (unsigned int)bytes);
	else if (bytes < 10240ULL * 1024)
		snprintf(text, SCRATCH_SIZE, "%.1fK", bytes / 1024.0);
	else
		snprintf(text, SCRATCH_SIZE, "%.1fM", bytes / 1048576.0);
	return text;
}

const char *format_planes(uint32_t mask)
{
	char *text = scratch();
	size_t len = 0;
	int i, end;

	if (!mask)
		return "-";
	for (i = 0; i < 32; i++) {
		if (!(mask & 1U << i))
			continue;
		for (end = i; end < 31 && (mask & 1U << (end + 1)); end++)
			;
		len += snprintf(text + len, SCRATCH_SIZE - len, "%s%d",
				len ? "," : "", i);
		if (end > i)
			len += snprintf(text + len, SCRATCH_SIZE - len, "-%d",
					end);
		i = end;
	}
	return text;
}
