/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/json_mutate.h"

#include <string.h>

#define PICK(random, array) (array)[random_below((random), sizeof(array) / sizeof((array)[0]))]

/* A value of the tree and where it hangs. */
struct place {
	struct json_node *parent;
	size_t index;
};

struct places {
	struct place *v;
	size_t n, cap;
};

static void find_places(struct arena *arena, struct places *places, struct json_node *node)
{
	for (size_t i = 0; i < node->n; i++) {
		if (places->n == places->cap) {
			places->cap = places->cap ? 2 * places->cap : 512;
			places->v = arena_grow(arena, places->v, places->n, places->cap,
					       sizeof(*places->v));
		}
		places->v[places->n++] = (struct place){ node, i };
		find_places(arena, places, node->v[i].value);
	}
}

static const char *const words[] = { "null", "true",   "false",  "{}",
				     "[]",   "[null]", "[[[]]]", "{\"a\":{}}" };
static const char *const numbers[] = {
	"0",
	"-0",
	"1",
	"-1",
	"0.0",
	"1.5",
	"1e3",
	"-1e-400",
	"1e400",
	"255",
	"256",
	"511",
	"512",
	"1000",
	"1001",
	"4095",
	"4096",
	"65535",
	"65536",
	"1048576",
	"2147483647",
	"2147483648",
	"-2147483648",
	"-2147483649",
	"4294967294",
	"4294967295",
	"4294967296",
	"9223372036854775807",
	"9223372036854775808",
	"-9223372036854775808",
	"-9223372036854775809",
	"18446744073709551614",
	"18446744073709551615",
	"18446744073709551616",
	"123456789012345678901234567890123456789012345678901234567890",
};
static const char *const strings[] = {
	"\"\"",
	"\" \"",
	"\"/\"",
	"\"//\"",
	"\".\"",
	"\"..\"",
	"\"/../..\"",
	"\"a/../../b\"",
	"\"/proc/self/exe\"",
	"\"/dev/null\"",
	"\"%s%n%d\"",
	"\"a\\nb\"",
	"\"\\u0000\"",
	"\"\\u0001\\u007f\"",
	"\"\\ud800\"",
	"\"\\ud83d\\ude00\"",
	"\"\u00e4\u2603\"",
	"\"=\"",
	"\"=a\"",
	"\"a=b=c\"",
	"\"0-\"",
	"\"0-18446744073709551616\"",
	"\"-1,,,\"",
	"\"0,0,0-0\"",
	"\"auto\"",
	"\"bind\"",
	"\"rbind\"",
	"\"remount\"",
	"\"idmap=uids=0-0-1;gids=0-0-1\"",
	"\"ridmap=uids=@0-1-4294967295\"",
	"\"mode=\"",
	"\"size=99999999999999999999k\"",
	"\"tmpcopyup\"",
	"\"systemd:a:b\"",
	"\"user.slice:usrun:x\"",
	"\"a-b-.slice:c:d\"",
	"\":::\"",
	"\"SCMP_ACT_NOTIFY\"",
	"\"CAP_ALL\"",
	"\"\\\"\\\\\"",
};
static const char *const keys[] = {
	"\"\"", "\"a.b\"", "\"a\\\"]\"", "\"\\u0000\"", "\"..\"",
};
static const char *const annotations[] = {
	"\"run.oci.handler\"",
	"\"run.oci.hooks.stderr\"",
	"\"run.oci.hooks.stdout\"",
	"\"run.oci.keep_original_groups\"",
	"\"run.oci.mount_context_type\"",
	"\"run.oci.pidfd_receiver\"",
	"\"run.oci.seccomp.receiver\"",
	"\"run.oci.seccomp_bpf_data\"",
	"\"run.oci.seccomp_fail_unknown_syscall\"",
	"\"run.oci.systemd.subgroup\"",
	"\"run.oci.of_nobody\"",
	"\"org.systemd.property.TimeoutStopUSec\"",
	"\"org.systemd.property.MemoryMax\"",
	"\"org.systemd.property.x\"",
};

static struct json_node *long_string(struct arena *arena, struct random *random)
{
	static const char *const pieces[] = { "a", "/", "..", "0,", "\\n", "\\u00e4", "%" };
	const char *piece = PICK(random, pieces);
	size_t times = random_below(random, 64) == 0 ? 700000 : 10 + random_below(random, 5000);
	_cleanup_str_ struct str text = { 0 };

	str_add(&text, "\"");
	for (size_t i = 0; i < times; i++)
		str_add(&text, piece);
	str_add(&text, "\"");
	return json_tree_scalar(arena, arena_strndup(arena, text.s, text.len));
}

static struct json_node *any_value(struct arena *arena, struct random *random)
{
	const char *text;

	switch (random_below(random, 8)) {
	case 0:
		return long_string(arena, random);
	case 1:
	case 2:
		text = PICK(random, words);
		return json_tree_parse(arena, text);
	case 3:
	case 4:
		text = PICK(random, numbers);
		break;
	default:
		text = PICK(random, strings);
		break;
	}
	return json_tree_scalar(arena, text);
}

/* One byte of a scalar, to one that occurs in the documents. */
static void change_scalar(struct arena *arena, struct random *random, struct json_node *node)
{
	static const char bytes[] = "0123456789-+.,:;=/%\\ \"aeEnrstu_ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char *text = arena_strdup(arena, node->text);
	size_t len = strlen(text), at = random_below(random, (uint32_t)len);

	if (random_below(random, 3) == 0)
		memmove(text + at, text + at + 1, len - at);
	else
		text[at] = bytes[random_below(random, sizeof(bytes) - 1)];
	node->text = text;
}

