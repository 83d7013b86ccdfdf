# SPDX-License-Identifier: Apache-2.0
"""A document, walked together with the schemas of the specification that describe it."""
import json
import re

# Words that say nothing about what is valid.
SILENT = {"description", "$schema", "title", "id"}
KNOWN = SILENT | {"$ref", "allOf", "anyOf", "type", "properties", "patternProperties", "additionalProperties",
                  "items", "minItems", "required", "enum", "pattern", "minimum", "maximum"}


def path_text(path):
    """A path as error messages write it: process.args[0], linux.sysctl["net.core.somaxconn"]."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.replace("_", "").replace("-", "").isalnum():
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text


def path_pattern(path):
    """The same for all elements of a list: mounts[*].options[*]."""
    return re.sub(r"\[\d+\]", "[*]", path_text(path))


class Schemas:
    def __init__(self, directory):
        self.files = {path.name: json.loads(path.read_text()) for path in directory.glob("*.json")}

    def root(self, file):
        return self.flat(self.files[file], file)

    def flat(self, node, file):
        """One level of a schema with its references followed: the members in "properties",
        "patternProperties", "additionalProperties" and "items" are pairs (node, file), for flat()."""
        unknown = set(node) - KNOWN
        assert not unknown, f"{file}: the generator does not know {unknown}"
        merged = {"properties": {}, "required": []}
        if "$ref" in node:
            name, _, pointer = node["$ref"].partition("#")
            target = self.files[name or file]
            for part in pointer.strip("/").split("/"):
                target = target[part]
            self.merge(merged, self.flat(target, name or file))
        for part in node.get("allOf", []) + node.get("anyOf", []):
            self.merge(merged, self.flat(part, file))
        own = {key: value for key, value in node.items() if key not in SILENT | {"$ref", "allOf", "anyOf"}}
        for key in ("items", "additionalProperties"):
            if key in own:
                own[key] = (own[key], file)
        for key in ("properties", "patternProperties"):
            if key in own:
                own[key] = {name: (inner, file) for name, inner in own[key].items()}
        self.merge(merged, own)
        return merged

    @staticmethod
    def merge(into, more):
        into["properties"].update(more.get("properties", {}))
        into["required"] = into["required"] + more.get("required", [])
        into.update({key: value for key, value in more.items() if key not in ("properties", "required")})

    def of_members(self, schema):
        """What the values of a map are, or None where it is no map."""
        if "additionalProperties" in schema:
            return self.flat(*schema["additionalProperties"])
        for inner in schema.get("patternProperties", {}).values():
            return self.flat(*inner)
        return None

    def walk(self, value, schema, path=()):
        """(path, value, schema) for everything in a document that a schema describes."""
        yield path, value, schema
        if isinstance(value, list):
            inner = self.flat(*schema["items"])
            for i, item in enumerate(value):
                yield from self.walk(item, inner, path + (i,))
        elif isinstance(value, dict):
            of_members = self.of_members(schema)
            for name, item in value.items():
                if name in schema["properties"]:
                    yield from self.walk(item, self.flat(*schema["properties"][name]), path + (name,))
                elif of_members:
                    yield from self.walk(item, of_members, path + (name,))
