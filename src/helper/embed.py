#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py PROGRAM OUTPUT: writes a program as the C array that main.c carries."""
import pathlib
import sys

image = pathlib.Path(sys.argv[1]).read_bytes()
rows = [", ".join(str(byte) for byte in image[at:at + 32]) for at in range(0, len(image), 32)]
pathlib.Path(sys.argv[2]).write_text("static const unsigned char helper_image[] = {\n" + ",\n".join(rows) + "\n};\n")