/* The element or member again, up to some hundred times; below other keys, or below the same. */
static void repeat(struct arena *arena, struct random *random, struct place place)
{
	struct json_node *node = place.parent->v[place.index].value;
	uint32_t times = random_below(random, 32) == 0 ? 300 : 1 + random_below(random, 4);

	for (uint32_t i = 0; i < times; i++) {
		const char *key = place.parent->v[place.index].key;

		if (random_below(random, 4))
			key = arena_strf(arena, "\"key%u\"", i);
		json_tree_insert(arena, place.parent, place.index, key,
				 json_tree_copy(arena, node));
		place.index++;
	}
}

static void nest(struct arena *arena, struct random *random, struct place place)
{
	uint32_t depth = 1 + random_below(random, 80);

	for (uint32_t i = 0; i < depth; i++) {
		struct json_node *outer = arena_new(arena, struct json_node);

		outer->kind = random_below(random, 2) ? JSON_TREE_ARRAY : JSON_TREE_OBJECT;
		json_tree_insert(arena, outer, 0, "\"a\"", place.parent->v[place.index].value);
		place.parent->v[place.index].value = outer;
	}
}

static void splice(struct arena *arena, struct random *random, struct place place,
		   const struct places *donors)
{
	struct place donor = donors->v[random_below(random, (uint32_t)donors->n)];
	struct json_node *value = json_tree_copy(arena, donor.parent->v[donor.index].value);

	if (random_below(random, 2))
		place.parent->v[place.index].value = value;
	else
		json_tree_insert(arena, place.parent, place.index, donor.parent->v[donor.index].key,
				 value);
}

/* A member of the same name takes the donor's value: what such documents say, but another one. */
static void exchange(struct arena *arena, struct random *random, struct place place,
		     const struct places *donors)
{
	uint32_t first = random_below(random, (uint32_t)donors->n);

	for (size_t i = 0; i < donors->n; i++) {
		struct place donor = donors->v[(first + i) % donors->n];

		if (!str_equal(donor.parent->v[donor.index].key, place.parent->v[place.index].key))
			continue;
		place.parent->v[place.index].value =
			json_tree_copy(arena, donor.parent->v[donor.index].value);
		return;
	}
}

/* What usrun takes from annotations, with any text for a value. */
static void annotate(struct arena *arena, struct random *random, struct json_node *root)
{
	struct json_node *value = json_tree_scalar(arena, PICK(random, strings));
	struct json_node *node = NULL;

	for (size_t i = 0; i < root->n; i++)
		if (str_equal(root->v[i].key, "\"annotations\""))
			node = root->v[i].value;
	if (!node) {
		node = json_tree_parse(arena, "{}");
		json_tree_insert(arena, root, root->n, "\"annotations\"", node);
	}
	json_tree_insert(arena, node, 0, PICK(random, annotations), value);
}

static void mutate_once(struct arena *arena, struct random *random, const struct places *places,
			const struct places *donors)
{
	struct place place = places->v[random_below(random, (uint32_t)places->n)];
	struct place other = places->v[random_below(random, (uint32_t)places->n)];
	struct json_node **slot = &place.parent->v[place.index].value;

	switch (random_below(random, 9)) {
	case 0:
		json_tree_remove(place.parent, place.index);
		break;
	case 1:
		repeat(arena, random, place);
		break;
	case 2: { /* of two trees: one may be a part of the other */
		struct json_node *copy = json_tree_copy(arena, *slot);

		*slot = json_tree_copy(arena, other.parent->v[other.index].value);
		other.parent->v[other.index].value = copy;
		break;
	}
	case 3:
		*slot = any_value(arena, random);
		break;
	case 4:
		if ((*slot)->kind == JSON_TREE_SCALAR && *(*slot)->text)
			change_scalar(arena, random, *slot);
		break;
	case 5:
		splice(arena, random, place, donors);
		break;
	case 6:
		exchange(arena, random, place, donors);
		break;
	case 7:
		place.parent->v[place.index].key = random_below(random, 2)
							   ? PICK(random, keys)
							   : other.parent->v[other.index].key;
		break;
	default:
		if (random_below(random, 8) == 0)
			nest(arena, random, place);
		else
			*slot = json_tree_scalar(arena, PICK(random, numbers));
		break;
	}
}

void json_mutate_tree(struct arena *arena, struct random *random, struct json_node *root,
		      const struct json_node *donor)
{
	struct places donors = { 0 };
	uint32_t changes = 1;

	while (changes < 8 && random_below(random, 2))
		changes++;
	find_places(arena, &donors, json_tree_copy(arena, donor));
	if (donors.n == 0)
		return;
	for (uint32_t i = 0; i < changes; i++) {
		struct places places = { 0 }; /* each change moves them */

		find_places(arena, &places, root);
		if (random_below(random, 16) == 0)
			annotate(arena, random, root);
		else if (places.n)
			mutate_once(arena, random, &places, &donors);
	}
}

size_t json_mutate_bytes(struct random *random, char *text, size_t len)
{
	uint32_t changes = 1 + random_below(random, 4);

	if (random_below(random, 2))
		return random_below(random, (uint32_t)len);
	for (uint32_t i = 0; i < changes; i++)
		text[random_below(random, (uint32_t)len)] ^= (char)(1 << random_below(random, 8));
	return len;
}
