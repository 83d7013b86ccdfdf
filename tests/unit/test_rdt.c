/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of schemata files against what the kernel shows. */
#include "src/oci/rdt.h"
#include "tests/lib/check.h"

static const char file[] = "    MB:0= 20;1= 70\n    L3:0=7f0;1=01f;2=7ff\nL2:0=f\n";

TEST(has_what_the_line_wants)
{
	CHECK(rdt_has_line(file, "L3:0=7f0;1=1f"));
	CHECK(rdt_has_line(file, "L3:1=01f"));
	CHECK(rdt_has_line(file, "MB:0=20;1=70"));
	CHECK(rdt_has_line(file, "MB: 1=70"));
	CHECK(rdt_has_line(file, "L2:0=F"));
}

TEST(sees_what_is_different)
{
	CHECK(!rdt_has_line(file, "L3:0=7f1"));
	CHECK(!rdt_has_line(file, "L3:3=7f0"));
	CHECK(!rdt_has_line(file, "L3:0=7f0;1=1e"));
	CHECK(!rdt_has_line(file, "L3CODE:0=7f0"));
	CHECK(!rdt_has_line(file, "L:0=7f0"));
	CHECK(!rdt_has_line(file, "MB:1=20"));
}

TEST(refuses_what_is_no_line)
{
	CHECK(!rdt_has_line(file, ""));
	CHECK(!rdt_has_line(file, "L3"));
	CHECK(!rdt_has_line(file, "L3:"));
	CHECK(!rdt_has_line(file, "L3:0"));
	CHECK(!rdt_has_line(file, "L3:0=7f0;x"));
	CHECK(!rdt_has_line("", "L3:0=7f0"));
	CHECK(!rdt_has_line("L3", "L3:0=7f0"));
}
