# SPDX-License-Identifier: Apache-2.0
"""One change of a good configuration each: those that the specification allows, and those with one fault."""
import collections
import json
import re

import rules
from rules import REMOVED
from schema import path_pattern, path_text

# want: None where it must be accepted, else the path that the error has to name.
Vector = collections.namedtuple("Vector", "what want text")

SAMPLES = {"object": {}, "array": [], "string": "text", "integer": 7, "number": 1.5, "boolean": True}
# Texts of which patterns and lists of names refuse most; what a pattern takes is left out.
STRANGE = ["", " ", "no such value", "\u2603", "-1", "1 2;", "x" * 5000]
UNKNOWN = {"a": [1, None, 1.5e300]}


def set_at(document, path, value):
    """Changes the document and returns what takes the change back."""
    *way, last = path
    for part in way:
        document = document[part]
    if isinstance(document, list) and last == len(document):
        document.append(value)
        return document.pop
    if isinstance(document, dict) and last not in document:
        document[last] = value
        return lambda: document.pop(last)
    before = document[last]
    if value is REMOVED:
        if isinstance(document, list):
            del document[last]
            return lambda: document.insert(last, before)
        items = list(document.items())
        del document[last]
        return lambda: (document.clear(), document.update(items))
    document[last] = value
    return lambda: document.__setitem__(last, before)


class Mutants:
    def __init__(self, base, schemas):
        self.base, self.schemas = base, schemas
        self.vectors = []
        self.there, self.known = set(), set()  # properties: of base.json, of the schemas

    def change(self, what, changes, want):
        undo = [set_at(self.base, *change) for change in changes]
        self.vectors.append(Vector(what, want, json.dumps(self.base)))
        for back in reversed(undo):
            back()

    @staticmethod
    def title(path, value):
        return f"{path_text(path)}: {'removed' if value is REMOVED else json.dumps(value)[:60]}"

    def reject(self, path, value):
        self.change(self.title(path, value), [(path, value)], path_text(path))

    def accept(self, path, value):
        pattern = path_pattern(path)
        want = rules.refusal(pattern, value)
        changes = [(path, value)] + ([] if want else rules.companions(pattern, value))
        self.change(self.title(path, value), changes, want)

    def types(self, path, schema, nullable):
        kind = schema["type"]
        for name, sample in SAMPLES.items():
            if name != kind:
                self.reject(path, sample)
        if kind in ("integer", "boolean"):
            self.reject(path, json.dumps(SAMPLES[kind]))
        if nullable:
            self.accept(path, None)
        else:
            self.reject(path, None)

    def integers(self, path, schema):
        edges = schema.get("minimum"), schema.get("maximum")
        low, high = rules.bounds(path_pattern(path), *edges)
        for value in sorted({low, low + 1, high - 1, high}):
            self.accept(path, value)
        beyond = {low - 1, high + 1, -2**63 - 1, 2**64, 10**40}
        beyond |= {edge + step for edge in edges if edge is not None for step in (-1, 1)}
        for value in sorted(beyond):
            if not low <= value <= high:
                self.reject(path, value)

    def strings(self, path, schema):
        pattern = path_pattern(path)
        if "enum" in schema and pattern not in rules.ALL_THERE:
            for name in schema["enum"]:
                self.accept(path, name)
        for value in STRANGE:
            if (pattern, value) in rules.TOLERATED:
                self.accept(path, value)
            elif value not in schema.get("enum", [value]) or not re.search(schema.get("pattern", ""), value):
                self.reject(path, value)
        for value in rules.BAD_STRINGS.get(pattern, []):
            self.reject(path, value)

    def lists(self, path, value, schema):
        inner = self.schemas.flat(*schema["items"])
        end = path + (len(value),)
        for name, sample in SAMPLES.items():
            if name != inner["type"]:
                self.reject(end, sample)
        self.reject(end, None)
        if schema.get("minItems"):
            self.reject(path, [])
        else:
            self.accept(path, [])

    def objects(self, path, value, schema):
        required = rules.required(path_pattern(path), schema["required"])
        self.there |= {path_pattern(path + (name,)) for name in value}
        self.known |= {path_pattern(path + (name,)) for name in schema["properties"]}
        for name in value:
            if name in required:
                self.reject(path + (name,), REMOVED)
            else:
                self.accept(path + (name,), REMOVED)
        if self.schemas.of_members(schema):
            self.accept(path, {})
        else:
            self.accept(path + ("org.example.unknown",), UNKNOWN)
        for name in schema["properties"]:
            if path_pattern(path + (name,)) in rules.FOREIGN:
                for sample in SAMPLES.values():
                    self.accept(path + (name,), sample)

    def nullable(self, path, parent):
        """Whether null is taken as absent: for members of objects, but not of maps."""
        name = path[-1]
        return name in parent["properties"] and path_pattern(path) not in rules.NEVER_NULL and \
            name not in rules.required(path_pattern(path[:-1]), parent["required"])

    def make(self, schema):
        self.change("as it is", [], None)
        parents = {}
        for path, value, node in list(self.schemas.walk(self.base, schema)):
            parents[path] = node
            if path:
                self.types(path, node, self.nullable(path, parents[path[:-1]]))
            kind = {int: self.integers, str: self.strings}.get(type(value))
            if kind:
                kind(path, node)
            elif isinstance(value, list):
                self.lists(path, value, node)
            elif isinstance(value, dict):
                self.objects(path, value, node)
        for changes, want in rules.FAULTS:
            self.change(" and ".join(self.title(*change) for change in changes), changes, want)
        self.check_tables()
        return self.vectors

    def check_tables(self):
        """base.json has every property, and no rule is about something that is not in it."""
        missing = self.known - self.there - rules.FOREIGN
        assert not missing, f"base.json lacks {sorted(missing)}"
        ruled = [*rules.RANGES, *rules.REQUIRED, *rules.NOT_REQUIRED, *rules.NEVER_NULL, *rules.BAD_STRINGS,
                 *rules.ALL_THERE, *(rule[0] for rule in rules.REFUSALS + rules.COMPANIONS)]
        stale = {place for place in ruled if place.removesuffix("[*]") not in self.there}
        assert not stale, f"rules.py has rules about {sorted(stale)}, which base.json lacks"
