/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/played-daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

char path[64];
char got[8][512];
size_t n_got;
char claim_ids[8][BALLOON_ID_SIZE];
static char folder[] = "/tmp/balloon-client-XXXXXX";
static int listener = -1;
static const struct step *script;
static size_t n_steps;

static void read_line(int fd, char *line, size_t size)
{
	size_t n = 0;

	while (n + 1 < size && read(fd, line + n, 1) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
}

static void send_reply(int fd, const char *line, const char *reply)
{
	const char *id = strstr(line, "\"id\":"), *at = strstr(reply, "@ID@");
	char text[2048];

	if (!at) {
		(void)!write(fd, reply, strlen(reply));
		return;
	}
	id = id ? id + 5 : "";
	snprintf(text, sizeof(text), "%.*s%.*s%s", (int)(at - reply), reply, (int)strcspn(id, ",}"), id,
		 at + 4);
	(void)!write(fd, text, strlen(text));
}

static void note_claim(const char *line, size_t i)
{
	const char *params = strstr(line, "\"params\":{\"id\":\"");

	if (params)
		snprintf(claim_ids[i], BALLOON_ID_SIZE, "%s", params + 16);
}

static void *play(void *ud)
{
	int fd = -1;

	(void)ud;
	for (size_t i = 0; i < n_steps; i++) {
		if (fd < 0)
			fd = accept(listener, NULL, NULL);
		if (script[i].want) {
			read_line(fd, got[i], sizeof(got[i]));
			note_claim(got[i], i);
			n_got = i + 1;
			if (!strstr(got[i], script[i].want))
				break;
		}
		if (script[i].reply)
			send_reply(fd, got[i], script[i].reply);
		if (script[i].hang_up) {
			close(fd);
			fd = -1;
		}
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

pthread_t start(const struct step *steps, size_t n)
{
	pthread_t t;

	script = steps;
	n_steps = n;
	n_got = 0;
	memset(got, 0, sizeof(got));
	assert_int_equal(pthread_create(&t, NULL, play, NULL), 0);
	return t;
}

int set_up(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/sock", folder);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	alarm(60); /* a test that hangs ends */
	return bind(listener, (struct sockaddr *)&a, sizeof(a)) || listen(listener, 8);
}

int tear_down(void **state)
{
	(void)state;
	close(listener);
	unlink(path);
	return rmdir(folder);
}
